"""The issuer's public keys: fetched beside the requests and kept through the issuer's outages.

Knows no request and no settings. A known key never waits; an unknown one waits for one fetch, within `Timing`.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  # a first fetch would import it; a child that is forked meanwhile waits for ever
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import jwt
import orjson

logger = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024
# algorithm -> what a key for it says of itself (RFC 7518, 6 and RFC 8037, 2)
KEY_TYPES = {
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES512": {"kty": "EC", "crv": "P-521"},
    "RS256": {"kty": "RSA"},
    "PS256": {"kty": "RSA"},
}


class KeySetUnavailable(Exception):
    """There is no key set to look in: none was ever loaded, or none within `Timing.keep`."""


class BadKeySet(ValueError):
    """What the issuer answered is not a key set that can be used; the message says why."""


@dataclass(frozen=True)
class Timing:
    """How patient a store is, in seconds."""

    budget: float = 2  # for one fetch, and for a request that waits for it
    pause: float = 5  # between two fetches, however many unknown keys are asked for
    refresh: float = 5 * 60  # then a set is fetched anew, while it goes on being used
    keep: float = 24 * 60 * 60  # so long it is used when it cannot be fetched anew


@dataclass(frozen=True)
class KeySet:
    """One answer of the issuer, and when it was asked for."""

    keys: tuple[jwt.PyJWK, ...]
    asked_at: float

    def matching(self, header: Mapping[str, Any]) -> tuple[jwt.PyJWK, ...]:
        """The keys of the header's `kid`, whatever it is; without one the only key, if there is just one."""
        if "kid" in header:
            return tuple(key for key in self.keys if key.key_id == header["kid"])
        return self.keys if len(self.keys) == 1 else ()


class KeyStore:
    """The key set at one address for one algorithm, for all threads of a process.

    Nothing is fetched before the first question. Each fetch runs in a daemon thread of its own. A forked process keeps
    the keys and fetches for itself.
    """

    def __init__(
        self, url: str, algorithm: str, timing: Timing = Timing(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url, self._algorithm, self._timing, self._clock = url, algorithm, timing, clock
        self._key_set: KeySet | None = None
        self._trouble = ""
        self._forget_fetches()
        _stores.add(self)

    def _forget_fetches(self) -> None:
        """At first, and in a forked process: no thread is there to end a fetch or to release a lock."""
        self._lock = threading.Lock()  # never held while a thread starts, or anything else is waited for
        self._fetched: threading.Event | None = None  # set when the last fetch has ended
        self._last_fetch = float("-inf")  # when it began or, if it has failed, when it failed

    def keys_for(self, header: Mapping[str, Any]) -> tuple[jwt.PyJWK, ...]:
        """The keys to try for a token with this header; KeySetUnavailable when that cannot be said."""
        if keys := self._known(header):
            self._fetch_at_most_every(self._timing.refresh)
            return keys
        if fetched := self._fetch_at_most_every(self._timing.pause):
            fetched.wait(max(0, self._last_fetch + self._timing.budget - self._clock()))
        keys = self._known(header)  # of a fetch that has just ended, too
        if keys is None:
            raise KeySetUnavailable(self._trouble or "no key set has been loaded yet")
        return keys

    def _known(self, header: Mapping[str, Any]) -> tuple[jwt.PyJWK, ...] | None:
        key_set = self._key_set
        if key_set is None or self._clock() - key_set.asked_at > self._timing.keep:
            return None
        return key_set.matching(header)

    def _fetch_at_most_every(self, seconds: float) -> threading.Event | None:
        """What is set at the end of the running fetch, else of a new one; None when the last one is too recent."""
        with self._lock:
            if self._fetched and not self._fetched.is_set():
                return self._fetched
            if self._clock() - self._last_fetch < seconds:
                return None
            self._last_fetch = self._clock()
            self._fetched = fetched = threading.Event()
        try:
            threading.Thread(target=self._load, args=[fetched], name="key-set", daemon=True).start()
        except RuntimeError:  # no thread is available: the keys at hand must do
            fetched.set()
        return fetched

    def _load(self, fetched: threading.Event) -> None:
        """Replace the key set by a newer one. A failure leaves it and is logged once, not again until it changes."""
        begun = self._last_fetch
        try:
            keys = public_keys(fetch(self._url, self._timing.budget), self._algorithm)
        except (OSError, HTTPException, ValueError) as error:
            self._last_fetch = self._clock()
            if (trouble := f"{type(error).__name__}: {error}") != self._trouble:
                logger.warning("The key set could not be loaded: %s", trouble)
            self._trouble = trouble
        else:
            self._key_set, self._trouble = KeySet(keys, begun), ""
        finally:
            fetched.set()


_stores: WeakSet[KeyStore] = WeakSet()


def _forget_fetches() -> None:
    for store in _stores:
        store._forget_fetches()


os.register_at_fork(after_in_child=_forget_fetches)


def fetch(url: str, budget: float) -> bytes:
    """The body of the 200 at `url`, within `budget` seconds and MAX_BYTES. A redirect is not followed."""
    deadline = time.monotonic() + budget
    address = urlsplit(url)
    connection_to = HTTPSConnection if address.scheme == "https" else HTTPConnection
    with closing(connection_to(address.hostname or "", address.port, timeout=budget)) as connection:
        connection.connect()
        with cut_at(deadline, connection.sock):
            connection.request("GET", address._replace(scheme="", netloc="", fragment="").geturl() or "/")
            return read(connection.getresponse())


def read(response: HTTPResponse) -> bytes:
    """The body of a 200, if it is not too long."""
    with response:
        if response.status != 200:
            raise BadKeySet(f"the issuer answered {response.status}")
        body = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise BadKeySet(f"the answer is longer than {MAX_BYTES} bytes")
    return body


@contextmanager
def cut_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """End what is read from `sock` at the deadline; its own timeout begins anew with every byte."""

    def cut() -> None:
        with suppress(OSError):  # it is closed already
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not an SSLSocket's own, which is not for other threads

    timer = threading.Timer(deadline - time.monotonic(), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if time.monotonic() >= deadline:
            raise TimeoutError("no whole answer in time")


def public_keys(body: bytes, algorithm: str) -> tuple[jwt.PyJWK, ...]:
    """The keys for `algorithm` in a JSON Web Key Set; BadKeySet when there is none."""
    document = orjson.loads(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise BadKeySet("the answer is not a key set")
    keys = tuple(key for jwk in listed if (key := public_key(jwk, algorithm)))
    if not keys:
        raise BadKeySet(f"the key set has no public key for {algorithm}")
    return keys


def public_key(jwk: Any, algorithm: str) -> jwt.PyJWK | None:
    """The key that a JWK describes, bound to `algorithm`; None for a private one or one for anything else."""
    try:
        if not fits(jwk, algorithm):
            return None
        key = jwt.PyJWK(jwk, algorithm)
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError):  # of the wrong shape, or no point of its curve
        return None
    return None if key.Algorithm.check_key_length(key.key) else key


def fits(jwk: dict[str, Any], algorithm: str) -> bool:
    """Whether a JWK says of itself that it verifies `algorithm`, and does not give a secret away."""
    return (
        KEY_TYPES[algorithm].items() <= jwk.items()
        and jwk.get("alg", algorithm) == algorithm
        and jwk.get("use", "sig") == "sig"
        and "verify" in jwk.get("key_ops", ["verify"])
        and "d" not in jwk
    )

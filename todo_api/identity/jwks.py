"""The issuer's public keys, which are fetched in background threads and stay in use while the issuer is unavailable.

This module uses no request and no settings. The lookup of a known key never waits. The lookup of an unknown key waits
for one fetch, at most `Timing.budget` seconds, and at most MAX_WAITING such lookups wait at the same time.
"""

from __future__ import annotations

# A fetch needs this module. A process that is forked while another thread imports it waits for the import for ever.
import encodings.idna  # noqa: F401
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import jwt
import orjson

logger = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024
MAX_WAITING = 4  # so that unknown keys cannot take all threads of a process
# algorithm -> members of a JWK for it (RFC 7518, section 6; RFC 8037, section 2)
KEY_TYPES = {
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES512": {"kty": "EC", "crv": "P-521"},
    "RS256": {"kty": "RSA"},
    "PS256": {"kty": "RSA"},
}


class KeySetUnavailable(Exception):
    """It is unknown whether the key exists: there is no key set, or too many requests wait for a newer one."""


class BadKeySet(ValueError):
    """The issuer's response is not a usable key set. The message is the reason."""


@dataclass(frozen=True)
class Timing:
    """The times of a key store, in seconds."""

    budget: float = 2  # for one fetch, and for a request that waits for it
    pause: float = 5  # between two fetches, for any number of unknown keys
    refresh: float = 5 * 60  # the age at which a key set is fetched again; it stays in use meanwhile
    keep: float = 24 * 60 * 60  # the age up to which a key set is used when fetches fail


@dataclass(frozen=True)
class KeySet:
    """The keys of one response, and the time of its request."""

    keys: tuple[jwt.PyJWK, ...]
    requested_at: float

    def matching(self, header: Mapping[str, Any]) -> tuple[jwt.PyJWK, ...]:
        """Return the keys with the header's `kid`. Without a `kid` return the key of a set with one key."""
        if "kid" in header:
            return tuple(key for key in self.keys if key.key_id == header["kid"])
        return self.keys if len(self.keys) == 1 else ()


class KeyStore:
    """The key set at one address for one algorithm, for all threads of a process.

    Nothing is fetched before the first lookup. Each fetch runs in its own daemon thread. A forked process keeps the
    keys and starts its own fetches.
    """

    def __init__(
        self, url: str, algorithm: str, timing: Timing = Timing(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url, self._algorithm, self._timing, self._clock = url, algorithm, timing, clock
        self._key_set: KeySet | None = None
        self._failure = ""
        self._reset_fetches()
        _stores.add(self)

    def _reset_fetches(self) -> None:
        """Start without a fetch. A forked process needs this too, because its parent's threads do not run in it."""
        self._lock = threading.Lock()  # never held while a thread starts or a fetch runs
        self._places = threading.Semaphore(MAX_WAITING)
        self._fetched: threading.Event | None = None  # set when the last fetch has ended
        self._last_fetch = float("-inf")  # the time of its start or, if it failed, of its failure

    def keys_for(self, header: Mapping[str, Any]) -> tuple[jwt.PyJWK, ...]:
        """Return the keys to try for a token with this header. Raise KeySetUnavailable when they are unknown."""
        keys = self._known(header)
        if keys:
            self._fetch_at_most_every(self._timing.refresh)
            return keys
        if fetched := self._fetch_at_most_every(self._timing.pause):
            with nullcontext() if keys is None else self._place_to_wait():  # without a set, no key is known
                fetched.wait(max(0, self._last_fetch + self._timing.budget - self._clock()))
        keys = self._known(header)  # again, because a fetch may have ended
        if keys is None:
            raise KeySetUnavailable(self._failure or "no key set has been loaded yet")
        return keys

    @property
    def age(self) -> float | None:
        """The seconds since the request for the key set in use; None while there is none."""
        return self._clock() - self._key_set.requested_at if self._key_set else None

    @contextmanager
    def _place_to_wait(self) -> Iterator[None]:
        """Raise KeySetUnavailable when MAX_WAITING requests wait already."""
        if not self._places.acquire(blocking=False):
            raise KeySetUnavailable("too many requests wait for the key set")
        try:
            yield
        finally:
            self._places.release()

    def _known(self, header: Mapping[str, Any]) -> tuple[jwt.PyJWK, ...] | None:
        """Return the matching keys, None without a key set."""
        key_set = self._key_set
        if key_set is None or self._clock() - key_set.requested_at > self._timing.keep:
            return None
        return key_set.matching(header)

    def _fetch_at_most_every(self, seconds: float) -> threading.Event | None:
        """Return the event that ends the running fetch or a new one; None when the last fetch is too recent."""
        with self._lock:
            if self._fetched and not self._fetched.is_set():
                return self._fetched
            if self._clock() - self._last_fetch < seconds:
                return None
            self._last_fetch = self._clock()
            self._fetched = fetched = threading.Event()
        try:
            threading.Thread(target=self._load, args=[fetched], name="key-set", daemon=True).start()
        except RuntimeError:  # no thread is available; the present keys stay in use
            fetched.set()
        return fetched

    def _load(self, fetched: threading.Event) -> None:
        """Replace the key set with a new one. After a failure keep the old one, and log a new reason."""
        requested_at = self._last_fetch
        try:
            keys = public_keys(fetch(self._url, self._timing.budget), self._algorithm)
        except (OSError, HTTPException, ValueError) as error:
            self._last_fetch = self._clock()
            if (failure := f"{type(error).__name__}: {error}") != self._failure:
                logger.warning("The key set could not be loaded: %s", failure)
            self._failure = failure
        else:
            self._key_set, self._failure = KeySet(keys, requested_at), ""
        finally:
            fetched.set()


_stores: WeakSet[KeyStore] = WeakSet()


def _reset_fetches() -> None:
    for store in _stores:
        store._reset_fetches()


os.register_at_fork(after_in_child=_reset_fetches)


def fetch(url: str, budget: float) -> bytes:
    """Return the body of the 200 at `url`, within `budget` seconds and MAX_BYTES. Follow no redirect."""
    deadline = time.monotonic() + budget
    address = urlsplit(url)
    connection_to = HTTPSConnection if address.scheme == "https" else HTTPConnection
    with closing(connection_to(address.hostname or "", address.port, timeout=budget)) as connection:
        connection.connect()
        with shut_down_at(deadline, connection.sock):
            connection.request("GET", address._replace(scheme="", netloc="", fragment="").geturl() or "/")
            return read(connection.getresponse())


def read(response: HTTPResponse) -> bytes:
    """Return the body. Raise BadKeySet for a status other than 200 and for a body over MAX_BYTES."""
    with response:
        if response.status != 200:
            raise BadKeySet(f"the issuer responded with {response.status}")
        body = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise BadKeySet(f"the response is longer than {MAX_BYTES} bytes")
    return body


@contextmanager
def shut_down_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Shut `sock` down at the deadline. Its own timeout is not enough, because it starts again with every byte."""

    def shut_down() -> None:
        with suppress(OSError):  # it is already closed
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # SSLSocket.shutdown is not thread-safe

    timer = threading.Timer(deadline - time.monotonic(), shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if time.monotonic() >= deadline:
            raise TimeoutError("no complete response in time")


def public_keys(body: bytes, algorithm: str) -> tuple[jwt.PyJWK, ...]:
    """Return the keys for `algorithm` in a JSON Web Key Set. Raise BadKeySet, or ValueError for invalid JSON."""
    document = orjson.loads(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise BadKeySet("the response is not a key set")
    keys = tuple(key for jwk in listed if (key := public_key(jwk, algorithm)))
    if not keys:
        raise BadKeySet(f"the key set has no public key for {algorithm}")
    return keys


def public_key(jwk: Any, algorithm: str) -> jwt.PyJWK | None:
    """Return the key of a JWK, bound to `algorithm`; None for a private key and for a key for another purpose."""
    try:
        if not is_usable(jwk, algorithm):
            return None
        key = jwt.PyJWK(jwk, algorithm)
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError):  # malformed, or not a point of its curve
        return None
    return None if key.Algorithm.check_key_length(key.key) else key


def is_usable(jwk: dict[str, Any], algorithm: str) -> bool:
    """Return whether a JWK is declared for verifying `algorithm` and has no private member."""
    return (
        KEY_TYPES[algorithm].items() <= jwk.items()
        and jwk.get("alg", algorithm) == algorithm
        and jwk.get("use", "sig") == "sig"
        and "verify" in jwk.get("key_ops", ["verify"])
        and "d" not in jwk
    )

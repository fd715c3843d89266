"""Verification of a JWT: its claims, or a TokenError. This module uses no request and no settings.

The rules are those of RFC 7519 and RFC 8725, stricter where Better Auth's tokens allow it: the algorithm comes from the
configuration alone, each claim has exactly its JSON type, and `sub` is a user id that can be a part of a path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
import orjson
from jwt.utils import base64url_decode, base64url_encode

MAX_TOKEN_BYTES = 4096
MAX_USER_ID_LENGTH = 255
END_OF_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second that a datetime can hold
# Better Auth signs its session-cache cookie with the same keys. The cookie must never be accepted as an API token.
SESSION_CACHE_AUDIENCE = "better-auth:session-cache"

Claims = dict[str, Any]
KeysFor = Callable[[Mapping[str, Any]], Iterable[jwt.PyJWK]]

JWS = jwt.PyJWS()


class TokenError(Exception):
    """The token is refused. The message tells the client the reason."""

    code = "token_invalid"

    def __str__(self) -> str:
        return f"Invalid token: {super().__str__()}"


class TokenExpired(TokenError):
    """The token is valid except for its `exp`."""

    code = "token_expired"

    def __str__(self) -> str:
        return "Token has expired"


def shared_secret(secret: str, algorithm: str) -> jwt.PyJWK:
    """Return the UTF-8 bytes of a secret as a key for one HMAC algorithm."""
    return jwt.PyJWK({"kty": "oct", "k": base64url_encode(secret.encode()).decode()}, algorithm)


@dataclass(frozen=True)
class TokenVerifier:
    """Verifies compact JWS tokens of one algorithm.

    `keys_for` maps the token's header, which is not verified yet, to the keys to try. Its exceptions are not caught.
    `audiences` and `issuer` are checked when they are not empty. `leeway` is in seconds.
    """

    algorithm: str
    keys_for: KeysFor
    audiences: Sequence[str] = ()
    issuer: str = ""
    leeway: float = 0

    def verify(self, token: bytes) -> Claims:
        """Return the claims of a valid token. Raise TokenExpired or TokenError."""
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenError("longer than 4 KiB")
        if b"=" in token:  # PyJWT accepts padding at the end; RFC 7515, section 2, does not
            raise TokenError("it is not a JWT")
        header = _header(token.partition(b".")[0])
        if header.get("alg") != self.algorithm:
            raise TokenError("The specified alg value is not allowed")
        keys = tuple(self.keys_for(header))
        claims = _claims(_verified_payload(token, self.algorithm, keys))
        _check_subject(claims)
        self._check_times(claims, time.time())
        self._check_audience(claims)
        if self.issuer and claims.get("iss") != self.issuer:
            raise TokenError("'iss' is not the expected issuer")
        return claims

    def _check_times(self, claims: Claims, now: float) -> None:
        """Check RFC 7519, sections 4.1.4 to 4.1.6. An `iat` in the future is refused: the issuer's clock is wrong."""
        if "exp" not in claims:
            raise TokenError("'exp' is missing")
        for name in ("exp", "nbf", "iat"):
            if name in claims and not _is_timestamp(claims[name]):
                raise TokenError(f"'{name}' is not a time in seconds")
        if claims["exp"] <= now - self.leeway:
            raise TokenExpired
        for name in ("nbf", "iat"):
            if claims.get(name, 0) > now + self.leeway:
                raise TokenError(f"'{name}' is in the future")

    def _check_audience(self, claims: Claims) -> None:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if SESSION_CACHE_AUDIENCE in audiences:
            raise TokenError("it is a session cookie")
        if self.audiences and not any(one in self.audiences for one in audiences):
            raise TokenError("'aud' is not an expected audience")


# A user's requests carry the same token for 15 minutes. A valid signature is cached for exactly these bytes and keys; a
# failure is not cached. Times and other claims are checked for each request. See
# docs/decisions/0011-a-signature-is-verified-once.md.
@lru_cache(maxsize=1024)
def _verified_payload(token: bytes, algorithm: str, keys: tuple[jwt.PyJWK, ...]) -> bytes:
    """Return the payload if one of the keys verifies its signature."""
    failure: jwt.PyJWTError = jwt.InvalidSignatureError("no key matches")
    try:
        for key in keys:
            try:
                payload: bytes = JWS.decode(token, key, algorithms=[algorithm])
            except jwt.InvalidSignatureError as error:
                failure = error
            else:
                return payload
        raise failure
    except jwt.PyJWTError as error:
        # The text after a colon may come from the token. It is not logged.
        raise TokenError(str(error).partition(":")[0]) from error


@lru_cache(maxsize=64)  # an issuer's tokens have few different headers
def _header(segment: bytes) -> Mapping[str, Any]:
    """Return the header, which is not verified yet. It selects the key; PyJWT reads it again for the verification."""
    try:
        header: Any = orjson.loads(base64url_decode(segment))
    except ValueError as error:
        raise TokenError("it is not a JWT") from error
    if not isinstance(header, dict):
        raise TokenError("its header is not a JSON object")
    return header


def _claims(payload: bytes) -> Claims:
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise TokenError("its payload is not JSON") from error
    if not isinstance(claims, dict):
        raise TokenError("its payload is not a JSON object")
    return claims


def _check_subject(claims: Claims) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise TokenError("'sub' is missing or not a string")
    if not 0 < len(subject) <= MAX_USER_ID_LENGTH or not subject.isprintable():
        raise TokenError("'sub' is not 1 to 255 printable characters")


def _is_timestamp(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= END_OF_TIME

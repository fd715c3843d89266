"""Tokens that no library makes, and verifiers with their results."""

import hmac
import json
import time
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from todo_api.identity.tokens import TokenError, TokenVerifier, shared_secret

SECRET = b"shared-secret-0123456789-0123456789"
PREVIOUS = b"previous-secret-0123456789-0123456789"
SIGNING_KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = SIGNING_KEY.public_key()
OURS = "https://app.example.com"
END_OF_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z

now = time.time


def jwk(key, algorithm="EdDSA"):
    return jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True)


def public(key, algorithm="EdDSA"):
    return jwt.PyJWK(jwk(key.public_key(), algorithm), algorithm)


def always(*keys):
    return lambda header: keys


CURRENT_KEY, PREVIOUS_KEY = (shared_secret(secret.decode(), "HS256") for secret in (SECRET, PREVIOUS))
SHARED = TokenVerifier("HS256", always(CURRENT_KEY), leeway=10)
STRICT = TokenVerifier("HS256", always(CURRENT_KEY), audiences=(OURS, "https://ops.example.com"), issuer=OURS)
NO_LEEWAY = TokenVerifier("HS256", always(CURRENT_KEY))
KEY_SET = TokenVerifier("EdDSA", always(public(SIGNING_KEY)), leeway=10)

ACCEPTED = "accepted"
EXPIRED = "token_expired: Token has expired"


def refused(reason):
    return f"token_invalid: Invalid token: {reason}"


BAD_SIGNATURE = refused("Signature verification failed")
OTHER_ALGORITHM = refused("The specified alg value is not allowed")
NOT_A_JWT = refused("it is not a JWT")
NO_KEY = refused("no key matches")
TOO_LONG = refused("longer than 4 KiB")
SESSION_COOKIE = refused("it is a session cookie")
NOT_JSON = refused("its payload is not JSON")


def segment(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return urlsafe_b64encode(raw).rstrip(b"=")


def hs256(signing_input, secret=SECRET):
    return hmac.digest(secret, signing_input, "sha256")


def ed25519(signing_input):
    return SIGNING_KEY.sign(signing_input)


def as_hmac_secret(secret):
    return lambda signing_input: hs256(signing_input, secret)


def payload(**claims):
    claims = {"sub": "alice", "iat": int(now()), "exp": int(now()) + 900} | claims
    return {name: value for name, value in claims.items() if value is not ...}


def forge(header=None, body=None, sign=hs256, **claims):
    """Return a signed token, also one that PyJWT refuses to make. `...` leaves a claim or a header out."""
    if not isinstance(header, bytes):
        header = {"alg": "EdDSA" if sign is ed25519 else "HS256"} | (header or {})
        header = {name: value for name, value in header.items() if value is not ...}
    signing_input = segment(header) + b"." + segment(payload(**claims) if body is None else body)
    return signing_input + b"." + segment(sign(signing_input))


def of_length(length):
    """Return a valid token of `length` bytes. Its payload ends with white space."""
    room = (length - len(forge(body=b""))) * 3 // 4
    return forge(body=json.dumps(payload()).encode().ljust(room))


# The token of a case is made when the case runs, because most tokens depend on the time.
def case(name, make, expected, verifier=SHARED):
    return pytest.param(verifier, make, expected, id=name)


def result_of(verifier, token):
    """Return ACCEPTED, or the code and the message of the error."""
    try:
        verifier.verify(token)
    except TokenError as error:
        return f"{error.code}: {error}"
    return ACCEPTED

"""JWT bytes in, claims or TokenError out: every way in which a token can be wrong, in one table."""

import hashlib
import hmac
import json
import math
import socket
import time
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from todo_api.identity import tokens
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


def keys_by_kid(header):
    return [public(SIGNING_KEY)] if header.get("kid") == "key-1" else []


def no_keys(header):
    raise AssertionError("a key was asked for")


CURRENT_KEY, PREVIOUS_KEY = (shared_secret(secret.decode(), "HS256") for secret in (SECRET, PREVIOUS))
SHARED = TokenVerifier("HS256", always(CURRENT_KEY), leeway=10)
ROTATING = TokenVerifier("HS256", always(CURRENT_KEY, PREVIOUS_KEY))
STRICT = TokenVerifier("HS256", always(CURRENT_KEY), audiences=(OURS, "https://ops.example.com"), issuer=OURS)
PUNCTUAL = TokenVerifier("HS256", always(CURRENT_KEY))
UNREAD = TokenVerifier("HS256", no_keys)
KEY_SET = TokenVerifier("EdDSA", always(public(SIGNING_KEY)), leeway=10)
BY_KID = TokenVerifier("EdDSA", keys_by_kid)


def segment(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return urlsafe_b64encode(raw).rstrip(b"=")


def hs256(signing_input, secret=SECRET):
    return hmac.digest(secret, signing_input, "sha256")


def ed25519(signing_input):
    return SIGNING_KEY.sign(signing_input)


def payload(**claims):
    claims = {"sub": "alice", "iat": int(now()), "exp": int(now()) + 900} | claims
    return {name: value for name, value in claims.items() if value is not ...}


def forge(header=None, body=None, sign=hs256, **claims):
    """A signed token by hand, for PyJWT refuses to make most of these; `...` leaves a claim or a header out."""
    if not isinstance(header, bytes):
        header = {"alg": "EdDSA" if sign is ed25519 else "HS256"} | (header or {})
        header = {name: value for name, value in header.items() if value is not ...}
    signing_input = segment(header) + b"." + segment(payload(**claims) if body is None else body)
    return signing_input + b"." + segment(sign(signing_input))


def with_signature(signature):
    return forge().rpartition(b".")[0] + b"." + signature


def as_hmac_secret(secret):
    return lambda signing_input: hs256(signing_input, secret)


def of_length(length):
    """A good token padded with white space in its payload."""
    room = (length - len(forge(body=b""))) * 3 // 4
    return forge(body=json.dumps(payload()).encode().ljust(room))


PUBLIC_KEY_FORMS = {
    "PEM": PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM without its last line break": PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
    "JWK": json.dumps(jwk(PUBLIC_KEY)).encode(),
    "x of the JWK": jwk(PUBLIC_KEY)["x"].encode(),
    "DER": PUBLIC_KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "raw bytes": PUBLIC_KEY.public_bytes_raw(),
    "OpenSSH": PUBLIC_KEY.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
}

ACCEPTED = "accepted"
EXPIRED = "token_expired: Token has expired"


def refused(reason):
    return f"token_invalid: Invalid token: {reason}"


NOT_A_JWT = refused("it is not a JWT")
BAD_SEGMENT = refused("Invalid payload padding")
BAD_HEADER = refused("its header is not a JSON object")
BAD_SIGNATURE = refused("Signature verification failed")
OTHER_ALGORITHM = refused("The specified alg value is not allowed")
NOT_JSON = refused("its payload is not JSON")
NOT_AN_OBJECT = refused("its payload is not a JSON object")
BAD_EXP = refused("'exp' is not a time in seconds")
BAD_NBF = refused("'nbf' is not a time in seconds")
BAD_IAT = refused("'iat' is not a time in seconds")
NO_SUB = refused("'sub' is missing or not a string")
BAD_SUB = refused("'sub' is not 1 to 255 printable characters")
OTHER_AUDIENCE = refused("'aud' is not an expected audience")
OTHER_ISSUER = refused("'iss' is not the expected issuer")
BAD_KID = refused("Key ID header parameter must be a string")
BAD_CRIT = refused("Invalid 'crit' header")
NOT_DETACHED = refused("Payload segment must be empty when 'b64' is false.")
UNKNOWN_CRIT = refused("Unsupported critical extension")
SESSION_COOKIE = refused("it is a session cookie")
NO_KEY = refused("no key matches")
TOO_LONG = refused("longer than 4 KiB")


def case(name, make, verdict, verifier=SHARED):
    return pytest.param(verifier, make, verdict, id=name)


# Tokens are made when their case runs, for most of them depend on the time.
# fmt: off
CASES = [
    # what a good token is
    case("good", forge, ACCEPTED),
    case("header with a typ", lambda: forge(header={"typ": "JWT"}), ACCEPTED),
    case("all that Better Auth writes", lambda: forge(iss=OURS, aud=OURS, name="Alice", email="alice@example.com",
         emailVerified=True, image=None, createdAt="2026-01-01T00:00:00.000Z"), ACCEPTED),
    case("good, of the key set", lambda: forge(sign=ed25519), ACCEPTED, KEY_SET),

    # what is no token
    case("empty", lambda: b"", NOT_A_JWT),
    case("garbage", lambda: b"garbage", NOT_A_JWT),
    case("opaque session token", lambda: b"uX2mWvQd8sKf0ZyTq7LbNc4RjHe1AgPi", NOT_A_JWT),
    case("opaque session token with a signature", lambda: b"uX2mWvQd8sKf0ZyTq7LbNc4R.m0bEo%2BtU%3D", NOT_A_JWT),
    case("1 segment", lambda: segment({"alg": "HS256"}), refused("Not enough segments")),
    case("2 segments", lambda: forge().rpartition(b".")[0], refused("Not enough segments")),
    case("4 segments", lambda: forge() + b".AAAA", BAD_SEGMENT),
    case("5 segments, a JWE", lambda: segment({"alg": "dir", "enc": "A256GCM"}) + b"..AAAA.AAAA.AAAA", OTHER_ALGORITHM),
    case("3 empty segments", lambda: b"..", NOT_A_JWT),
    case("NUL bytes", lambda: b"\x00.\x00.\x00", NOT_A_JWT),
    case("bytes that are not ASCII", lambda: "é.è.ê".encode(), NOT_A_JWT),
    case("bytes that are not UTF-8", lambda: b"\xff.\xfe.\xfd", NOT_A_JWT),
    case("good with a line break", lambda: forge() + b"\n", refused("Invalid crypto padding")),
    case("good with a comma and another", lambda: forge() + b"," + forge(), BAD_SEGMENT),
    case("header with signs that base64 readers skip", lambda: b"!" + forge(), refused("Invalid header padding")),
    case("base64 that is not for URLs", lambda: forge().replace(b".", b".+/", 1), BAD_SEGMENT),
    case("the longest", lambda: of_length(4096), ACCEPTED),
    case("over 4 KiB, without looking for a key", lambda: of_length(4097), TOO_LONG, UNREAD),
    case("over 4 KiB of nothing", lambda: b"." * 10_000, TOO_LONG, UNREAD),

    # the header
    case("header no JSON", lambda: forge(header=b"alg=HS256"), NOT_A_JWT),
    case("header not UTF-8", lambda: forge(header=b'{"alg": "\xff"}'), NOT_A_JWT),
    case("header a list", lambda: forge(header=b'["HS256"]'), BAD_HEADER),
    case("header a string", lambda: forge(header=b'"HS256"'), BAD_HEADER),
    case("header null", lambda: forge(header=b"null"), BAD_HEADER),
    case("header nested 1,400 deep", lambda: forge(header=b"[" * 1400 + b"]" * 1400), NOT_A_JWT),
    case("header with a number of 2,500 digits", lambda: forge(header=b'{"alg": ' + b"9" * 2500 + b"}"), NOT_A_JWT),
    case("alg none", lambda: forge(header={"alg": "none"}), OTHER_ALGORITHM),
    case("alg none, not signed", lambda: forge(header={"alg": "none"}, sign=lambda _: b""), OTHER_ALGORITHM),
    case("alg nOnE, not signed", lambda: forge(header={"alg": "nOnE"}, sign=lambda _: b""), OTHER_ALGORITHM),
    case("alg NONE, not signed", lambda: forge(header={"alg": "NONE"}, sign=lambda _: b""), OTHER_ALGORITHM),
    case("alg empty", lambda: forge(header={"alg": ""}), OTHER_ALGORITHM),
    case("alg missing", lambda: forge(header={"alg": ...}), OTHER_ALGORITHM),
    case("alg null", lambda: forge(header={"alg": None}), OTHER_ALGORITHM),
    case("alg a list", lambda: forge(header={"alg": ["HS256"]}), OTHER_ALGORITHM),
    case("alg an object", lambda: forge(header={"alg": {"HS256": 1}}), OTHER_ALGORITHM),
    case("alg a number", lambda: forge(header={"alg": 256}), OTHER_ALGORITHM),
    case("alg in small letters", lambda: forge(header={"alg": "hs256"}), OTHER_ALGORITHM),
    case("alg with a space", lambda: forge(header={"alg": "HS256 "}), OTHER_ALGORITHM),
    case("alg HS384 and its hash", lambda: forge({"alg": "HS384"}, sign=lambda m: hmac.digest(SECRET, m, "sha384")),
         OTHER_ALGORITHM),
    case("alg HS512 and its hash", lambda: forge({"alg": "HS512"}, sign=lambda m: hmac.digest(SECRET, m, "sha512")),
         OTHER_ALGORITHM),
    case("alg HS256 and the hash of HS512", lambda: forge(sign=lambda m: hmac.digest(SECRET, m, "sha512")),
         BAD_SIGNATURE),
    case("alg of the key set, with the secret", lambda: forge(header={"alg": "EdDSA"}), OTHER_ALGORITHM),
    case("a key set's token in shared-secret mode", lambda: forge(sign=ed25519), OTHER_ALGORITHM),
    case("a shared secret's token in key-set mode", forge, OTHER_ALGORITHM, KEY_SET),
    case("alg none in key-set mode", lambda: forge({"alg": "none"}, sign=lambda _: b""), OTHER_ALGORITHM, KEY_SET),
    case("alg ES256 with the key of EdDSA", lambda: forge({"alg": "ES256"}, sign=ed25519), OTHER_ALGORITHM, KEY_SET),
    case("alg Ed25519, the new name", lambda: forge({"alg": "Ed25519"}, sign=ed25519), OTHER_ALGORITHM, KEY_SET),
    *[
        case(f"HS256 with the public key as {form}", lambda key=key: forge(sign=as_hmac_secret(key)), OTHER_ALGORITHM,
             KEY_SET)
        for form, key in PUBLIC_KEY_FORMS.items()
    ],
    *[
        case(f"EdDSA in name, HS256 with the public key as {form}",
             lambda key=key: forge(header={"alg": "EdDSA"}, sign=as_hmac_secret(key)), BAD_SIGNATURE, KEY_SET)
        for form, key in PUBLIC_KEY_FORMS.items()
    ],
    case("kid that is not needed", lambda: forge(header={"kid": "any"}), ACCEPTED),
    case("kid of a key", lambda: forge({"kid": "key-1"}, sign=ed25519), ACCEPTED, BY_KID),
    case("kid missing", lambda: forge(sign=ed25519), NO_KEY, BY_KID),
    case("kid unknown", lambda: forge({"kid": "key-2"}, sign=ed25519), NO_KEY, BY_KID),
    case("kid a path", lambda: forge({"kid": "../../etc/passwd"}, sign=ed25519), NO_KEY, BY_KID),
    case("kid a device", lambda: forge({"kid": "/dev/null"}, sign=as_hmac_secret(b"")), OTHER_ALGORITHM, BY_KID),
    case("kid SQL", lambda: forge({"kid": "' UNION SELECT 'key-1' --"}, sign=ed25519), NO_KEY, BY_KID),
    case("kid 10 KB", lambda: forge({"kid": "k" * 10_000}, sign=ed25519), TOO_LONG, BY_KID),
    case("kid a number", lambda: forge({"kid": 1}, sign=ed25519), NO_KEY, BY_KID),
    case("kid a list", lambda: forge({"kid": ["key-1"]}, sign=ed25519), NO_KEY, BY_KID),
    case("kid null", lambda: forge({"kid": None}, sign=ed25519), NO_KEY, BY_KID),
    case("kid a list, shared secret", lambda: forge(header={"kid": ["key-1"]}), BAD_KID),
    case("its own key in jwk, of the same kind", lambda: forge({"jwk": jwk(PUBLIC_KEY)}, sign=ed25519),
         BAD_SIGNATURE, TokenVerifier("EdDSA", always(public(Ed25519PrivateKey.generate())))),
    case("its own secret in jwk", lambda: forge({"jwk": {"kty": "oct", "k": segment(PREVIOUS).decode()}},
         sign=as_hmac_secret(PREVIOUS)), BAD_SIGNATURE),
    case("jwk, x5c and x5u beside a good signature", lambda: forge(
         header={"jwk": jwk(PUBLIC_KEY), "x5c": ["AAAA"], "x5u": "file:///etc/passwd"}), ACCEPTED),
    case("crit unknown", lambda: forge(header={"crit": ["urn:example"], "urn:example": 1}), UNKNOWN_CRIT),
    case("crit names a claim", lambda: forge(header={"crit": ["exp"], "exp": 1}), UNKNOWN_CRIT),
    case("crit that would forge a line of a log", lambda: forge(header={"crit": ["x\r\n200 alice"]}), UNKNOWN_CRIT),
    case("crit empty", lambda: forge(header={"crit": []}), BAD_CRIT),
    case("crit a string", lambda: forge(header={"crit": "b64"}), BAD_CRIT),
    case("crit a list of numbers", lambda: forge(header={"crit": [1]}), BAD_CRIT),
    case("crit null", lambda: forge(header={"crit": None}), BAD_CRIT),
    case("b64 false", lambda: forge(header={"b64": False}), NOT_DETACHED),
    case("b64 false and crit", lambda: forge(header={"b64": False, "crit": ["b64"]}), NOT_DETACHED),
    case("b64 false and no payload", lambda: forge(header={"b64": False}, body=b""),
         refused("The 'b64' header parameter requires 'b64' to be listed in 'crit'.")),
    case("b64 false, crit and no payload", lambda: forge(header={"b64": False, "crit": ["b64"]}, body=b""), refused(
         'It is required that you pass in a value for the "detached_payload" argument to decode a message having the '
         "b64 header set to false.")),

    # the signature
    case("signature of another secret", lambda: forge(sign=as_hmac_secret(PREVIOUS)), BAD_SIGNATURE),
    case("signature of an empty secret", lambda: forge(sign=as_hmac_secret(b"")), BAD_SIGNATURE),
    case("signature of the secret in base64", lambda: forge(sign=as_hmac_secret(segment(SECRET))), BAD_SIGNATURE),
    case("signature without a secret", lambda: forge(sign=lambda m: hashlib.sha256(m).digest()), BAD_SIGNATURE),
    case("signature of zeros", lambda: forge(sign=lambda _: bytes(32)), BAD_SIGNATURE),
    case("signature empty", lambda: with_signature(b""), BAD_SIGNATURE),
    case("signature of another token", lambda: with_signature(forge(sub="bob").rpartition(b".")[2]), BAD_SIGNATURE),
    case("signature cut short", lambda: forge(sign=lambda m: hs256(m)[:16]), BAD_SIGNATURE),
    case("signature with a byte more", lambda: forge(sign=lambda m: hs256(m) + b"\x00"), BAD_SIGNATURE),
    case("signature in hex", lambda: forge(sign=lambda m: hs256(m).hex().encode()), BAD_SIGNATURE),
    case("signature of another key of the same kind", lambda: forge(header={"alg": "EdDSA"},
         sign=Ed25519PrivateKey.generate().sign), BAD_SIGNATURE, KEY_SET),
    case("signature empty in key-set mode", lambda: forge(header={"alg": "EdDSA"}, sign=lambda _: b""), BAD_SIGNATURE,
         KEY_SET),
    case("signature of zeros in key-set mode", lambda: forge(header={"alg": "EdDSA"}, sign=lambda _: bytes(64)),
         BAD_SIGNATURE, KEY_SET),
    case("wrong signature on an expired token", lambda: forge(sign=as_hmac_secret(PREVIOUS), exp=1), BAD_SIGNATURE),
    case("the first of two secrets", forge, ACCEPTED, ROTATING),
    case("the second of two secrets", lambda: forge(sign=as_hmac_secret(PREVIOUS)), ACCEPTED, ROTATING),
    case("neither of two secrets", lambda: forge(sign=as_hmac_secret(PREVIOUS[:-1])), BAD_SIGNATURE, ROTATING),
    case("no secret to try", forge, NO_KEY, TokenVerifier("HS256", always())),

    # the payload
    case("payload a list", lambda: forge(body=["alice"]), NOT_AN_OBJECT),
    case("payload a string", lambda: forge(body="alice"), NOT_AN_OBJECT),
    case("payload a number", lambda: forge(body=1), NOT_AN_OBJECT),
    case("payload null", lambda: forge(body=b"null"), NOT_AN_OBJECT),
    case("payload empty", lambda: forge(body=b""), NOT_JSON),
    case("payload cut short", lambda: forge(body=b'{"sub": "alice", "exp": 99999'), NOT_JSON),
    case("payload not UTF-8", lambda: forge(body=b'{"sub": "\xff"}'), NOT_JSON),
    case("payload with a BOM", lambda: forge(body=b'\xef\xbb\xbf{"sub": "alice"}'), NOT_JSON),
    case("payload with a lone surrogate", lambda: forge(body=rb'{"sub": "\ud800"}'), NOT_JSON),
    case("payload nested 1,400 deep", lambda: forge(body=b'{"sub": ' + b"[" * 1400 + b"]" * 1400 + b"}"), NOT_JSON),
    case("payload nested 20,000 deep", lambda: forge(body=b"[" * 20_000 + b"]" * 20_000), TOO_LONG),
    case("payload empty object", lambda: forge(body={}), NO_SUB),

    # exp
    case("exp an hour ago", lambda: forge(exp=int(now()) - 3600), EXPIRED),
    case("exp a minute ago", lambda: forge(exp=int(now()) - 60), EXPIRED),
    case("exp just out of the leeway", lambda: forge(exp=now() - 10), EXPIRED),
    case("exp within the leeway", lambda: forge(exp=int(now()) - 4), ACCEPTED),
    case("exp now", lambda: forge(exp=int(now())), ACCEPTED),
    case("exp now, without leeway", lambda: forge(exp=now()), EXPIRED, PUNCTUAL),
    case("exp 1970", lambda: forge(exp=0), EXPIRED),
    case("exp a minute ago, of the key set", lambda: forge(sign=ed25519, exp=int(now()) - 60), EXPIRED, KEY_SET),
    case("exp a float", lambda: forge(exp=now() + 900.5), ACCEPTED),
    case("exp a float long ago", lambda: forge(exp=1.5e9), EXPIRED),
    case("exp the last second of 9999", lambda: forge(exp=END_OF_TIME), ACCEPTED),
    case("exp the first second of 10000", lambda: forge(exp=END_OF_TIME + 1), BAD_EXP),
    case("exp missing", lambda: forge(exp=...), refused("'exp' is missing")),
    case("exp null", lambda: forge(exp=None), BAD_EXP),
    case("exp true", lambda: forge(exp=True), BAD_EXP),
    case("exp a list", lambda: forge(exp=[int(now()) + 900]), BAD_EXP),
    case("exp an object", lambda: forge(exp={}), BAD_EXP),
    case("exp words", lambda: forge(exp="tomorrow"), BAD_EXP),
    case("exp a date", lambda: forge(exp="2099-01-01T00:00:00Z"), BAD_EXP),
    case("exp a string of digits", lambda: forge(exp=str(int(now()) + 900)), BAD_EXP),
    case("exp negative", lambda: forge(exp=-1), BAD_EXP),
    case("exp in milliseconds", lambda: forge(exp=int(now()) * 1000), BAD_EXP),
    case("exp 10^18", lambda: forge(exp=10**18), BAD_EXP),
    case("exp 10^30", lambda: forge(exp=10**30), BAD_EXP),
    case("exp 10^400", lambda: forge(exp=10**400), NOT_JSON),
    case("exp NaN", lambda: forge(exp=math.nan), NOT_JSON),
    case("exp Infinity", lambda: forge(exp=math.inf), NOT_JSON),
    case("exp 1e999", lambda: forge(body=b'{"sub": "alice", "exp": 1e999}'), NOT_JSON),

    # nbf and iat
    case("nbf now", lambda: forge(nbf=int(now())), ACCEPTED),
    case("nbf within the leeway", lambda: forge(nbf=int(now()) + 5), ACCEPTED),
    case("nbf in ten minutes", lambda: forge(nbf=int(now()) + 600), refused("'nbf' is in the future")),
    case("nbf in a minute, without leeway", lambda: forge(nbf=now() + 60), refused("'nbf' is in the future"), PUNCTUAL),
    case("nbf null", lambda: forge(nbf=None), BAD_NBF),
    case("nbf true", lambda: forge(nbf=True), BAD_NBF),
    case("nbf a string of digits", lambda: forge(nbf="0"), BAD_NBF),
    case("nbf a list", lambda: forge(nbf=[0]), BAD_NBF),
    case("nbf 10^30", lambda: forge(nbf=10**30), BAD_NBF),
    case("iat missing", lambda: forge(iat=...), ACCEPTED),
    case("iat a float", lambda: forge(iat=now() - 0.5), ACCEPTED),
    case("iat 3 s ahead", lambda: forge(iat=int(now()) + 3), ACCEPTED),
    case("iat 10 min ahead", lambda: forge(iat=int(now()) + 600), refused("'iat' is in the future")),
    case("iat null", lambda: forge(iat=None), BAD_IAT),
    case("iat false", lambda: forge(iat=False), BAD_IAT),
    case("iat words", lambda: forge(iat="yesterday"), BAD_IAT),
    case("iat an object", lambda: forge(iat={}), BAD_IAT),
    case("iat negative", lambda: forge(iat=-1), BAD_IAT),

    # sub
    case("sub of Better Auth", lambda: forge(sub="uX2mWvQd8sKf0ZyTq7LbNc4RjHe1AgPi"), ACCEPTED),
    case("sub a UUID", lambda: forge(sub="0191e7a8-3c5e-7b1a-9f60-2d4c8a1b3e5f"), ACCEPTED),
    case("sub a number in a string", lambda: forge(sub="1"), ACCEPTED),
    case("sub with dots, @ and |", lambda: forge(sub="oauth2|alice.b@example.com"), ACCEPTED),
    case("sub with spaces inside", lambda: forge(sub="Alice B C"), ACCEPTED),
    case("sub of non-Latin letters", lambda: forge(sub="алиса愛麗絲أليس"), ACCEPTED),
    case("sub of 255 characters", lambda: forge(sub="ж" * 255), ACCEPTED),
    case("sub of 256 characters", lambda: forge(sub="a" * 256), BAD_SUB),
    case("sub empty", lambda: forge(sub=""), BAD_SUB),
    case("sub with NUL", lambda: forge(sub="alice\x00"), BAD_SUB),
    case("sub with a line break", lambda: forge(sub="alice\n"), BAD_SUB),
    case("sub with a tab", lambda: forge(sub="al\tice"), BAD_SUB),
    case("sub with DEL", lambda: forge(sub="alice\x7f"), BAD_SUB),
    case("sub with a C1 control", lambda: forge(sub="alice\x85"), BAD_SUB),
    case("sub with a zero-width space", lambda: forge(sub="alice\u200b"), BAD_SUB),
    case("sub written from right to left", lambda: forge(sub="\u202ealice"), BAD_SUB),
    case("sub missing", lambda: forge(sub=...), NO_SUB),
    case("sub null", lambda: forge(sub=None), NO_SUB),
    case("sub a number", lambda: forge(sub=1), NO_SUB),
    case("sub true", lambda: forge(sub=True), NO_SUB),
    case("sub a list", lambda: forge(sub=["alice"]), NO_SUB),
    case("sub an object", lambda: forge(sub={"id": "alice"}), NO_SUB),
    case("sub missing, id there", lambda: forge(sub=..., id="alice"), NO_SUB),

    # other things that Better Auth signs
    case("session-cache cookie without sub",
         lambda: forge(sub=..., session={"userId": "alice"}, user={"id": "alice"}), NO_SUB),
    case("session-cache cookie of the key set",
         lambda: forge(sign=ed25519, aud="better-auth:session-cache"), SESSION_COOKIE, KEY_SET),
    case("session-cache cookie of a shared secret", lambda: forge(aud="better-auth:session-cache"), SESSION_COOKIE),
    case("session-cache cookie with two audiences",
         lambda: forge(iss=OURS, aud=[OURS, "better-auth:session-cache"]), SESSION_COOKIE, STRICT),
    case("e-mail verification token", lambda: forge(sub=..., email="alice@example.com"), NO_SUB),

    # aud and iss
    case("aud of anybody when none is configured", lambda: forge(aud="https://other.example.com"), ACCEPTED),
    case("aud a list of anybody when none is configured", lambda: forge(aud=["a", "b"]), ACCEPTED),
    case("aud missing when none is configured", lambda: forge(aud=...), ACCEPTED),
    case("aud ours", lambda: forge(iss=OURS, aud=OURS), ACCEPTED, STRICT),
    case("aud the second of ours", lambda: forge(iss=OURS, aud="https://ops.example.com"), ACCEPTED, STRICT),
    case("aud a list with ours", lambda: forge(iss=OURS, aud=["https://other.example.com", OURS]), ACCEPTED, STRICT),
    case("aud a list without ours", lambda: forge(iss=OURS, aud=["https://other.example.com"]), OTHER_AUDIENCE, STRICT),
    case("aud an empty list", lambda: forge(iss=OURS, aud=[]), OTHER_AUDIENCE, STRICT),
    case("aud wrong", lambda: forge(iss=OURS, aud="https://other.example.com"), OTHER_AUDIENCE, STRICT),
    case("aud missing although configured", lambda: forge(iss=OURS), OTHER_AUDIENCE, STRICT),
    case("aud null", lambda: forge(iss=OURS, aud=None), OTHER_AUDIENCE, STRICT),
    case("aud a number", lambda: forge(iss=OURS, aud=1), OTHER_AUDIENCE, STRICT),
    case("aud an object with ours", lambda: forge(iss=OURS, aud={OURS: True}), OTHER_AUDIENCE, STRICT),
    case("aud a list in a list", lambda: forge(iss=OURS, aud=[[OURS]]), OTHER_AUDIENCE, STRICT),
    case("aud with a trailing slash", lambda: forge(iss=OURS, aud=OURS + "/"), OTHER_AUDIENCE, STRICT),
    case("aud a part of ours", lambda: forge(iss=OURS, aud="https://app"), OTHER_AUDIENCE, STRICT),
    case("aud in capital letters", lambda: forge(iss=OURS, aud=OURS.upper()), OTHER_AUDIENCE, STRICT),
    case("iss of anybody when none is configured", lambda: forge(iss="https://other.example.com"), ACCEPTED),
    case("iss wrong", lambda: forge(iss="https://other.example.com", aud=OURS), OTHER_ISSUER, STRICT),
    case("iss missing although configured", lambda: forge(aud=OURS), OTHER_ISSUER, STRICT),
    case("iss with a trailing slash", lambda: forge(iss=OURS + "/", aud=OURS), OTHER_ISSUER, STRICT),
    case("iss null", lambda: forge(iss=None, aud=OURS), OTHER_ISSUER, STRICT),
    case("iss a list with ours", lambda: forge(iss=[OURS], aud=OURS), OTHER_ISSUER, STRICT),
]
# fmt: on


def judge(verifier, token):
    try:
        verifier.verify(token)
    except TokenError as error:
        return f"{error.code}: {error}"
    return ACCEPTED


@pytest.mark.parametrize(("verifier", "make", "verdict"), CASES)
def test_it_judges(verifier, make, verdict):
    assert judge(verifier, make()) == verdict


def test_it_returns_all_claims():
    claims = payload(aud=["a", "b"], name="Алиса")

    assert SHARED.verify(forge(body=claims)) == claims


def test_4096_bytes_are_4_kib():
    assert [len(of_length(length)) for length in (4096, 4097)] == [4096, 4097]


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_it_verifies_shared_secrets_of_each_hash(token_for, algorithm):
    secret = "shared-secret-" * 5
    verifier = TokenVerifier(algorithm, always(shared_secret(secret, algorithm)))

    assert verifier.verify(token_for("alice", secret=secret, algorithm=algorithm).encode())["sub"] == "alice"


@pytest.mark.parametrize(("algorithm", "curve"), [("ES256", ec.SECP256R1()), ("ES512", ec.SECP521R1())])
def test_it_verifies_elliptic_curves(token_for, algorithm, curve):
    key = ec.generate_private_key(curve)
    token = token_for("alice", secret=key, algorithm=algorithm).encode()

    assert judge(TokenVerifier(algorithm, always(public(key, algorithm))), token) == ACCEPTED
    assert judge(TokenVerifier("EdDSA", always(public(key, algorithm))), token) == OTHER_ALGORITHM


@pytest.mark.parametrize(("algorithm", "other"), [("RS256", "PS256"), ("PS256", "RS256")])
def test_it_verifies_rsa_of_the_configured_padding_alone(token_for, rsa_key, algorithm, other):
    token = token_for("alice", secret=rsa_key, algorithm=algorithm).encode()

    assert judge(TokenVerifier(algorithm, always(public(rsa_key, algorithm))), token) == ACCEPTED
    assert judge(TokenVerifier(other, always(public(rsa_key, other))), token) == OTHER_ALGORITHM


def test_it_tries_each_key_of_a_set():
    others = [public(Ed25519PrivateKey.generate()) for _ in range(3)]

    assert judge(TokenVerifier("EdDSA", always(*others, public(SIGNING_KEY))), forge(sign=ed25519)) == ACCEPTED


def test_what_keys_for_raises_goes_through():
    def unreachable(header):
        raise ConnectionError

    with pytest.raises(ConnectionError):
        TokenVerifier("HS256", unreachable).verify(forge())


@pytest.mark.parametrize("parameter", ["jku", "x5u", "kid", "iss"])
def test_it_fetches_no_address_in_a_header(parameter):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"
        assert judge(SHARED, forge(header={parameter: address})) == ACCEPTED
        assert judge(SHARED, forge({parameter: address}, sign=as_hmac_secret(PREVIOUS))) == BAD_SIGNATURE
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("position", ["header", "payload", "signature"])
def test_no_changed_letter_goes_unnoticed(position):
    segments = forge().split(b".")
    index = ("header", "payload", "signature").index(position)
    whole = segments[index]

    for place, letter in enumerate(whole):
        segments[index] = whole[:place] + (b"A" if letter != ord("A") else b"B") + whole[place + 1 :]
        assert judge(SHARED, b".".join(segments)) != ACCEPTED


# What hypothesis thinks up is the same in each run, so that a change is never blamed for another's bug.
examples = settings(max_examples=150, deadline=None, derandomize=True, database=None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
times = json_values | st.integers(-1, 2**40) | st.floats(0, 1e12)
claim_sets = st.fixed_dictionaries(
    {},
    optional={
        "sub": json_values | st.text(min_size=1, max_size=300),
        "exp": times | st.integers(2**31, 2**37),
        "nbf": times,
        "iat": times,
        "aud": json_values | st.sampled_from([OURS, [OURS], "better-auth:session-cache"]),
        "iss": json_values | st.just(OURS),
    },
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "alg": json_values | st.just("HS256"),
        "kid": json_values,
        "typ": json_values,
        "crit": json_values | st.lists(st.sampled_from(["b64", "exp"]), max_size=2),
        "b64": json_values,
        "jwk": json_values,
    },
)


@examples
@given(st.binary(max_size=5000))
def test_any_bytes_are_refused_as_a_token(token):
    assert judge(SHARED, token).startswith("token_invalid: ")


@examples
@given(st.tuples(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60)))
def test_any_three_segments_are_refused_as_a_token(parts):
    assert judge(SHARED, b".".join(map(segment, parts))).startswith("token_invalid: ")


@examples
@given(st.binary(max_size=300))
def test_any_signed_bytes_are_judged(body):
    assert judge(SHARED, forge(body=body)) != ACCEPTED


@examples
@given(headers)
def test_any_signed_header_is_judged(header):
    token = forge(header=json.dumps(header).encode())

    assert judge(SHARED, token) != ACCEPTED or header["alg"] == "HS256"


@examples
@given(claim_sets, st.sampled_from([SHARED, STRICT]))
def test_any_signed_claims_are_judged(claims, verifier):
    claims = payload(**claims)

    if judge(verifier, forge(body=claims)) == ACCEPTED:
        assert 1 <= len(claims["sub"]) <= 255
        assert now() - 11 < claims["exp"] <= END_OF_TIME
        assert verifier is SHARED or claims["iss"] == OURS


def test_a_signature_is_verified_once_for_the_same_bytes_and_keys(monkeypatch):
    verified = []
    verify = tokens.JWS.decode
    monkeypatch.setattr(tokens.JWS, "decode", lambda *args, **kwargs: verified.append(args) or verify(*args, **kwargs))
    keys = [shared_secret("remembered-" * 4, "HS256")]
    verifier = TokenVerifier("HS256", keys_for=lambda header: keys)
    token = jwt.encode({"sub": "alice", "exp": 2e9}, "remembered-" * 4, algorithm="HS256").encode()

    assert [verifier.verify(token)["sub"] for _ in range(3)] == ["alice"] * 3

    assert len(verified) == 1


def test_a_remembered_token_is_refused_when_its_key_is_taken_away():
    keys = [shared_secret("taken-away-" * 4, "HS256")]
    verifier = TokenVerifier("HS256", keys_for=lambda header: keys)
    token = jwt.encode({"sub": "alice", "exp": 2e9}, "taken-away-" * 4, algorithm="HS256").encode()
    verifier.verify(token)
    keys.clear()

    with pytest.raises(TokenError):
        verifier.verify(token)

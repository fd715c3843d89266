"""Headers and signatures of tokens that TokenVerifier accepts or refuses."""

import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from todo_api.identity.tests.forging import (
    ACCEPTED,
    BAD_SIGNATURE,
    CURRENT_KEY,
    KEY_SET,
    NO_KEY,
    NOT_A_JWT,
    OTHER_ALGORITHM,
    PREVIOUS,
    PREVIOUS_KEY,
    PUBLIC_KEY,
    SECRET,
    SHARED,
    SIGNING_KEY,
    TOO_LONG,
    always,
    as_hmac_secret,
    case,
    ed25519,
    forge,
    hs256,
    jwk,
    public,
    refused,
    result_of,
    segment,
)
from todo_api.identity.tokens import TokenVerifier


def keys_by_kid(header):
    return [public(SIGNING_KEY)] if header.get("kid") == "key-1" else []


BY_KID = TokenVerifier("EdDSA", keys_by_kid)
ROTATING = TokenVerifier("HS256", always(CURRENT_KEY, PREVIOUS_KEY))


def with_signature(signature):
    return forge().rpartition(b".")[0] + b"." + signature


PUBLIC_KEY_FORMS = {
    "PEM": PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM without its last line break": PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
    "JWK": json.dumps(jwk(PUBLIC_KEY)).encode(),
    "x of the JWK": jwk(PUBLIC_KEY)["x"].encode(),
    "DER": PUBLIC_KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "raw bytes": PUBLIC_KEY.public_bytes_raw(),
    "OpenSSH": PUBLIC_KEY.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
}
BAD_HEADER = refused("its header is not a JSON object")
BAD_KID = refused("Key ID header parameter must be a string")
BAD_CRIT = refused("Invalid 'crit' header")
NOT_DETACHED = refused("Payload segment must be empty when 'b64' is false.")
UNKNOWN_CRIT = refused("Unsupported critical extension")
# fmt: off
HEADERS = [
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
]
# fmt: on


@pytest.mark.parametrize(("verifier", "make", "expected"), HEADERS)
def test_the_header_of_a_token_is_checked(verifier, make, expected):
    assert result_of(verifier, make()) == expected


# fmt: off
SIGNATURES = [
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
]
# fmt: on


@pytest.mark.parametrize(("verifier", "make", "expected"), SIGNATURES)
def test_the_signature_of_a_token_is_checked(verifier, make, expected):
    assert result_of(verifier, make()) == expected


@pytest.mark.parametrize("position", ["header", "payload", "signature"])
def test_a_token_with_any_changed_letter_is_refused(position):
    segments = forge().split(b".")
    index = ("header", "payload", "signature").index(position)
    whole = segments[index]

    for place, letter in enumerate(whole):
        segments[index] = whole[:place] + (b"A" if letter != ord("A") else b"B") + whole[place + 1 :]
        assert result_of(SHARED, b".".join(segments)) != ACCEPTED

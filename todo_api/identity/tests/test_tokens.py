"""The form of a token, its payload, and the keys that verify it."""

import socket

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from todo_api.identity import tokens
from todo_api.identity.tests.forging import (
    ACCEPTED,
    BAD_SIGNATURE,
    KEY_SET,
    NOT_A_JWT,
    NOT_JSON,
    OTHER_ALGORITHM,
    OURS,
    PREVIOUS,
    SHARED,
    SIGNING_KEY,
    TOO_LONG,
    always,
    as_hmac_secret,
    case,
    ed25519,
    forge,
    of_length,
    payload,
    public,
    refused,
    result_of,
    segment,
)
from todo_api.identity.tokens import TokenError, TokenVerifier, shared_secret


def no_keys(header):
    raise AssertionError("the verifier looked up a key")


NO_LOOKUP = TokenVerifier("HS256", no_keys)
BAD_SEGMENT = refused("Invalid payload padding")
NO_SUB = refused("'sub' is missing or not a string")
NOT_AN_OBJECT = refused("its payload is not a JSON object")
# fmt: off
TOKENS = [
    # valid tokens
    case("good", forge, ACCEPTED),
    case("header with a typ", lambda: forge(header={"typ": "JWT"}), ACCEPTED),
    case("all that Better Auth writes", lambda: forge(iss=OURS, aud=OURS, name="Alice", email="alice@example.com",
         emailVerified=True, image=None, createdAt="2026-01-01T00:00:00.000Z"), ACCEPTED),
    case("good, of the key set", lambda: forge(sign=ed25519), ACCEPTED, KEY_SET),
    # text that is not a token
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
    case("good with padding", lambda: forge() + b"=", NOT_A_JWT),
    case("good of the key set with padding", lambda: forge(sign=ed25519) + b"==", NOT_A_JWT, KEY_SET),
    case("good with a comma and another", lambda: forge() + b"," + forge(), BAD_SEGMENT),
    case("header with signs that base64 readers skip", lambda: b"!" + forge(), refused("Invalid header padding")),
    case("base64 that is not for URLs", lambda: forge().replace(b".", b".+/", 1), BAD_SEGMENT),
    case("the longest", lambda: of_length(4096), ACCEPTED),
    case("over 4 KiB, without looking for a key", lambda: of_length(4097), TOO_LONG, NO_LOOKUP),
    case("over 4 KiB of nothing", lambda: b"." * 10_000, TOO_LONG, NO_LOOKUP),
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
]
# fmt: on


@pytest.mark.parametrize(("verifier", "make", "expected"), TOKENS)
def test_the_form_of_a_token_is_checked(verifier, make, expected):
    assert result_of(verifier, make()) == expected


def test_a_good_token_gives_all_its_claims():
    claims = payload(aud=["a", "b"], name="Алиса")

    assert SHARED.verify(forge(body=claims)) == claims


def test_the_tokens_at_the_size_limit_have_the_right_size():
    assert [len(of_length(length)) for length in (4096, 4097)] == [4096, 4097]


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_each_hmac_algorithm_verifies_its_tokens(token_for, algorithm):
    secret = "shared-secret-" * 5
    verifier = TokenVerifier(algorithm, always(shared_secret(secret, algorithm)))

    assert verifier.verify(token_for("alice", secret=secret, algorithm=algorithm).encode())["sub"] == "alice"


@pytest.mark.parametrize(("algorithm", "curve"), [("ES256", ec.SECP256R1()), ("ES512", ec.SECP521R1())])
def test_each_elliptic_curve_verifies_its_tokens_only(token_for, algorithm, curve):
    key = ec.generate_private_key(curve)
    token = token_for("alice", secret=key, algorithm=algorithm).encode()

    assert result_of(TokenVerifier(algorithm, always(public(key, algorithm))), token) == ACCEPTED
    assert result_of(TokenVerifier("EdDSA", always(public(key, algorithm))), token) == OTHER_ALGORITHM


@pytest.mark.parametrize(("algorithm", "other"), [("RS256", "PS256"), ("PS256", "RS256")])
def test_rsa_verifies_the_configured_padding_only(token_for, rsa_key, algorithm, other):
    token = token_for("alice", secret=rsa_key, algorithm=algorithm).encode()

    assert result_of(TokenVerifier(algorithm, always(public(rsa_key, algorithm))), token) == ACCEPTED
    assert result_of(TokenVerifier(other, always(public(rsa_key, other))), token) == OTHER_ALGORITHM


def test_every_key_of_a_set_is_tried():
    others = [public(Ed25519PrivateKey.generate()) for _ in range(3)]

    assert result_of(TokenVerifier("EdDSA", always(*others, public(SIGNING_KEY))), forge(sign=ed25519)) == ACCEPTED


def test_an_exception_of_keys_for_is_not_caught():
    def unreachable(header):
        raise ConnectionError

    with pytest.raises(ConnectionError):
        TokenVerifier("HS256", unreachable).verify(forge())


@pytest.mark.parametrize("parameter", ["jku", "x5u", "kid", "iss"])
def test_an_address_in_the_header_is_never_fetched(parameter):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"
        assert result_of(SHARED, forge(header={parameter: address})) == ACCEPTED
        assert result_of(SHARED, forge({parameter: address}, sign=as_hmac_secret(PREVIOUS))) == BAD_SIGNATURE
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_signature_is_verified_once_for_the_same_token_and_keys(monkeypatch):
    verified = []
    verify = tokens.JWS.decode
    monkeypatch.setattr(tokens.JWS, "decode", lambda *args, **kwargs: verified.append(args) or verify(*args, **kwargs))
    keys = [shared_secret("remembered-" * 4, "HS256")]
    verifier = TokenVerifier("HS256", keys_for=lambda header: keys)
    token = jwt.encode({"sub": "alice", "exp": 2e9}, "remembered-" * 4, algorithm="HS256").encode()

    assert [verifier.verify(token)["sub"] for _ in range(3)] == ["alice"] * 3

    assert len(verified) == 1


def test_a_verified_token_is_refused_after_its_key_is_removed():
    keys = [shared_secret("taken-away-" * 4, "HS256")]
    verifier = TokenVerifier("HS256", keys_for=lambda header: keys)
    token = jwt.encode({"sub": "alice", "exp": 2e9}, "taken-away-" * 4, algorithm="HS256").encode()
    verifier.verify(token)
    keys.clear()

    with pytest.raises(TokenError):
        verifier.verify(token)

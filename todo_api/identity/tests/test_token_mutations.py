"""A valid token that was changed in any way is refused; only the token itself is accepted."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from jwt.utils import base64url_decode

from tasks.tests.strategies import examples
from todo_api.identity.tests.forging import (
    ACCEPTED,
    KEY_SET,
    PREVIOUS,
    SHARED,
    as_hmac_secret,
    ed25519,
    forge,
    hs256,
    payload,
    result_of,
    segment,
)
from todo_api.tests.mutations import mutated

CLAIMS = payload(exp=int(4e9), iat=1_700_000_000)  # the same bytes in each run
SIGNERS = {SHARED: hs256, KEY_SET: ed25519}
TOKENS = {verifier: forge(sign=sign, body=CLAIMS).decode() for verifier, sign in SIGNERS.items()}
OTHER_KEY = Ed25519PrivateKey.generate()
ORDER_OF_ED25519 = 2**252 + 27742317777372353535851937790883648493
each_mode = pytest.mark.parametrize("verifier", TOKENS, ids=["HS256", "EdDSA"])

values = st.none() | st.booleans() | st.integers(-1, 2**33) | st.text(max_size=10)
edited_claims = st.dictionaries(st.sampled_from(["sub", "exp", "iat", "nbf", "aud", "iss", "role"]), values, min_size=1)
edited_headers = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "cty", "crit", "jwk"]), values, min_size=1)


def other_encodings(raw):
    """Return texts that careless readers decode to the same bytes as base64url without padding."""
    text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    standard = base64.b64encode(raw).decode()
    yield from (text + "=", text + "==", text + "=" * (-len(text) % 4), standard, standard.rstrip("="))
    yield from (text[:8] + space + text[8:] for space in " \n\t\x00!~\u200b")
    yield from (f"{text}{space}" for space in " \n\t\x00!")
    yield from (raw.hex(), base64.b32encode(raw).decode(), f"%{ord(text[0]):02x}{text[1:]}")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield from (text[:-1] + sign for sign in alphabet if base64url_decode(text[:-1] + sign) == raw)


@each_mode
@examples(600)
@given(data=st.data())
def test_a_changed_token_is_refused(verifier, data):
    other = data.draw(mutated(TOKENS[verifier]))

    assert result_of(verifier, other.encode()) != ACCEPTED
    assert result_of(verifier, TOKENS[verifier].encode()) == ACCEPTED


@each_mode
def test_a_token_with_any_bit_flipped_is_refused(verifier):
    token = TOKENS[verifier].encode()
    flipped = (token[:n] + bytes([token[n] ^ 1 << bit]) + token[n + 1 :] for n in range(len(token)) for bit in range(8))

    assert [other for other in flipped if result_of(verifier, other) == ACCEPTED] == []


@each_mode
@pytest.mark.parametrize("place", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a_part_in_another_encoding_is_refused(verifier, place):
    parts = TOKENS[verifier].split(".")
    tokens = {".".join([*parts[:place], other, *parts[place + 1 :]]) for other in other_encodings(raw(parts[place]))}

    accepted = [other for other in tokens - {TOKENS[verifier]} if result_of(verifier, other.encode()) == ACCEPTED]

    assert accepted == []


@each_mode
@examples(200)
@given(claims=edited_claims, header=edited_headers, edit=st.sampled_from(["claims", "header", "both"]))
def test_edited_parts_with_the_old_signature_are_refused(verifier, claims, header, edit):
    old_header, old_claims, signature = TOKENS[verifier].split(".")
    new_header = segment(json.loads(raw(old_header)) | header) if edit != "claims" else old_header.encode()
    new_claims = segment(json.loads(raw(old_claims)) | claims) if edit != "header" else old_claims.encode()
    token = b".".join([new_header, new_claims, signature.encode()])

    assert token == TOKENS[verifier].encode() or result_of(verifier, token) != ACCEPTED


@each_mode
@pytest.mark.parametrize(
    "sign",
    [as_hmac_secret(PREVIOUS), as_hmac_secret(b""), OTHER_KEY.sign, lambda signed: b"", lambda signed: signed[:64]],
    ids=["other secret", "no secret", "other key", "nothing", "its own text"],
)
def test_a_token_of_another_signer_is_refused(verifier, sign):
    header = {"alg": verifier.algorithm}

    assert result_of(verifier, forge(header=header, body=CLAIMS, sign=sign)) != ACCEPTED


@each_mode
def test_the_signature_of_another_valid_token_is_refused(verifier):
    parts = TOKENS[verifier].split(".")
    others = forge(sign=SIGNERS[verifier], body=CLAIMS | {"sub": "bob"}).decode().split(".")

    for place in (1, 2):
        mixed = ".".join([*parts[:place], others[place], *parts[place + 1 :]])
        assert result_of(verifier, mixed.encode()) != ACCEPTED


def test_the_other_form_of_an_ed25519_signature_is_refused():
    signing_input, _, signature = TOKENS[KEY_SET].rpartition(".")
    point, scalar = raw(signature)[:32], int.from_bytes(raw(signature)[32:], "little")
    other = point + (scalar + ORDER_OF_ED25519).to_bytes(32, "little")

    assert result_of(KEY_SET, f"{signing_input}.".encode() + segment(other)) != ACCEPTED


@examples(30)
@given(data=st.data())
def test_a_changed_token_is_401_and_runs_no_statement(client_for, data):
    token = jwt.encode(CLAIMS, settings.BETTER_AUTH_SECRET, algorithm="HS256")
    other = data.draw(mutated(token).filter(lambda text: text.isascii() and text.strip() != token))

    response = client_for("alice", token=other).get("/api/tasks")  # without the `db` fixture a statement fails

    assert response.status_code == 401


def raw(part):
    return base64url_decode(part)

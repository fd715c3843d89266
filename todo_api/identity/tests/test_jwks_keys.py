"""The keys of a key set that are used, and their algorithms."""

import orjson
import pytest

from todo_api.identity.jwks import BadKeySet, KeySetUnavailable, KeyStore, public_keys
from todo_api.identity.tests.issuer import MAKERS, OTHER_CURVES, as_jwk, jwk, key_set, private_key
from todo_api.identity.tests.key_stores import A, names
from todo_api.identity.tokens import TokenVerifier


@pytest.mark.parametrize("algorithm", MAKERS)
def test_the_store_verifies_tokens_of_each_algorithm(issuer, token_for, algorithm):
    issuer.publish(jwk(algorithm))
    verifier = TokenVerifier(algorithm, KeyStore(issuer.url, algorithm).keys_for)
    token = token_for("alice", secret=private_key(algorithm), algorithm=algorithm, headers=A)

    assert verifier.verify(token.encode())["sub"] == "alice"


@pytest.mark.parametrize(("published", "configured"), [("RS256", "PS256"), ("PS256", "RS256"), ("ES256", "ES512")])
def test_a_key_is_used_only_for_the_algorithm_it_names(issuer, published, configured):
    issuer.publish(jwk(published))

    with pytest.raises(KeySetUnavailable, match=f"no public key for {configured}"):
        KeyStore(issuer.url, configured).keys_for(A)


def test_a_key_without_alg_is_used_for_the_configured_algorithm(issuer):
    issuer.publish(jwk("RS256", alg=..., use="sig", key_ops=["verify"]))

    [key] = KeyStore(issuer.url, "PS256").keys_for(A)

    assert key.algorithm_name == "PS256"


def test_a_key_of_another_curve_is_ignored(issuer):
    issuer.publish(jwk("ES256"), as_jwk(OTHER_CURVES["ES256"]().public_key(), "ES256") | {"kid": "P-384"})

    assert KeyStore(issuer.url, "ES256").keys_for({"kid": "P-384"}) == ()


def test_a_short_rsa_key_is_ignored(issuer):
    issuer.publish(jwk("RS256"), jwk("RS256", "short", n="w" * 171))

    assert KeyStore(issuer.url, "RS256").keys_for({"kid": "short"}) == ()


def test_each_usable_key_of_a_set_is_found_by_its_kid(store, issuer):
    issuer.publish(jwk(name="a"), jwk(name="b"), jwk(name="c", alg="ES256"), jwk("ES256", "d"))

    assert [names(store.keys_for({"kid": kid})) for kid in "abcd"] == [["a"], ["b"], [], []]


def test_two_keys_with_the_same_kid_are_both_returned(store, issuer):
    issuer.publish(jwk(name="b", kid="a"), jwk(name="c", kid="a"))

    assert len(store.keys_for(A)) == 2


@pytest.mark.parametrize(("published", "found"), [("a", ["a"]), ("ab", [])])
def test_a_token_without_kid_gets_the_only_key_of_a_set(store, issuer, published, found):
    issuer.publish(*(jwk(name=name) for name in published))

    assert names(store.keys_for({})) == found


MALFORMED_KIDS = [None, True, 1, 1e308, [], {}, {"a": "a"}, "", "\x00", "../../etc/passwd", "' OR 1=1 --", "a" * 10_000]


@pytest.mark.parametrize("kid", MALFORMED_KIDS, ids=lambda kid: repr(kid)[:20])
def test_a_malformed_kid_finds_no_key_and_causes_no_fetch(store, issuer, kid):
    store.keys_for(A)

    assert store.keys_for({"kid": kid}) == ()
    assert len(issuer.fetches) == 1


def test_an_invalid_key_does_not_affect_the_others():
    good = jwk("ES256", "a")
    bad = good | {"kid": "b", "y": good["x"]}

    keys = public_keys(key_set(bad, good), "ES256")

    assert [key.key_id for key in keys] == ["a"]


NO_KEYS = {
    "an empty body": b"",
    "not UTF-8": b'{"keys": ["\xff"]}',
    "nested 30,000 deep": b"[" * 30_000,
    "a list": b"[]",
    "keys that are not a list": b'{"keys": {"a": 1}}',
    "a set without objects of keys": b'{"keys": [null, 5, "a", [], {}]}',
    "a private key": key_set(as_jwk(private_key(), "EdDSA") | A),
    "a shared secret": key_set({"kty": "oct", "k": "AAAA", "kid": "a", "alg": "EdDSA"}),
    "a key of another type": key_set(jwk("RS256", alg="EdDSA")),
    "a key of another curve": key_set(as_jwk(OTHER_CURVES["EdDSA"]().public_key(), "EdDSA") | A),
    "a key for another algorithm": key_set(jwk(alg="ES256")),
    "a key for encryption": key_set(jwk(use="enc")),
    "a key for signing": key_set(jwk(key_ops=["sign"])),
    "a key with operations that are not a list": key_set(jwk(key_ops=5)),
    "a key of the wrong length": key_set(jwk(x="AAAA")),
    "a key that is a number": key_set(jwk(x=5)),
}  # fmt: skip


@pytest.mark.parametrize("body", NO_KEYS.values(), ids=NO_KEYS)
def test_a_body_without_a_usable_key_is_refused(body):
    with pytest.raises((BadKeySet, orjson.JSONDecodeError)):
        public_keys(body, "EdDSA")

"""Requests with tokens that the issuer's key set signs, and starts without an address of one."""

import hashlib
import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ImproperlyConfigured

from todo_api.checks import refuse_to_start_misconfigured
from todo_api.identity.tests.issuer import Issuer, answer, hang, jwk, private_key, serving
from todo_api.tests.server import Server, database_of_the_tests

OURS = "https://app.example.com"
CLOSED_PORT = "http://127.0.0.1:1/api/auth/jwks"


@pytest.fixture
def issuer(configured):
    """The service in key-set mode, and its issuer."""
    with (
        serving(Issuer()) as issuer,
        configured(JWT_ALGORITHM="EdDSA", JWKS_URL=issuer.url, JWT_AUDIENCE=[OURS], JWT_ISSUER=OURS),
    ):
        yield issuer


@pytest.fixture
def signed(token_for):
    """`signed(aud=…)`: alice's token as Better Auth makes it."""

    def sign(name="a", kid="a", **claims):
        claims = {"aud": OURS, "iss": OURS} | claims
        header = {"kid": kid, "typ": None}
        return token_for("alice", secret=private_key(name=name), algorithm="EdDSA", headers=header, **claims)

    return sign


def segment(data):
    return urlsafe_b64encode(data).rstrip(b"=")


def forged(sign, **header):
    """Alice's token with a header that no library would write."""
    now = int(time.time())
    claims = {"sub": "alice", "iat": now, "exp": now + 900, "aud": OURS, "iss": OURS}
    content = b".".join(segment(json.dumps(part).encode()) for part in ({"alg": "EdDSA", "kid": "a"} | header, claims))
    return b".".join([content, segment(sign(content))]).decode()


def ours(content):
    return private_key().sign(content)


def by(client_for, token):
    alice = client_for("alice", token=token)
    return alice.get(alice.tasks_url)


@pytest.mark.django_db
def test_a_token_of_the_issuer_is_good(issuer, client_for, signed):
    response = by(client_for, signed())

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.django_db
@pytest.mark.parametrize("audience", [OURS, [OURS], ["other", OURS]])
def test_an_audience_with_ours_is_good(issuer, client_for, signed, audience):
    assert by(client_for, signed(aud=audience)).status_code == 200


@pytest.mark.django_db
def test_addresses_and_keys_in_the_header_are_ignored(issuer, client_for):
    token = forged(ours, jku=f"{issuer.url}/evil", x5u=f"{issuer.url}/evil", jwk=jwk(name="evil"))

    assert by(client_for, token).status_code == 200
    assert issuer.fetches == ["/api/auth/jwks"]


def test_10_000_requests_with_a_known_key_are_one_fetch(issuer, client, signed):
    tokens = [f"Bearer {signed(iat=1000 + number)}" for number in range(100)]  # each is verified, the others remembered

    for number in range(10_000):
        response = client.get("/api/bob/tasks", headers={"authorization": tokens[number % 100]})
        assert response.status_code == 403  # a good token on another's path: no database either

    assert len(issuer.fetches) == 1


CLAIMS = {
    "aud wrong": {"aud": "https://evil.example.com"},
    "aud a list without ours": {"aud": ["https://evil.example.com"]},
    "aud a number": {"aud": 5},
    "aud missing": {"aud": ...},
    "iss wrong": {"iss": "https://evil.example.com"},
    "iss with a slash": {"iss": f"{OURS}/"},
    "iss missing": {"iss": ...},
    "session-cache cookie": {"aud": "better-auth:session-cache"},
    "session-cache cookie, and ours": {"aud": ["better-auth:session-cache", OURS]},
    "no sub": {"sub": ...},
    "expired": {"exp": 1},
    "no exp": {"exp": ...},
    "another key of that name": {"name": "evil"},
    "an unknown kid": {"kid": "b"},
    "a path for a kid": {"kid": "../../etc/passwd"},
    "SQL for a kid": {"kid": "a' OR 1=1 --"},
    "10 KB for a kid": {"kid": "a" * 10_000},
}


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS)
def test_a_wrong_token_is_refused_without_a_database(issuer, client_for, signed, claims):
    response = by(client_for, signed(**claims))

    assert response.status_code == 401
    assert response.json()["code"] == ("token_expired" if "exp" in claims and claims["exp"] == 1 else "token_invalid")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("kid", [5, 1.5, None, True, ["a"], {"a": "a"}], ids=repr)
def test_a_kid_of_another_type_is_refused(issuer, client_for, kid):
    assert by(client_for, forged(ours, kid=kid)).status_code == 401


PUBLIC_KEYS = {
    "PEM": lambda key: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "DER": lambda key: key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "raw bytes": lambda key: key.public_bytes(Encoding.Raw, PublicFormat.Raw),
    "JWK": lambda key: json.dumps(jwk()).encode(),
}


@pytest.mark.parametrize("secret", PUBLIC_KEYS.values(), ids=PUBLIC_KEYS)
@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_public_key_is_no_shared_secret(issuer, client_for, secret, algorithm):
    public = secret(private_key().public_key())
    token = forged(lambda content: hmac.digest(public, content, hashlib.sha256), alg=algorithm)

    assert by(client_for, token).status_code == 401


def test_the_shared_secret_signs_nothing(issuer, client_for, token_for):
    assert by(client_for, token_for("alice", aud=OURS, iss=OURS)).status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "RS256", "ES256", "Ed25519", None, ["EdDSA"]], ids=repr)
def test_the_header_does_not_choose_the_algorithm(issuer, client_for, algorithm):
    assert by(client_for, forged(ours, alg=algorithm)).status_code == 401


@pytest.mark.django_db
def test_a_rotated_key_works_beside_the_old_one(issuer, client_for, signed):
    issuer.publish(jwk(name="a"), jwk(name="b"))

    assert [by(client_for, signed(name=name, kid=name)).status_code for name in "ab"] == [200, 200]


def test_without_any_key_set_it_is_unavailable(issuer, client_for, signed, configured):
    with configured(JWKS_URL=CLOSED_PORT):
        response = by(client_for, signed())

    assert (response.status_code, response.json()["code"]) == (503, "identity_unavailable")
    assert int(response["Retry-After"]) > 0
    assert response["Content-Type"] == "application/problem+json"


def test_without_any_key_set_who_has_no_token_is_told_so(issuer, anonymous):
    issuer.answer = answer(b"<html>")

    assert anonymous.get("/api/tasks").status_code == 401


@pytest.mark.django_db
def test_unknown_kids_hold_up_nobody(issuer, client_for, signed):
    by(client_for, signed())
    issuer.answer = hang
    statuses = [by(client_for, signed(kid=kid)).status_code for kid in "abacad"]

    assert statuses == [200, 401, 200, 401, 200, 401]
    assert len(issuer.fetches) == 1


def test_four_requests_at_once_share_one_fetch(issuer, client_for, signed):
    issuer.answer = hang
    statuses = []
    barrier = threading.Barrier(4)

    def ask():
        barrier.wait()
        statuses.append(by(client_for, token).status_code)

    token = signed()
    threads = [threading.Thread(target=ask) for _ in range(4)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (statuses, len(issuer.fetches)) == ([503] * 4, 1)
    assert time.perf_counter() - begin < 4


@pytest.mark.django_db(transaction=True)
def test_gunicorn_serves_it(issuer, signed, tmp_path):
    environment = {"JWT_ALGORITHM": "EdDSA", "JWKS_URL": issuer.url, "BETTER_AUTH_SECRET": None}
    server = Server(tmp_path, DATABASE_URL=database_of_the_tests(), WEB_CONCURRENCY="2", **environment)
    fetched_at_start = len(issuer.fetches)
    try:
        answers = [server.get("/api/tasks", Authorization=f"Bearer {signed()}") for _ in range(10)]
    finally:
        server.stop()

    assert answers == [(200, "[]")] * 10
    assert (fetched_at_start, len(issuer.fetches) in (1, 2)) == (0, True)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES512", "RS256", "PS256"])
def test_it_starts_with_an_address_and_without_a_secret(configured, algorithm):
    with configured(JWT_ALGORITHM=algorithm, JWKS_URL="http://auth:3000/api/auth/jwks", BETTER_AUTH_SECRET=""):
        refuse_to_start_misconfigured()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "neither BETTER_AUTH_URL nor JWKS_URL is set"),
        ("app.example.com/api/auth/jwks", "JWKS_URL is 'app.example.com/api/auth/jwks'"),
        ("file:///etc/passwd", "not an http or https address"),
        ("ftp://app.example.com", "not an http or https address"),
        ("https://", "not an http or https address"),
        ("https://app.example.com:port/", "not an http or https address"),
        ("https://[::1/", "not an http or https address"),
    ],
)
def test_it_does_not_start_without_an_address_to_ask(configured, url, words):
    with (
        configured(JWT_ALGORITHM="EdDSA", JWKS_URL=url),
        pytest.raises(ImproperlyConfigured, match=words) as error,
    ):
        refuse_to_start_misconfigured()

    assert "Set BETTER_AUTH_URL to" in str(error.value)
    assert "\n" not in str(error.value)

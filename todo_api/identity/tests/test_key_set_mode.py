"""Requests in key-set mode, and its settings at the start."""

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
from todo_api.identity.tests.issuer import Issuer, hang, jwk, private_key, reply, serving
from todo_api.tests.server import Server, database_of_the_tests

OURS = "https://app.example.com"
CLOSED_PORT = "http://127.0.0.1:1/api/auth/jwks"


@pytest.fixture
def issuer(configured):
    """An issuer. The service is in key-set mode and uses it."""
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
    """Return a token of alice with a header that no library writes."""
    now = int(time.time())
    claims = {"sub": "alice", "iat": now, "exp": now + 900, "aud": OURS, "iss": OURS}
    content = b".".join(segment(json.dumps(part).encode()) for part in ({"alg": "EdDSA", "kid": "a"} | header, claims))
    return b".".join([content, segment(sign(content))]).decode()


def ours(content):
    return private_key().sign(content)


def get_tasks(client_for, token):
    alice = client_for("alice", token=token)
    return alice.get(alice.tasks_url)


@pytest.mark.django_db
def test_a_token_of_the_issuer_is_accepted(issuer, client_for, signed):
    response = get_tasks(client_for, signed())

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.django_db
@pytest.mark.parametrize("audience", [OURS, ["other", OURS]])
def test_an_audience_that_includes_ours_is_accepted(issuer, client_for, signed, audience):
    assert get_tasks(client_for, signed(aud=audience)).status_code == 200


@pytest.mark.django_db
def test_addresses_and_keys_in_the_header_are_ignored(issuer, client_for):
    token = forged(ours, jku=f"{issuer.url}/evil", x5u=f"{issuer.url}/evil", jwk=jwk(name="evil"))

    assert get_tasks(client_for, token).status_code == 200
    assert issuer.fetches == ["/api/auth/jwks"]


def test_1_000_requests_with_a_known_key_cause_one_fetch(issuer, client, signed):
    tokens = [f"Bearer {signed(iat=1000 + number)}" for number in range(100)]  # the first use of each is verified

    for number in range(1_000):
        response = client.get("/api/bob/tasks", headers={"authorization": tokens[number % 100]})
        assert response.status_code == 403  # another user's path needs no database

    assert len(issuer.fetches) == 1


CLAIMS = {
    "aud wrong": {"aud": "https://evil.example.com"},
    "aud missing": {"aud": ...},
    "iss wrong": {"iss": "https://evil.example.com"},
    "session-cache cookie": {"aud": "better-auth:session-cache"},
    "expired": {"exp": 1},
    "another key of that name": {"name": "evil"},
    "an unknown kid": {"kid": "b"},
    "a path for a kid": {"kid": "../../etc/passwd"},
    "10 KB for a kid": {"kid": "a" * 10_000},
}


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS)
def test_a_bad_token_is_refused_without_a_database(issuer, client_for, signed, claims):
    response = get_tasks(client_for, signed(**claims))

    assert response.status_code == 401
    assert response.json()["code"] == ("token_expired" if "exp" in claims and claims["exp"] == 1 else "token_invalid")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("kid", [5, ["a"]], ids=repr)
def test_a_kid_that_is_not_a_string_is_refused(issuer, client_for, kid):
    assert get_tasks(client_for, forged(ours, kid=kid)).status_code == 401


PUBLIC_KEYS = {
    "PEM": lambda key: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "JWK": lambda key: json.dumps(jwk()).encode(),
}


@pytest.mark.parametrize("secret", PUBLIC_KEYS.values(), ids=PUBLIC_KEYS)
@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_public_key_is_not_accepted_as_a_shared_secret(issuer, client_for, secret, algorithm):
    public = secret(private_key().public_key())
    token = forged(lambda content: hmac.digest(public, content, hashlib.sha256), alg=algorithm)

    assert get_tasks(client_for, token).status_code == 401


def test_a_token_signed_with_the_shared_secret_is_refused(issuer, client_for, token_for):
    assert get_tasks(client_for, token_for("alice", aud=OURS, iss=OURS)).status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "RS256", ["EdDSA"]], ids=repr)
def test_the_header_does_not_choose_the_algorithm(issuer, client_for, algorithm):
    assert get_tasks(client_for, forged(ours, alg=algorithm)).status_code == 401


@pytest.mark.django_db
def test_a_new_key_works_beside_the_old_one(issuer, client_for, signed):
    issuer.publish(jwk(name="a"), jwk(name="b"))

    assert [get_tasks(client_for, signed(name=name, kid=name)).status_code for name in "ab"] == [200, 200]


def test_without_a_key_set_a_request_with_a_token_is_503(issuer, client_for, signed, configured):
    with configured(JWKS_URL=CLOSED_PORT):
        response = get_tasks(client_for, signed())

    assert (response.status_code, response.json()["code"]) == (503, "identity_unavailable")
    assert int(response["Retry-After"]) > 0
    assert response["Content-Type"] == "application/problem+json"


def test_without_a_key_set_a_request_without_a_token_is_401(issuer, anonymous):
    issuer.respond = reply(b"<html>")

    assert anonymous.get("/api/tasks").status_code == 401


@pytest.mark.django_db
def test_unknown_kids_do_not_delay_known_ones(issuer, client_for, signed):
    get_tasks(client_for, signed())
    issuer.respond = hang
    statuses = [get_tasks(client_for, signed(kid=kid)).status_code for kid in "abacad"]

    assert statuses == [200, 401, 200, 401, 200, 401]
    assert len(issuer.fetches) == 1


def test_four_requests_at_once_share_one_fetch(issuer, client_for, signed):
    issuer.respond = hang
    statuses = []
    barrier = threading.Barrier(4)

    def send():
        barrier.wait()
        statuses.append(get_tasks(client_for, token).status_code)

    token = signed()
    threads = [threading.Thread(target=send) for _ in range(4)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (statuses, len(issuer.fetches)) == ([503] * 4, 1)
    assert time.perf_counter() - begin < 4


@pytest.mark.django_db(transaction=True)
def test_gunicorn_accepts_tokens_of_the_issuer(issuer, signed, tmp_path):
    environment = {"JWT_ALGORITHM": "EdDSA", "JWKS_URL": issuer.url, "BETTER_AUTH_SECRET": None}
    server = Server(tmp_path, DATABASE_URL=database_of_the_tests(), WEB_CONCURRENCY="2", **environment)
    fetched_at_start = len(issuer.fetches)
    try:
        responses = [server.get("/api/tasks", Authorization=f"Bearer {signed()}") for _ in range(10)]
    finally:
        server.stop()

    assert responses == [(200, "[]")] * 10
    assert (fetched_at_start, len(issuer.fetches) in (1, 2)) == (0, True)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES512", "RS256", "PS256"])
def test_the_start_needs_no_secret_in_key_set_mode(configured, algorithm):
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
def test_the_start_fails_without_an_address_of_a_key_set(configured, url, words):
    with (
        configured(JWT_ALGORITHM="EdDSA", JWKS_URL=url),
        pytest.raises(ImproperlyConfigured, match=words) as error,
    ):
        refuse_to_start_misconfigured()

    assert "Set BETTER_AUTH_URL to" in str(error.value)
    assert "\n" not in str(error.value)

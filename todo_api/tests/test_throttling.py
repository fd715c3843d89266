"""The rate limits of users, and of addresses without a valid token."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from todo_api.tests.counting import ADDRESS, NO_TASK, hit_at_once, remaining, statuses
from todo_api.tests.server import free_port
from todo_api.tests.tokens import make_token
from todo_api.throttling import Limit, ProcessCounts, rate, rate_limits


@pytest.fixture
def fast_switching_threads():
    """Switch between threads as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.django_db
def test_a_response_has_the_limit_and_the_remaining_requests(alice, limited):
    with limited(RATE_LIMIT="5/day"):
        response = alice.get("/api/tasks")

    assert response.status_code == 200
    assert response["RateLimit-Policy"] == '"user";q=5;w=86400'
    limit, seconds = response["RateLimit"].split(";t=")
    assert limit == '"user";r=4'
    assert 1 <= int(seconds) <= 86_400


def test_a_request_over_the_limit_is_429(alice, limited):
    with limited(RATE_LIMIT="2/hour"):
        statuses(alice, 2)
        response = alice.get(NO_TASK)

    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response["Content-Type"] == "application/problem+json"
    assert response["RateLimit"] == f'"user";r=0;t={response["Retry-After"]}'
    assert 1 <= int(response["Retry-After"]) <= 3600
    assert f"{response['Retry-After']} second" in response.json()["detail"]


def test_a_429_has_cors_headers(alice, limited):
    with limited(RATE_LIMIT="1/hour"):
        statuses(alice, 1)
        response = alice.get("/api/tasks", HTTP_ORIGIN="http://localhost:3000")

    assert response.status_code == 429
    assert response["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
        response["Access-Control-Expose-Headers"].split(", ")
    )


def test_each_user_has_a_separate_limit(alice, bob, limited):
    with limited(RATE_LIMIT="2/day"):
        assert statuses(alice, 3) == [404, 404, 429]
        assert statuses(bob, 3) == [404, 404, 429]


def test_all_tokens_of_a_user_share_one_limit(client_for, limited, token_for):
    with limited(RATE_LIMIT="2/day"):
        found = [statuses(client_for("alice", token=token_for("alice", n=n)), 1) for n in range(3)]

    assert found == [[404], [404], [429]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/tasks", "", 200),
        ("HEAD", "/api/tasks", "", 200),
        ("POST", "/api/tasks", "{", 400),
        ("GET", "/api/bob/tasks", "", 403),
        ("GET", "/api/tasks/7", "", 404),
        ("POST", "/api/tasks/7", "", 405),
        ("OPTIONS", "/api/tasks", "", 405),
        ("POST", "/api/tasks", " " * 65_537, 413),
        ("POST", "/api/tasks", "{}", 422),
    ],
)
def test_every_response_counts_once(alice, limited, method, path, body, status):
    with limited(RATE_LIMIT="5/day"):
        first, second = (alice.generic(method, path, body, "application/json") for _ in range(2))

    assert first.status_code == second.status_code == status
    assert (remaining(first), remaining(second)) == (4, 3)


@pytest.mark.parametrize("path", ["/api/bob/tasks", "/api/alice/tasks"])
def test_the_limit_comes_before_the_path_owner(alice, limited, path):
    with limited(RATE_LIMIT="1/day"):
        statuses(alice, 1)
        response = alice.get(path)  # without the `db` fixture a query fails

    assert response.status_code == 429
    assert remaining(response) == 0


@pytest.mark.django_db
def test_without_a_limit_no_header_is_sent(alice, anonymous):
    for response in (alice.get("/api/tasks"), anonymous.get("/api/tasks")):
        assert "RateLimit" not in response
        assert "RateLimit-Policy" not in response


@pytest.mark.parametrize("token", [None, "x", make_token(exp=1)])
def test_requests_without_a_valid_token_count_for_their_address(client_for, limited, token):
    client = client_for(token=token)
    with limited(RATE_LIMIT_ANON="2/hour"):
        found = [client.get("/api/alice/tasks", REMOTE_ADDR=ADDRESS) for _ in range(3)]

    assert [response.status_code for response in found] == [401, 401, 429]
    assert [remaining(response) for response in found] == [1, 0, 0]
    assert found[2]["RateLimit-Policy"] == '"anonymous";q=2;w=3600'
    assert found[2]["RateLimit"].endswith(f";t={found[2]['Retry-After']}")
    assert "WWW-Authenticate" not in found[2]


def test_each_address_has_a_separate_limit(anonymous, limited):
    with limited(RATE_LIMIT_ANON="1/day"):
        assert statuses(anonymous, 2, REMOTE_ADDR=ADDRESS) == [401, 429]
        assert statuses(anonymous, 2, REMOTE_ADDR="203.0.113.7") == [401, 429]


def test_the_limits_of_addresses_and_users_are_separate(alice, anonymous, limited):
    with limited(RATE_LIMIT="3/day", RATE_LIMIT_ANON="1/day"):
        assert statuses(anonymous, 2) == [401, 429]
        assert statuses(alice, 3) == [404, 404, 404]
        assert statuses(anonymous, 1) == [429]


def test_each_limit_works_without_the_other(alice, anonymous, limited):
    with limited(RATE_LIMIT="1/day"):
        assert statuses(anonymous, 2) == [401, 401]
        assert statuses(alice, 2) == [404, 429]
    with limited(RATE_LIMIT_ANON="1/day"):
        assert statuses(anonymous, 2) == [401, 429]
        assert statuses(alice, 2) == [404, 404]


def test_a_request_that_is_not_acceptable_counts_for_its_user(alice, limited):
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="5/day"):
        found = [alice.get("/api/tasks", HTTP_ACCEPT="application/xml") for _ in range(2)]

    assert [response.status_code for response in found] == [406, 429]
    assert {response["RateLimit-Policy"] for response in found} == {'"user";q=1;w=86400'}


def test_the_stock_middleware_of_django_users_changes_nothing(alice, anonymous, limited):
    stock = ["sessions.middleware.SessionMiddleware", "auth.middleware.AuthenticationMiddleware"]
    middleware = settings.MIDDLEWARE + [f"django.contrib.{name}" for name in stock]
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day", MIDDLEWARE=middleware):
        found = [client.get("/api/tasks", HTTP_ACCEPT="image/png") for client in (alice, alice, anonymous, anonymous)]

    assert [response.status_code for response in found] == [406, 429, 401, 429]


def test_a_503_of_an_unreachable_issuer_does_not_count(client_for, limited):
    token = make_token(secret=Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "1"})
    with limited(RATE_LIMIT_ANON="1/day", JWT_ALGORITHM="EdDSA", JWKS_URL=f"http://127.0.0.1:{free_port()}"):
        assert statuses(client_for(token=token), 3) == [503, 503, 503]
        assert statuses(client_for(), 2) == [401, 429]


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json", "/nothing"])
def test_open_endpoints_are_not_limited(anonymous, limited, path):
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day"):
        found = [anonymous.get(path) for _ in range(3)]

    assert len({response.status_code for response in found}) == 1
    assert not any("RateLimit" in response for response in found)


def test_a_preflight_is_not_limited(client, limited):
    headers = {"HTTP_ORIGIN": "http://localhost:3000", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day"):
        found = {client.options("/api/tasks", **headers).status_code for _ in range(3)}

    assert found == {200}


def test_a_new_window_starts_at_zero():
    counts = ProcessCounts()

    assert [counts.hit(key, 1, 60) for key in ("alice", "alice", "bob")] == [1, 2, 1]
    assert counts.hit("alice", 2, 60) == 1
    assert counts.counts.keys() == {"alice"}


@pytest.mark.parametrize(("limit", "refusal"), [("RATE_LIMIT", 404), ("RATE_LIMIT_ANON", 401)])
def test_simultaneous_requests_count_exactly(client_for, limited, fast_switching_threads, limit, refusal):
    clients = [client_for("alice" if limit == "RATE_LIMIT" else None) for _ in range(8)]

    with limited(**{limit: "50/day"}), ThreadPoolExecutor(8) as pool:
        rate_limits()  # built before the first request, as in wsgi.py
        found = [status for each in pool.map(lambda client: statuses(client, 20), clients) for status in each]

    assert (found.count(refusal), found.count(429)) == (50, 110)


def test_threads_count_exactly_in_one_process(fast_switching_threads):
    assert hit_at_once(Limit("user", rate("50/day"), ProcessCounts()), times=4000) == 50

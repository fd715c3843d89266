"""The 401: its body, headers, log line and SQL."""

import logging
import re
import time

import pytest

CHALLENGE = 'Bearer realm="api"'
INVALID_TOKEN = f'{CHALLENGE}, error="invalid_token", error_description='
OTHER_SECRET = "another-secret-0123456789-0123456789-0123456789-0123456789-0123456789"
ORIGIN = "http://localhost:3000"
now = time.time
# Values of the header. `make()` returns a valid token of alice; arguments change it.
NO_TOKEN = {
    "empty": lambda make: "",
    "Basic with a token": lambda make: f"Basic {make()}",
    "a token without scheme": lambda make: make(),
}
BAD_TOKEN = {
    "garbage": lambda make: "Bearer garbage",
    "three parts": lambda make: f"Bearer {make()} {make()}",
    "over 4 KiB": lambda make: f"Bearer {make(padding='x' * 4096)}",
    "another secret": lambda make: f"Bearer {make(secret=OTHER_SECRET)}",
    "crit unknown": lambda make: f"Bearer {make(headers={'crit': ['urn:example'], 'urn:example': 1})}",
    "exp 10^18": lambda make: f"Bearer {make(exp=10**18)}",
    "sub with NUL": lambda make: f"Bearer {make(chr(0))}",
}
EXPIRED = {"expired": lambda make: f"Bearer {make(exp=int(now()) - 60)}"}


def each_of(credentials):
    return pytest.mark.parametrize("credentials", credentials.values(), ids=credentials)


@pytest.fixture
def authorization(token_for, credentials):
    return {"HTTP_AUTHORIZATION": credentials(token_for)}


def test_a_401_without_a_header_has_a_challenge(anonymous):
    response = anonymous.get("/api/alice/tasks")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == CHALLENGE


@each_of(NO_TOKEN)
def test_a_401_without_a_bearer_token_has_a_challenge(anonymous, authorization):
    response = anonymous.get("/api/alice/tasks", **authorization)

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == CHALLENGE


@each_of(BAD_TOKEN)
def test_a_bad_token_is_refused_with_the_reason(anonymous, authorization):
    response = anonymous.get("/api/alice/tasks", **authorization)

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert response.json()["detail"].startswith("Invalid token: ")
    assert re.fullmatch(re.escape(INVALID_TOKEN) + r'"Invalid token: [ !#-\[\]-~]+"', response["WWW-Authenticate"])


@each_of(EXPIRED)
def test_an_expired_token_is_refused_as_expired(anonymous, authorization):
    response = anonymous.get("/api/alice/tasks", **authorization)

    assert (response.status_code, response.json()["code"]) == (401, "token_expired")
    assert response.json()["detail"] == "Token has expired"
    assert response["WWW-Authenticate"] == INVALID_TOKEN + '"Token has expired"'


@each_of({"no token": lambda make: "", "a bad token": lambda make: "Bearer x"} | EXPIRED)
def test_a_401_is_a_problem_document(anonymous, authorization):
    response = anonymous.get("/api/tasks/7", HTTP_X_REQUEST_ID="r-1", **authorization)

    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert set(problem) == {"status", "title", "code", "detail", "request_id"}
    assert (problem["status"], problem["title"], problem["request_id"]) == (401, "Unauthorized", "r-1")


@pytest.mark.django_db
@each_of(NO_TOKEN | BAD_TOKEN | EXPIRED)
def test_a_401_needs_no_query(anonymous, django_assert_num_queries, authorization):
    with django_assert_num_queries(0):
        response = anonymous.post("/api/alice/tasks", {"title": "Buy milk"}, **authorization)

    assert response.status_code == 401


@pytest.mark.parametrize("credentials", [{}, {"HTTP_AUTHORIZATION": "Bearer garbage"}])
def test_a_401_has_cors_headers_for_an_allowed_origin(anonymous, credentials):
    response = anonymous.get("/api/tasks", HTTP_ORIGIN=ORIGIN, **credentials)

    assert response.status_code == 401
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize("credentials", [{}, {"HTTP_AUTHORIZATION": "Bearer garbage"}])
def test_a_401_has_no_cors_header_for_another_origin(anonymous, credentials):
    response = anonymous.get("/api/tasks", HTTP_ORIGIN="https://evil.example", **credentials)

    assert response.status_code == 401
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    ("credentials", "line"),
    [
        (lambda make: "", "401 not_authenticated: Authentication credentials were not provided."),
        (lambda make: "Bearer garbage", "401 token_invalid: Invalid token: it is not a JWT"),
        (lambda make: f"Bearer {make(exp=1)}", "401 token_expired: Token has expired"),
    ],
    ids=["no token", "a bad token", "an expired token"],
)
def test_a_401_is_logged_with_its_reason_and_the_clients_address(anonymous, authorization, caplog, line):
    anonymous.get("/api/tasks", REMOTE_ADDR="203.0.113.9", **authorization)

    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [(record.getMessage(), record.client) for record in warnings] == [(line, "203.0.113.9")]


@each_of(NO_TOKEN | BAD_TOKEN | EXPIRED | {"good": lambda make: f"Bearer {make()}"})
def test_credentials_are_never_logged(anonymous, authorization, caplog):
    caplog.set_level(logging.DEBUG)

    anonymous.get("/api/bob/tasks", **authorization)

    written = "\n".join(str(vars(record)) for record in caplog.records)
    words = authorization["HTTP_AUTHORIZATION"].replace(".", " ").replace(",", " ").split()
    assert "/api/{user_id}/tasks" in written
    assert not [word for word in words if len(word) > 15 and word in written]


def test_a_token_cannot_add_a_line_to_the_log(anonymous, token_for, caplog):
    token = token_for(headers={"crit": ["x\r\n200 alice\x1b[2J"]})

    response = anonymous.get("/api/tasks", HTTP_AUTHORIZATION=f"Bearer {token}")

    assert response.status_code == 401
    assert all(record.getMessage().isprintable() for record in caplog.records)

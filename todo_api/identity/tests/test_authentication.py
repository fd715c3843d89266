"""From the Authorization header to an answer: who is let in, what the refused are told, and what that costs."""

import logging
import re
import time
from dataclasses import FrozenInstanceError
from io import BytesIO
from urllib.parse import quote

import pytest

from tasks.models import Task
from todo_api.identity.authentication import BetterAuthAuthentication, Caller

CHALLENGE = 'Bearer realm="api"'
INVALID_TOKEN = f'{CHALLENGE}, error="invalid_token", error_description='
OTHER_SECRET = "another-secret-0123456789-0123456789-0123456789-0123456789-0123456789"
ORIGIN = "http://localhost:3000"
OURS, OURS_TOO = "https://app.example.com", "https://ops.example.com"
now = time.time

# Values of the header; `make` makes a token, a good one of alice when it is asked for nothing else.
NO_TOKEN = {
    "empty": lambda make: "",
    "white space": lambda make: "  \t ",
    "Bearer alone": lambda make: "Bearer",
    "Bearer and a space": lambda make: "Bearer ",
    "Basic": lambda make: "Basic YWxpY2U6c2VjcmV0",
    "Basic with a token": lambda make: f"Basic {make()}",
    "Digest": lambda make: 'Digest username="alice", realm="api"',
    "Token": lambda make: f"Token {make()}",
    "JWT": lambda make: f"JWT {make()}",
    "a scheme that begins like Bearer": lambda make: f"BearerX {make()}",
    "a token without scheme": lambda make: make(),
    "a token glued to the scheme": lambda make: f"Bearer{make()}",
    "a token behind a no-break space": lambda make: f"Bearer\xa0{make()}",
    "Bearer in quotes": lambda make: f'"Bearer" {make()}',
    "Basic, and a token in a second header": lambda make: f"Basic YWxpY2U6,Bearer {make()}",
}
BAD_TOKEN = {
    "garbage": lambda make: "Bearer garbage",
    "undefined": lambda make: "Bearer undefined",
    "three parts": lambda make: f"Bearer {make()} {make()}",
    "a word before the token": lambda make: f"Bearer token {make()}",
    "a parameter after the token": lambda make: f'Bearer {make()} realm="api"',
    "two headers": lambda make: f"Bearer {make()},Bearer {make()}",
    "two headers, with a space": lambda make: f"Bearer {make()}, Bearer {make()}",
    "two headers, the second Basic": lambda make: f"Bearer {make()},Basic YWxpY2U6",
    "two tokens": lambda make: f"Bearer {make()},{make()}",
    "a token in quotes": lambda make: f'Bearer "{make()}"',
    "bytes that are not ASCII": lambda make: "Bearer \xc3\xa9\x80",
    "a token and bytes that are not ASCII": lambda make: f"Bearer {make()}\xe9\xff",
    "2 segments": lambda make: f"Bearer {make().rpartition('.')[0]}",
    "4 segments": lambda make: f"Bearer {make()}.AAAA",
    "no signature": lambda make: f"Bearer {make().rpartition('.')[0]}.",
    "opaque session token": lambda make: "Bearer uX2mWvQd8sKf0ZyTq7LbNc4RjHe1AgPi",
    "over 4 KiB": lambda make: f"Bearer {make(padding='x' * 4096)}",
    "another secret": lambda make: f"Bearer {make(secret=OTHER_SECRET)}",
    "crit unknown": lambda make: f"Bearer {make(headers={'crit': ['urn:example'], 'urn:example': 1})}",
    "b64 false": lambda make: f"Bearer {make(headers={'b64': False})}",
    "no exp": lambda make: f"Bearer {make(exp=...)}",
    "exp a string of digits": lambda make: f"Bearer {make(exp=str(int(now()) + 900))}",
    "exp 10^18": lambda make: f"Bearer {make(exp=10**18)}",
    "no sub": lambda make: f"Bearer {make(...)}",
    "sub empty": lambda make: f"Bearer {make('')}",
    "sub with NUL": lambda make: f"Bearer {make(chr(0))}",
    "session-cache cookie": lambda make: f"Bearer {make(aud='better-auth:session-cache')}",
}
EXPIRED = {"expired": lambda make: f"Bearer {make(exp=int(now()) - 60)}"}


def table(credentials):
    return pytest.mark.parametrize("credentials", credentials.values(), ids=credentials)


def readable(value):
    return ascii(value)[:40]


@pytest.fixture
def authorization(token_for, credentials):
    """The header of one row, as the client's keyword."""
    return {"HTTP_AUTHORIZATION": credentials(token_for)}


# What the refused are told


def test_without_a_header_it_asks_for_a_token(anonymous):
    response = anonymous.get("/api/alice/tasks")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == CHALLENGE


@table(NO_TOKEN)
def test_without_a_token_it_asks_for_one(anonymous, authorization):
    response = anonymous.get("/api/alice/tasks", **authorization)

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == CHALLENGE


@table(BAD_TOKEN)
def test_a_bad_token_is_refused_with_a_reason(anonymous, authorization):
    response = anonymous.get("/api/alice/tasks", **authorization)

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert response.json()["detail"].startswith("Invalid token: ")
    assert re.fullmatch(re.escape(INVALID_TOKEN) + r'"Invalid token: [ !#-\[\]-~]+"', response["WWW-Authenticate"])


@table(EXPIRED)
def test_an_expired_token_is_refused_as_expired(anonymous, authorization):
    response = anonymous.get("/api/alice/tasks", **authorization)

    assert (response.status_code, response.json()["code"]) == (401, "token_expired")
    assert response.json()["detail"] == "Token has expired"
    assert response["WWW-Authenticate"] == INVALID_TOKEN + '"Token has expired"'


@table({"no token": lambda make: "", "a bad token": lambda make: "Bearer x"} | EXPIRED)
def test_a_refusal_is_a_problem_document(anonymous, authorization):
    response = anonymous.get("/api/tasks/7", HTTP_X_REQUEST_ID="r-1", **authorization)

    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert set(problem) == {"status", "title", "code", "detail", "request_id"}
    assert (problem["status"], problem["title"], problem["request_id"]) == (401, "Unauthorized", "r-1")


@pytest.mark.django_db
@table(NO_TOKEN | BAD_TOKEN | EXPIRED)
def test_a_refusal_asks_no_database(anonymous, django_assert_num_queries, authorization):
    with django_assert_num_queries(0):
        response = anonymous.post("/api/alice/tasks", {"title": "Buy milk"}, **authorization)

    assert response.status_code == 401


@pytest.mark.parametrize("credentials", [{}, {"HTTP_AUTHORIZATION": "Bearer garbage"}])
def test_a_refusal_can_be_read_by_an_allowed_origin(anonymous, credentials):
    response = anonymous.get("/api/tasks", HTTP_ORIGIN=ORIGIN, **credentials)

    assert response.status_code == 401
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize("credentials", [{}, {"HTTP_AUTHORIZATION": "Bearer garbage"}])
def test_a_refusal_has_no_cors_header_for_a_foreign_origin(anonymous, credentials):
    response = anonymous.get("/api/tasks", HTTP_ORIGIN="https://evil.example", **credentials)

    assert response.status_code == 401
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


# What is written to the log


@pytest.mark.parametrize(
    ("credentials", "line"),
    [
        (lambda make: "", "401 not_authenticated: Authentication credentials were not provided."),
        (lambda make: "Bearer garbage", "401 token_invalid: Invalid token: it is not a JWT"),
        (lambda make: f"Bearer {make(exp=1)}", "401 token_expired: Token has expired"),
    ],
    ids=["no token", "a bad token", "an expired token"],
)
def test_a_refusal_is_logged_with_its_reason_and_the_clients_address(anonymous, authorization, caplog, line):
    anonymous.get("/api/tasks", REMOTE_ADDR="203.0.113.9", **authorization)

    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [(record.getMessage(), record.client) for record in warnings] == [(line, "203.0.113.9")]


@table(NO_TOKEN | BAD_TOKEN | EXPIRED | {"good": lambda make: f"Bearer {make()}"})
def test_what_was_sent_is_not_logged(anonymous, authorization, caplog):
    caplog.set_level(logging.DEBUG)

    anonymous.get("/api/bob/tasks", **authorization)

    written = "\n".join(str(vars(record)) for record in caplog.records)
    words = authorization["HTTP_AUTHORIZATION"].replace(".", " ").replace(",", " ").split()
    assert "/api/bob/tasks" in written
    assert not [word for word in words if len(word) > 15 and word in written]


def test_a_token_cannot_write_a_line_of_its_own(anonymous, token_for, caplog):
    token = token_for(headers={"crit": ["x\r\n200 alice\x1b[2J"]})

    response = anonymous.get("/api/tasks", HTTP_AUTHORIZATION=f"Bearer {token}")

    assert response.status_code == 401
    assert all(record.getMessage().isprintable() for record in caplog.records)


# Where a token is looked for


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_matched_in_any_case(anonymous, token_for, scheme):
    response = anonymous.get("/api/alice/tasks", HTTP_AUTHORIZATION=f"{scheme} {token_for()}")

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.django_db
@pytest.mark.parametrize("space", ["  ", "\t", " \t "])
def test_white_space_around_a_token_does_not_matter(anonymous, token_for, space):
    response = anonymous.get("/api/alice/tasks", HTTP_AUTHORIZATION=f"{space}Bearer{space}{token_for()}{space}")

    assert response.status_code == 200


@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "Authorization"])
def test_a_token_in_the_query_string_is_not_looked_at(anonymous, token_for, name):
    response = anonymous.get("/api/alice/tasks", {name: token_for()}, QUERY_STRING=f"{name}=Bearer%20{token_for()}")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("name", ["token", "Authorization", "better-auth.session_token", "sessionid"])
def test_a_token_in_a_cookie_is_not_looked_at(anonymous, token_for, name):
    anonymous.cookies[name] = token_for()

    response = anonymous.get("/api/alice/tasks")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("format", ["json", "multipart"])
@pytest.mark.parametrize("name", ["token", "access_token", "Authorization"])
def test_a_token_in_the_body_is_not_looked_at(anonymous, token_for, name, format):
    response = anonymous.post("/api/alice/tasks", {"title": "Buy milk", name: token_for()}, format=format)

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("name", ["HTTP_X_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_X_FORWARDED_USER"])
def test_a_token_in_another_header_is_not_looked_at(anonymous, token_for, name):
    response = anonymous.get("/api/alice/tasks", **{name: f"Bearer {token_for()}"})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("path", ["/api/tasks", "/api/alice/tasks", "/api/admin/tasks"])
def test_an_operators_session_is_not_looked_at(admin_client, django_assert_num_queries, path):
    with django_assert_num_queries(0):
        response = admin_client.get(path)

    assert admin_client.cookies["sessionid"].value
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_an_operators_session_adds_nothing_to_a_token(admin_client, token_for, make_task):
    make_task(user_id="bob")
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token_for('alice')}"}

    assert admin_client.get("/api/bob/tasks", **bearer).status_code == 403
    assert admin_client.get("/api/tasks", **bearer).json() == []


@pytest.mark.parametrize("second", ["Bearer {}", "bearer {}", "Basic YWxpY2U6", "Bearer"])
def test_two_headers_on_the_wire_are_refused(server, token_for, second):
    answer = server.send(
        f"GET /api/alice/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {token_for()}\r\nAuthorization: {second.format(token_for())}\r\n\r\n".encode()
    )

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'error="invalid_token"' in answer


@pytest.mark.parametrize("value", [b"Bearer \xff\xfe", "Bearer é".encode(), b"\xc3\xa9 abc", b"Bearer a.\x80.c"])
def test_bytes_that_are_not_ascii_on_the_wire_are_refused(server, value):
    answer = server.send(
        b"GET /api/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: " + value + b"\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 401 ")


# Whom a token speaks for


@pytest.mark.django_db
@pytest.mark.parametrize(
    "user_id",
    [
        "uX2mWvQd8sKf0ZyTq7LbNc4RjHe1AgPi",
        "0191e7a8-3c5e-7b1a-9f60-2d4c8a1b3e5f",
        "1",
        "a.b..c",
        "alice@example.com",
        "oauth2|alice",
        "Alice B C",
        " alice ",
        "алиса",
        "愛麗絲",
        "أليس",
        "alice\u0301",
        "👩",
        "a?b#c%d&e+f;g=h",
        "%00",
        "\"<'>\\",
        "tasks",
        "ж" * 255,
    ],
    ids=readable,
)
def test_a_user_id_of_any_form_has_a_path_of_its_own(client_for, user_id):
    client, tasks_url = client_for(user_id), f"/api/{quote(user_id, safe='')}/tasks"
    assert (client.get(tasks_url).status_code, client.get(tasks_url).json()) == (200, [])

    created = client.post(tasks_url, {"title": "Buy milk"})

    assert (created.status_code, created.json()["user_id"]) == (201, user_id)
    assert client.get(created["Location"]).json() == created.json()
    assert client.get(tasks_url).json() == [created.json()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("user_id", "path"),
    [("Alice", "alice"), ("alice\u0301", "alic\u00e9"), (" alice", "alice"), ("1", "01")],
    ids=readable,
)
def test_user_ids_are_compared_exactly(client_for, make_task, user_id, path):
    make_task(user_id=path)

    assert client_for(user_id).get(f"/api/{quote(path)}/tasks").status_code == 403
    assert client_for(user_id).get("/api/tasks").json() == []


RIGHTS = {
    "is_staff": True,
    "is_superuser": True,
    "is_active": True,
    "role": "admin",
    "roles": ["admin"],
    "scope": "admin tasks:*",
    "permissions": ["*"],
    "id": "bob",
    "userId": "bob",
}


def test_no_claim_gives_a_right_to_anothers_tasks(client_for, token_for, make_task):
    make_task(user_id="bob")
    client = client_for("alice", token=token_for("alice", **RIGHTS))

    assert client.get("/api/bob/tasks").status_code == 403
    assert client.get("/api/tasks").json() == []
    assert client.post("/api/tasks", {"title": "Buy milk"}).json()["user_id"] == "alice"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/tasks/task/", "/admin/auth/user/"])
def test_no_claim_opens_the_admin(client_for, token_for, path):
    response = client_for("alice", token=token_for("alice", **RIGHTS)).get(path)

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_the_caller_has_no_field_but_the_user_id():
    user = BetterAuthAuthentication().get_user({"sub": "alice", "user_id": "bob"} | RIGHTS)

    assert user == Caller(user_id="alice")
    assert not [name for name in ("is_staff", "is_superuser", "role", "id", "username", "pk") if hasattr(user, name)]
    with pytest.raises((FrozenInstanceError, TypeError)):
        user.user_id = "bob"


# Another user's path


# fmt: off
OTHERS = [
    "bob", "nobody", "null", "undefined", "me", "admin", "-1", "*", "a" * 300, "'%20OR%201=1%20--",
    "Alice", "ALICE", "alicE", "alic", "alicee", "%62ob", "%41lice", "%2561lice", "alice%25", "alice;v=1", "alice,bob",
    "alice.", "alice%2e", "%2e", "%2E%2e", "...", "alice%3F", "alice%23", "alice+", "alice%20", "%20alice", "alice%09",
    "alice%0a", "alice%0d%0a", "alice%00", "%00alice", "alice%C2%A0", "%ff", "alice%ff", "%c0%aealice",
    "\u0430lice", "al\u0456ce", "al\u0131ce", "\uff41\uff4c\uff49\uff43\uff45", "alice\u200b", "alice\u0301",
    "\u202ealice",
]
# fmt: on


@pytest.mark.django_db
@pytest.mark.parametrize("user_id", OTHERS, ids=readable)
def test_another_users_path_is_forbidden_however_it_is_spelt(alice, django_assert_num_queries, user_id):
    with django_assert_num_queries(0):
        response = alice.patch(f"/api/{user_id}/tasks/7", {"title": "Mine now"})

    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert response.json()["detail"] == "Access denied: cannot access another user's tasks"


@pytest.mark.parametrize(
    ("method", "rest", "body", "content_type"),
    [
        ("GET", "", b"", "application/json"),
        ("GET", "/", b"", "application/json"),
        ("GET", "?limit=x&sort=nope&cursor=broken", b"", "application/json"),
        ("POST", "", b'{"title": "Mine now"}', "application/json"),
        ("POST", "", b"not JSON", "application/json"),
        ("POST", "", b'{"title": 5}', "application/json"),
        ("POST", "", b"x" * 70_000, "application/json"),
        ("POST", "", b"title=a", "application/x-www-form-urlencoded"),
        ("GET", "/{id}", b"", "application/json"),
        ("GET", "/0", b"", "application/json"),
        ("GET", "/-1", b"", "application/json"),
        ("GET", "/seven", b"", "application/json"),
        ("GET", "/99999999999999999999", b"", "application/json"),
        ("PUT", "/{id}", b"[]", "application/json"),
        ("PUT", "/{id}", b'{"completed": "yes"}', "application/json"),
        ("PATCH", "/{id}", b'{"user_id": "alice"}', "application/json"),
        ("PATCH", "/{id}/complete", b"{", "application/json"),
        ("PATCH", "/{id}/toggle-status", b"", "application/json"),
        ("DELETE", "/{id}", b"", "application/json"),
        ("DELETE", "", b"", "application/json"),
        ("POST", "/{id}", b"", "application/json"),
        ("TRACE", "/{id}", b"", "application/json"),
    ],
)
def test_another_users_path_is_forbidden_whatever_is_asked(
    alice, make_task, django_assert_num_queries, method, rest, body, content_type
):
    rest = rest.format(id=make_task(user_id="bob").pk)

    with django_assert_num_queries(0):
        of_bob, of_nobody = (
            alice.generic(method, f"/api/{user_id}/tasks{rest}", body, content_type, HTTP_X_REQUEST_ID="r-1")
            for user_id in ("bob", "nobody")
        )

    assert (of_bob.status_code, of_bob.json()["code"]) == (403, "forbidden")
    assert of_bob.content == of_nobody.content
    assert Task.objects.filter(user_id="bob", title="Buy groceries", completed=False).count() == 1


@pytest.mark.parametrize(("user_id", "status"), [("bob", 403), ("alice", 401)])
def test_the_body_of_a_refused_request_is_not_read(alice, anonymous, user_id, status):
    body = BytesIO(b'{"title": "Mine now"}')

    response = (alice if status == 403 else anonymous).generic(
        "POST", f"/api/{user_id}/tasks", b"-" * 21, "application/json", **{"wsgi.input": body}
    )

    assert response.status_code == status
    assert body.tell() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/%00/tasks",
        "/api/alice%00/tasks",
        "/api/%00alice/tasks/7",
        "/api/bob%00/tasks/7/complete",
        "/api/alice%00bob/tasks",
        "/api%00/alice/tasks",
        "/api/alice/tasks%00",
        "/api/%2F/tasks",
        "/api/alice%2F/tasks",
        "/api/%2Falice/tasks",
        "/api/alice%2Fbob/tasks",
        "/api/bob%2Ftasks",
        "/api/..%2Falice/tasks",
        "/api/alice%2F..%2Fbob/tasks",
        "/api/alice/..%2fbob/tasks/7",
    ],
)
def test_nul_and_slash_in_the_paths_user_lead_nowhere(alice, django_assert_num_queries, method, path):
    with django_assert_num_queries(0):
        response = alice.generic(method, path, b'{"title": "Mine now"}', "application/json")

    assert response.status_code in (403, 404)
    assert response["Content-Type"] == "application/problem+json"


# No `db` fixture: a preflight that asked the database would fail.
@pytest.mark.parametrize(
    "path", ["/api/tasks", "/api/alice/tasks", "/api/bob/tasks/7", "/api/alice%00/tasks/7/complete"]
)
def test_a_preflight_needs_no_token(client, path):
    response = client.options(
        path,
        HTTP_ORIGIN=ORIGIN,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="PATCH",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization, content-type",
    )

    assert (response.status_code, response.content) == (200, b"")
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert "PATCH" in response["Access-Control-Allow-Methods"]


def test_options_that_is_no_preflight_needs_a_token(anonymous):
    assert anonymous.options("/api/alice/tasks").status_code == 401


# What the settings say


@pytest.mark.django_db
def test_the_previous_secret_is_good_while_it_is_configured(client_for, token_for, configured):
    client = client_for("alice", token=token_for("alice", secret=OTHER_SECRET))

    with configured(BETTER_AUTH_SECRET_PREVIOUS=OTHER_SECRET):
        during = client.get("/api/tasks").status_code
    after = client.get("/api/tasks").status_code

    assert (during, after) == (200, 401)


@pytest.mark.django_db
def test_the_current_secret_is_good_beside_the_previous_one(alice, configured):
    with configured(BETTER_AUTH_SECRET_PREVIOUS=OTHER_SECRET):
        assert alice.get("/api/tasks").status_code == 200


def test_a_third_secret_is_not_good(client_for, token_for, configured):
    client = client_for("alice", token=token_for("alice", secret=OTHER_SECRET[::-1]))

    with configured(BETTER_AUTH_SECRET_PREVIOUS=OTHER_SECRET):
        assert client.get("/api/tasks").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "secret", ["пароль-" * 8, OTHER_SECRET + "==", "{" + OTHER_SECRET, " " + OTHER_SECRET], ids=readable
)
def test_a_secret_stands_for_its_utf_8_bytes(client_for, token_for, configured, secret):
    client = client_for("alice", token=token_for("alice", secret=secret.encode()))

    with configured(BETTER_AUTH_SECRET=secret):
        assert client.get("/api/tasks").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_configured_algorithm_alone_is_good(client_for, token_for, configured, algorithm):
    every = ["HS256", "HS384", "HS512"]
    tokens = {name: token_for("alice", secret=OTHER_SECRET, algorithm=name) for name in every}

    with configured(JWT_ALGORITHM=algorithm, BETTER_AUTH_SECRET=OTHER_SECRET):
        good = [name for name in every if client_for("alice", token=tokens[name]).get("/api/tasks").status_code == 200]

    assert good == [algorithm]


@pytest.mark.django_db
@pytest.mark.parametrize(("leeway", "status"), [(0, 401), (10, 200)])
def test_the_leeway_covers_skewed_clocks(client_for, token_for, configured, leeway, status):
    client = client_for("alice", token=token_for("alice", exp=int(now()) - 3))

    with configured(JWT_LEEWAY=leeway):
        assert client.get("/api/tasks").status_code == status


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param({"aud": OURS, "iss": OURS}, 200, id="ours"),
        pytest.param(
            {"aud": ["https://other.example.com", OURS_TOO], "iss": OURS}, 200, id="aud a list with one of ours"
        ),
        pytest.param({"aud": "https://other.example.com", "iss": OURS}, 401, id="aud wrong"),
        pytest.param({"aud": ["https://other.example.com"], "iss": OURS}, 401, id="aud a list without ours"),
        pytest.param({"aud": 1, "iss": OURS}, 401, id="aud a number"),
        pytest.param({"aud": {OURS: True}, "iss": OURS}, 401, id="aud an object"),
        pytest.param({"iss": OURS}, 401, id="aud missing"),
        pytest.param({"aud": OURS, "iss": "https://other.example.com"}, 401, id="iss wrong"),
        pytest.param({"aud": OURS, "iss": OURS + "/"}, 401, id="iss with a trailing slash"),
        pytest.param({"aud": OURS}, 401, id="iss missing"),
    ],
)
def test_audience_and_issuer_are_checked_when_configured(client_for, token_for, configured, claims, status):
    client = client_for("alice", token=token_for("alice", **claims))

    with configured(JWT_AUDIENCE=[OURS, OURS_TOO], JWT_ISSUER=OURS):
        assert client.get("/api/tasks").status_code == status


@pytest.mark.django_db
@pytest.mark.parametrize("audience", [..., OURS, [OURS], [], "x"])
def test_audience_and_issuer_are_not_checked_unless_configured(client_for, token_for, audience):
    client = client_for("alice", token=token_for("alice", aud=audience, iss="https://other.example.com"))

    assert client.get("/api/tasks").status_code == 200

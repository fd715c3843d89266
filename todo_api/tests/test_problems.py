"""The body, the headers and the order of errors."""

import pytest

from todo_api.tests.problems import assert_problem

TASK = '{"title": "Buy milk"}'
# method, path, body, headers -> status, code, title
ERRORS = [
    ("POST", "/api/tasks", "{", {}, 400, "parse_error", "Bad Request"),
    ("GET", "/api/bob/tasks", "", {}, 403, "forbidden", "Forbidden"),
    ("GET", "/api/tasks/7", "", {}, 404, "not_found", "Not Found"),
    ("GET", "/api/alice/nothing", "", {}, 404, "not_found", "Not Found"),
    ("GET", "/nothing", "", {}, 404, "not_found", "Not Found"),
    ("GET", "/static/nothing.js", "", {}, 404, "not_found", "Not Found"),
    ("POST", "/api/tasks/7", TASK, {}, 405, "method_not_allowed", "Method Not Allowed"),
    ("TRACE", "/api/tasks", "", {}, 405, "method_not_allowed", "Method Not Allowed"),
    ("FOO", "/api/tasks", "", {}, 405, "method_not_allowed", "Method Not Allowed"),
    ("GET", "/api/tasks", "", {"HTTP_ACCEPT": "application/xml"}, 406, "not_acceptable", "Not Acceptable"),
    ("POST", "/api/tasks", "x" * 65_537, {}, 413, "payload_too_large", "Content Too Large"),
    ("POST", "/api/tasks", "x", {"CONTENT_TYPE": "a/b"}, 415, "unsupported_media_type", "Unsupported Media Type"),
    ("POST", "/api/tasks", "{}", {}, 422, "validation_error", "Unprocessable Content"),
    ("GET", "/api/tasks?limit=0", "", {}, 422, "validation_error", "Unprocessable Content"),
]


def send(client, method, path, body="", headers=None):
    headers = {"CONTENT_TYPE": "application/json"} | (headers or {})
    return client.generic(method, path, body, headers["CONTENT_TYPE"], **headers)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "code", "title"), ERRORS)
def test_every_error_has_the_same_body(alice, method, path, body, headers, status, code, title):
    response = send(alice, method, path, body, headers)

    assert_problem(response, status, code)
    assert response.json()["title"] == title


@pytest.mark.parametrize(
    ("token", "code", "detail"),
    [
        (None, "not_authenticated", "Authentication credentials were not provided."),
        ("x", "token_invalid", "Invalid token: "),
    ],
)
def test_a_401_has_the_same_body(client_for, token, code, detail):
    response = client_for(token=token).get("/api/tasks")

    assert_problem(response, 401, code)
    assert response.json()["detail"].startswith(detail)


def test_a_401_has_a_challenge(anonymous, client_for, token_for):
    missing = anonymous.get("/api/tasks")
    expired = client_for(token=token_for(exp=1)).get("/api/tasks")

    assert missing["WWW-Authenticate"] == 'Bearer realm="api"'
    assert expired["WWW-Authenticate"] == (
        'Bearer realm="api", error="invalid_token", error_description="Token has expired"'
    )


def test_the_detail_of_a_foreign_path(alice, bob):
    response = alice.get(bob.tasks_url)

    assert response.json()["detail"] == "Access denied: cannot access another user's tasks"


@pytest.mark.django_db
def test_a_missing_task_is_named(alice):
    assert alice.get("/api/tasks/7").json()["detail"] == "Task 7 not found"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/tasks", {"GET", "HEAD", "POST", "PATCH", "DELETE"}),
        ("/api/tasks/7", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("/api/tasks/7/complete", {"PATCH"}),
    ],
)
def test_a_405_lists_the_allowed_methods(alice, path, allowed):
    response = alice.generic("FOO", path)

    assert set(response["Allow"].split(", ")) == allowed


def test_a_validation_error_names_every_field(alice):
    response = alice.post("/api/tasks", {"title": " ", "completed": "yes"})

    problem = response.json()
    assert problem["errors"] == [
        {"field": "title", "code": "blank", "detail": "This field may not be blank."},
        {"field": "completed", "code": "invalid", "detail": "Must be a valid boolean."},
    ]
    assert problem["detail"] == "title: This field may not be blank. completed: Must be a valid boolean."


def test_a_validation_error_of_the_whole_body_names_no_field(alice):
    [error] = send(alice, "POST", "/api/tasks", "[]").json()["errors"]

    assert error["field"] is None


def test_a_lone_surrogate_in_a_message_is_not_a_500(alice):
    response = send(alice, "POST", "/api/tasks", r'{"title": "Buy milk", "priority": "\ud800"}')

    assert_problem(response, 422, "validation_error")
    assert response.json()["errors"][0]["field"] == "priority"


# Each row corrects the error of the row before.
BAD_BODY, BAD_TYPE, BAD_TITLE = "{", "text/plain", '{"title": ""}'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("user", "method", "path", "body", "content_type", "status"),
    [
        ("anonymous", "POST", "/api/bob/tasks/7", BAD_BODY, BAD_TYPE, 401),
        ("alice", "POST", "/api/bob/tasks/7", BAD_BODY, BAD_TYPE, 403),
        ("alice", "POST", "/api/alice/tasks/7", BAD_BODY, BAD_TYPE, 405),
        ("alice", "PUT", "/api/alice/tasks/7", BAD_BODY, BAD_TYPE, 415),
        ("alice", "PUT", "/api/alice/tasks/7", BAD_BODY, "application/json", 400),
        ("alice", "PUT", "/api/alice/tasks/7", " " * 65_537, "application/json", 413),
        ("alice", "PUT", "/api/alice/tasks/7", BAD_TITLE, "application/json", 422),
        ("alice", "PUT", "/api/alice/tasks/x", BAD_TITLE, "application/json", 422),
        ("alice", "PUT", "/api/alice/tasks/7", TASK, "application/json", 404),
        ("alice", "PATCH", "/api/alice/tasks/x/complete", '{"completed": 1}', "application/json", 422),
        ("alice", "PATCH", "/api/alice/tasks/x/complete", "", "application/json", 404),
    ],
)
def test_errors_come_in_a_fixed_order(request, user, method, path, body, content_type, status):
    client = request.getfixturevalue(user)

    response = client.generic(method, path, body, content_type)

    assert response.status_code == status


@pytest.mark.parametrize("path", ["/api/bob/tasks", "/api/bob/tasks/7", "/api/alice/tasks/7", "/api/alice/tasks"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_refused_request_needs_no_query(alice, method, path):
    response = alice.generic(method, path, BAD_BODY, "application/json")  # without the `db` fixture a query fails

    assert response.status_code in (400, 403, 405)

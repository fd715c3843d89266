"""Errors: one body, application/problem+json, for every status and from every layer."""

import logging

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny

from todo_api.urls import handler400, handler403, handler404, handler500  # noqa: F401  # for the URLconf below

INSIDE = "SELECT password FROM secrets"
RAISED = {
    "bug": ZeroDivisionError(INSIDE),
    "key": KeyError(INSIDE),
    "operational": OperationalError(INSIDE),
    "interface": InterfaceError(INSIDE),
    "suspicious": SuspiciousOperation(INSIDE),
    "missing": Http404(INSIDE),
    "denied": PermissionDenied(),
}


@csrf_exempt
def plain_view(request, name):
    raise RAISED[name]


@api_view()
@permission_classes([AllowAny])
def api_view_that_raises(request, name):
    raise RAISED[name]


class BrokenMiddleware:
    def __init__(self, get_response):
        pass

    def __call__(self, request):
        raise RAISED[request.path_info.rpartition("/")[2]]


urlpatterns = [path("plain/<name>", plain_view), path("views/<name>", api_view_that_raises)]


def assert_problem(response, status, code):
    problem = response.json()
    optional = {"errors"} if status == 422 else set()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem.keys() == {"status", "title", "code", "detail", "request_id"} | optional
    assert response["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == response["X-Request-ID"]
    assert " " in problem["detail"]


TASK = '{"title": "Buy milk"}'
# method, path, body, headers -> status, code, title
REFUSALS = [
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


def ask(client, method, path, body="", headers=None):
    headers = {"CONTENT_TYPE": "application/json"} | (headers or {})
    return client.generic(method, path, body, headers["CONTENT_TYPE"], **headers)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "code", "title"), REFUSALS)
def test_every_refusal_has_the_same_body(alice, method, path, body, headers, status, code, title):
    response = ask(alice, method, path, body, headers)

    assert_problem(response, status, code)
    assert response.json()["title"] == title


@pytest.mark.parametrize(
    ("token", "code", "detail"),
    [
        (None, "not_authenticated", "Authentication credentials were not provided."),
        ("x", "token_invalid", "Invalid token: "),
    ],
)
def test_a_401_has_it_too(client_for, token, code, detail):
    response = client_for(token=token).get("/api/tasks")

    assert_problem(response, 401, code)
    assert response.json()["detail"].startswith(detail)


def test_a_401_says_how_to_come_in(anonymous, client_for, token_for):
    without = anonymous.get("/api/tasks")
    with_an_old_one = client_for(token=token_for(exp=1)).get("/api/tasks")

    assert without["WWW-Authenticate"] == 'Bearer realm="api"'
    assert with_an_old_one["WWW-Authenticate"] == (
        'Bearer realm="api", error="invalid_token", error_description="Token has expired"'
    )


def test_a_foreign_path_is_refused_in_these_words(alice, bob):
    response = alice.get(bob.tasks_url)

    assert response.json()["detail"] == "Access denied: cannot access another user's tasks"


@pytest.mark.django_db
def test_a_missing_task_is_named(alice):
    assert alice.get("/api/tasks/7").json()["detail"] == "Task 7 not found"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/tasks", {"GET", "HEAD", "POST"}),
        ("/api/tasks/7", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("/api/tasks/7/complete", {"PATCH"}),
    ],
)
def test_a_405_says_which_methods_there_are(alice, path, allowed):
    response = alice.generic("FOO", path)

    assert set(response["Allow"].split(", ")) == allowed


def test_validation_names_every_field_and_says_it_in_a_sentence(alice):
    response = alice.post("/api/tasks", {"title": " ", "completed": "yes"})

    problem = response.json()
    assert problem["errors"] == [
        {"field": "title", "code": "blank", "detail": "This field may not be blank."},
        {"field": "completed", "code": "invalid", "detail": "Must be a valid boolean."},
    ]
    assert problem["detail"] == "title: This field may not be blank. completed: Must be a valid boolean."


def test_validation_of_the_whole_body_names_no_field(alice):
    [error] = ask(alice, "POST", "/api/tasks", "[]").json()["errors"]

    assert error["field"] is None


def test_a_lone_surrogate_that_a_message_quotes_is_no_500(alice):
    response = ask(alice, "POST", "/api/tasks", r'{"title": "Buy milk", "priority": "\ud800"}')

    assert_problem(response, 422, "validation_error")
    assert response.json()["errors"][0]["field"] == "priority"


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/", "/health/x", "/docs/x", "/%00", "/%ff", "//api//tasks"])
def test_an_unknown_address_is_a_json_404(configured, debug, method, path):
    client = Client(enforce_csrf_checks=True)

    with configured(DEBUG=debug):
        response = client.generic(method, path)

    assert_problem(response, 404, "not_found")


@pytest.mark.parametrize("path", ["/", "/api/tasks", "/docs", "/metrics", "/nothing", "/admin/login/"])
def test_a_foreign_host_is_a_problem(path):
    response = Client().get(path, HTTP_HOST="evil.example")

    assert_problem(response, 400, "parse_error")
    assert "evil" not in response.content.decode()


@pytest.mark.django_db
def test_a_failed_csrf_check_of_the_admin_is_a_problem():
    client = Client(enforce_csrf_checks=True)

    response = client.post("/admin/login/", {"username": "root", "password": "x"})

    assert_problem(response, 403, "forbidden")
    assert response.json()["detail"].startswith("The form could not be verified: ")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("kind", ["plain", "views"])
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("bug", 500, "internal_error"),
        ("key", 500, "internal_error"),
        ("operational", 503, "database_unavailable"),
        ("interface", 503, "database_unavailable"),
        ("suspicious", 400, "parse_error"),
        ("missing", 404, "not_found"),
        ("denied", 403, "forbidden"),
    ],
)
def test_what_a_view_raises_is_a_problem_without_its_words(anonymous, configured, debug, kind, name, status, code):
    with configured(ROOT_URLCONF=__name__, DEBUG=debug):
        response = anonymous.get(f"/{kind}/{name}")

    assert_problem(response, status, code)
    assert not any(word in response.content.decode() for word in ("SELECT", "Traceback", "Error:", ".py"))


@pytest.mark.parametrize("path", ["/plain/bug", "/views/bug"])
def test_the_unexpected_is_logged_with_its_traceback_and_its_request(anonymous, configured, caplog, path):
    with configured(ROOT_URLCONF=__name__), caplog.at_level(logging.ERROR):
        response = anonymous.get(path)

    [record] = caplog.records
    assert record.exc_info[1] is RAISED["bug"]
    assert record.exc_info[2] is not None
    assert record.request_id == response["X-Request-ID"]


@pytest.mark.parametrize(
    ("name", "status", "code"), [("bug", 500, "internal_error"), ("operational", 503, "database_unavailable")]
)
def test_what_breaks_outside_of_a_view_is_a_problem_too(anonymous, configured, settings, caplog, name, status, code):
    middleware = [*settings.MIDDLEWARE, f"{__name__}.BrokenMiddleware"]

    with configured(MIDDLEWARE=middleware), caplog.at_level(logging.ERROR):
        response = anonymous.get(f"/{name}")

    assert_problem(response, status, code)
    assert INSIDE in caplog.text


@pytest.mark.parametrize("path", ["/plain/operational", "/views/operational", "/plain/interface"])
def test_a_lost_database_says_when_to_try_again(anonymous, configured, path):
    with configured(ROOT_URLCONF=__name__):
        response = anonymous.get(path)

    assert response["Retry-After"] == "1"


def test_a_database_that_refuses_connections_is_503(alice, unreachable_database):
    response = alice.get("/api/tasks")

    assert_problem(response, 503, "database_unavailable")
    assert response["Retry-After"] == "1"


# The next reason is what is left when the one before is put right.
BAD_BODY, BAD_TYPE, BAD_TITLE = "{", "text/plain", '{"title": ""}'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "method", "path", "body", "content_type", "status"),
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
def test_the_first_reason_in_the_order_decides(request, who, method, path, body, content_type, status):
    client = request.getfixturevalue(who)

    response = client.generic(method, path, body, content_type)

    assert response.status_code == status


@pytest.mark.parametrize("path", ["/api/bob/tasks", "/api/bob/tasks/7", "/api/alice/tasks/7", "/api/alice/tasks"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_refused_request_asks_no_database(alice, method, path):
    response = alice.generic(method, path, BAD_BODY, "application/json")  # without the `db` fixture a query fails

    assert response.status_code in (400, 403, 405)


def test_a_form_without_a_boundary_is_a_bad_request():
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["csrftoken"] = "x" * 32

    response = client.post("/admin/login/", b"--", content_type="multipart/form-data")

    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"

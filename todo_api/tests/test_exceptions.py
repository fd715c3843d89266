"""Exceptions of views, middleware and the database, and requests that reach no view."""

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

from todo_api.tests.problems import assert_problem
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


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST"])
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
def test_an_exception_of_a_view_is_a_problem_without_its_message(anonymous, configured, kind, name, status, code):
    with configured(ROOT_URLCONF=__name__):
        response = anonymous.get(f"/{kind}/{name}")

    assert_problem(response, status, code)
    assert not any(word in response.content.decode() for word in ("SELECT", "Traceback", "Error:", ".py"))


@pytest.mark.parametrize("path", ["/plain/bug", "/views/bug"])
def test_an_unexpected_exception_is_logged_with_traceback_and_request_id(anonymous, configured, caplog, path):
    with configured(ROOT_URLCONF=__name__), caplog.at_level(logging.ERROR):
        response = anonymous.get(path)

    [record] = caplog.records
    assert record.exc_info[1] is RAISED["bug"]
    assert record.exc_info[2] is not None
    assert record.request_id == response["X-Request-ID"]


@pytest.mark.parametrize(
    ("name", "status", "code"), [("bug", 500, "internal_error"), ("operational", 503, "database_unavailable")]
)
def test_an_exception_of_middleware_is_a_problem_too(anonymous, configured, settings, caplog, name, status, code):
    middleware = [*settings.MIDDLEWARE, f"{__name__}.BrokenMiddleware"]

    with configured(MIDDLEWARE=middleware), caplog.at_level(logging.ERROR):
        response = anonymous.get(f"/{name}")

    assert_problem(response, status, code)
    assert INSIDE in caplog.text


@pytest.mark.parametrize("path", ["/plain/operational", "/views/operational", "/plain/interface"])
def test_a_lost_database_sends_retry_after(anonymous, configured, path):
    with configured(ROOT_URLCONF=__name__):
        response = anonymous.get(path)

    assert response["Retry-After"] == "1"


def test_a_database_that_refuses_connections_is_503(alice, unreachable_database):
    response = alice.get("/api/tasks")

    assert_problem(response, 503, "database_unavailable")
    assert response["Retry-After"] == "1"


def test_a_form_without_a_boundary_is_a_bad_request():
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["csrftoken"] = "x" * 32

    response = client.post("/admin/login/", b"--", content_type="multipart/form-data")

    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"


@pytest.mark.parametrize("path", ["/plain/bug", "/views/bug", "/plain/missing", "/views/operational"])
def test_debug_shows_no_more_than_production(anonymous, configured, path):
    with configured(ROOT_URLCONF=__name__, DEBUG=True):
        response = anonymous.get(path)

    assert response["Content-Type"] == "application/problem+json"
    assert not any(word in response.content.decode() for word in ("SELECT", "Traceback", "Error:", ".py"))

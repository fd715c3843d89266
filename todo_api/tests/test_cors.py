"""Cross-origin requests: which origins, which methods and headers, on errors of every layer."""

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from django.urls import path

from todo_api.urls import handler400, handler500  # noqa: F401  # for the URLconf below

ORIGIN = "http://localhost:3000"
FOREIGN = [
    "https://evil.example",
    "http://localhost:3001",
    "https://localhost:3000",
    "http://localhost:3000.evil.example",
]
EXPOSED = {"ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"}


def broken_view(request, name):
    raise {"bug": ZeroDivisionError(), "database": OperationalError(), "malformed": SuspiciousOperation()}[name]


class BrokenMiddleware:
    def __init__(self, get_response):
        pass

    def __call__(self, request):
        raise ZeroDivisionError


urlpatterns = [path("<name>", broken_view)]


def preflight(path, origin=ORIGIN, method="PUT", headers="authorization, content-type"):
    return Client().options(
        path,
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD=method,
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS=headers,
    )


def cors_headers(response):
    return {name for name in response.headers if name.lower().startswith("access-control-")}


def assert_readable(response):
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert set(response["Access-Control-Expose-Headers"].split(", ")) == EXPOSED


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://localhost"])
def test_the_origins_of_development_are_allowed(client, origin):
    assert client.get("/", HTTP_ORIGIN=origin)["Access-Control-Allow-Origin"] == origin


@pytest.mark.django_db
def test_an_allowed_origin_can_read_responses_and_their_headers(alice):
    response = alice.post(alice.tasks_url, {"title": "Buy milk"}, HTTP_ORIGIN=ORIGIN)

    assert response.status_code == 201
    assert_readable(response)


@pytest.mark.parametrize("origin", [*FOREIGN, "null", "nonsense"])
def test_another_origin_gets_no_cors_header(client, origin):
    response = client.get("/", HTTP_ORIGIN=origin)

    assert response.status_code == 200
    assert cors_headers(response) == set()


def test_a_request_without_origin_gets_no_cors_header(client):
    assert cors_headers(client.get("/")) == set()


@pytest.mark.parametrize("headers", [{"HTTP_ORIGIN": ORIGIN}, {"HTTP_ORIGIN": FOREIGN[0]}, {}])
def test_vary_contains_origin(client, headers):
    assert "origin" in client.get("/", **headers)["Vary"].lower()


# Without the `db` fixture a query fails.
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/tasks"),
        ("POST", "/api/alice/tasks"),
        ("PUT", "/api/bob/tasks/7"),
        ("PATCH", "/api/alice%00/tasks/7/complete"),
        ("DELETE", "/api/tasks/7"),
        ("HEAD", "/nothing"),
    ],
)
def test_a_preflight_needs_no_token_and_no_database(method, path):
    response = preflight(path, method=method)

    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert method in response["Access-Control-Allow-Methods"]


def test_a_preflight_lists_all_allowed_methods_and_headers():
    response = preflight("/api/tasks")

    methods, headers = response["Access-Control-Allow-Methods"], response["Access-Control-Allow-Headers"]
    assert set(methods.split(", ")) == {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"}
    assert {header.lower() for header in headers.split(", ")} == {
        "authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id",
    }  # fmt: skip
    assert response["Access-Control-Allow-Credentials"] == "true"


def test_a_preflight_may_be_cached():
    assert int(preflight("/api/tasks")["Access-Control-Max-Age"]) >= 600


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_preflight_of_another_origin_gets_no_cors_header(origin):
    assert cors_headers(preflight("/api/tasks", origin=origin)) == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/tasks", "{", 400),
        ("GET", "/api/bob/tasks", "", 403),
        ("GET", "/api/tasks/7", "", 404),
        ("GET", "/nothing", "", 404),
        ("GET", "/static/nothing.js", "", 404),
        ("FOO", "/api/tasks", "", 405),
        ("POST", "/api/tasks", "x" * 65_537, 413),
        ("POST", "/api/tasks", "{}", 422),
    ],
)
def test_an_error_has_cors_headers(alice, method, path, body, status):
    response = alice.generic(method, path, body, "application/json", HTTP_ORIGIN=ORIGIN)

    assert response.status_code == status
    assert_readable(response)


@pytest.mark.parametrize("token", [None, "x"])
def test_a_401_has_cors_headers(client_for, token):
    response = client_for(token=token).get("/api/tasks", HTTP_ORIGIN=ORIGIN)

    assert response.status_code == 401
    assert_readable(response)


def test_the_400_for_another_host_has_cors_headers(anonymous):
    response = anonymous.get("/", HTTP_ORIGIN=ORIGIN, HTTP_HOST="evil.example")

    assert response.status_code == 400
    assert_readable(response)


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json"])
def test_open_endpoints_have_cors_headers(client, path):
    assert_readable(client.get(path, HTTP_ORIGIN=ORIGIN))


@pytest.mark.parametrize(("name", "status"), [("bug", 500), ("database", 503), ("malformed", 400)])
def test_an_exception_of_a_view_has_cors_headers(anonymous, configured, name, status):
    with configured(ROOT_URLCONF=__name__):
        response = anonymous.get(f"/{name}", HTTP_ORIGIN=ORIGIN)

    assert response.status_code == status
    assert_readable(response)


def test_an_exception_of_middleware_has_cors_headers(anonymous, configured, settings):
    with configured(MIDDLEWARE=[*settings.MIDDLEWARE, f"{__name__}.BrokenMiddleware"]):
        response = anonymous.get("/", HTTP_ORIGIN=ORIGIN)

    assert response.status_code == 500
    assert_readable(response)


def test_the_admin_has_no_cors_headers(client):
    response = client.get("/admin/login/", headers={"origin": "http://localhost:3000"})

    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response

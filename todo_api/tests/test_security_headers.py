"""Which headers restrict what a browser does with a response."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

NOTHING = "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture
def browser():
    return Client(headers={"accept": "text/html"})


def policy(response):
    """The directives of Content-Security-Policy by name."""
    directives = (directive.split() for directive in response["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/admin/login/"])
def test_no_page_runs_scripts_from_elsewhere_or_inline(browser, path):
    directives = policy(browser.get(path))

    assert directives["default-src"] == {"'none'"}
    assert directives["script-src"] == {"'self'"}


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/admin/login/"])
def test_no_page_can_be_framed(browser, path):
    response = browser.get(path)

    assert policy(response)["frame-ancestors"] == {"'none'"}
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("path", "inline"), [("/", False), ("/admin/login/", False), ("/docs", False), ("/redoc", True)]
)
def test_only_redoc_has_inline_styles(browser, path, inline):
    assert ("'unsafe-inline'" in policy(browser.get(path))["style-src"]) == inline


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/nothing", "/api/tasks", "/favicon.ico"])
def test_what_is_no_page_may_load_nothing(anonymous, path):
    assert anonymous.get(path)["Content-Security-Policy"] == NOTHING


@pytest.mark.django_db
def test_a_list_of_tasks_may_load_nothing(alice):
    assert alice.get("/api/tasks")["Content-Security-Policy"] == NOTHING


@pytest.mark.django_db
def test_the_admin_has_the_policy_of_pages(client):
    client.force_login(User.objects.create_superuser("operator"))

    assert policy(client.get("/admin/tasks/task/"))["script-src"] == {"'self'"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Permitted-Cross-Domain-Policies", "none"),
    ],
)
def test_a_page_has_the_headers_of_owasps_list(browser, name, value):
    assert browser.get("/")[name] == value


def test_a_page_may_not_use_a_camera(browser):
    assert "camera=()" in browser.get("/")["Permissions-Policy"].split(", ")


@pytest.mark.parametrize(
    ("proto", "trusted", "hsts"), [("https", True, True), ("http", True, False), ("https", False, False)]
)
def test_https_is_demanded_behind_a_proxy_that_says_so(browser, configured, proto, trusted, hsts):
    proxy = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")} if trusted else {}
    with configured(SECURE_HSTS_SECONDS=31_536_000, **proxy):
        response = Client().get("/", HTTP_X_FORWARDED_PROTO=proto)

    assert ("Strict-Transport-Security" in response) == hsts

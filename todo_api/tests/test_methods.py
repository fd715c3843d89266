"""The addresses outside the API and the admin allow only GET and HEAD."""

import re

import pytest
from django.test import Client

from todo_api.tests.server import METRICS_TOKEN

PATHS = ["/", "/docs", "/redoc", "/openapi.json", "/favicon.ico", "/health", "/health/ready"]
BEARER = f"Bearer {METRICS_TOKEN}"


@pytest.fixture
def strict_client():
    """Django's test client, with the CSRF check, which is off by default."""
    return Client(enforce_csrf_checks=True)


def media_type(response):
    return re.search(rb"(?i)content-type: (.*)", response)[1]


def assert_method_not_allowed(response):
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", PATHS)
def test_a_post_is_a_405_problem(strict_client, path):
    assert_method_not_allowed(strict_client.post(path, headers={"Accept": "text/html"}))


@pytest.mark.parametrize("path", ["/", "/docs", "/health"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
def test_every_other_method_is_a_405_problem(strict_client, path, method):
    assert_method_not_allowed(strict_client.generic(method, path, headers={"Accept": "text/html"}))


@pytest.mark.parametrize("method", ["POST", "TRACE"])
def test_another_method_for_the_metrics_is_a_405_problem(strict_client, configured, method):
    with configured(METRICS_TOKEN=METRICS_TOKEN):
        assert_method_not_allowed(strict_client.generic(method, "/metrics", HTTP_AUTHORIZATION=BEARER))


@pytest.mark.parametrize(("token", "status"), [(METRICS_TOKEN, 401), ("", 404)])
def test_a_post_to_the_metrics_without_their_token_has_the_status_of_a_get(strict_client, configured, token, status):
    with configured(METRICS_TOKEN=token):
        assert strict_client.post("/metrics").status_code == strict_client.get("/metrics").status_code == status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [*PATHS, "/metrics"])
def test_head_is_get_without_the_body(server, path):
    request = f"{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {BEARER}\r\nConnection: close\r\n\r\n".encode()

    head, _, body = server.send(b"HEAD " + request).partition(b"\r\n\r\n")

    assert b" 200 OK" in head
    assert body == b""
    assert media_type(head) == media_type(server.send(b"GET " + request))

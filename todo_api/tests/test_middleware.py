"""Headers and cookies of the responses of all views."""

import re

import pytest
from django.test import Client

PATHS = ["/", "/health", "/docs", "/openapi.json", "/nothing", "/metrics", "/api/tasks", "/api/alice/tasks"]


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_a_new_request_id(anonymous, path):
    ids = {anonymous.get(path)["X-Request-ID"] for _ in range(2)}

    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


@pytest.mark.parametrize("name", [" ", "a\nb", "a\n", "\x00", "٣"])
def test_an_invalid_request_id_is_replaced(anonymous, name):
    assert re.fullmatch("[0-9a-f]{32}", anonymous.get("/", HTTP_X_REQUEST_ID=name)["X-Request-ID"])


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_nosniff(anonymous, path):
    assert anonymous.get(path)["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/tasks", "/api/alice/tasks"])
def test_the_api_sets_no_cookie_and_creates_no_session(alice, path, django_assert_num_queries):
    with django_assert_num_queries(1):
        response = alice.get(path)

    assert response.cookies == {}


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/nothing"])
def test_the_open_pages_create_no_session(anonymous, path):
    assert "sessionid" not in anonymous.get(path).cookies


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/tasks/", "/api/alice/tasks/"])
def test_a_slash_at_the_end_is_not_redirected(alice, path):
    assert alice.get(path).status_code == 200
    assert alice.post(path, {"title": "Buy milk"}).status_code == 201


@pytest.mark.django_db
def test_the_cookies_of_the_admin_are_secure():
    cookies = Client().get("/admin/login/").cookies

    assert cookies["csrftoken"]["secure"]


@pytest.mark.django_db
def test_the_admin_redirects_to_its_login():
    response = Client().get("/admin/")

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")

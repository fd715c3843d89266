"""The headers of every response about tasks, for successes and errors."""

import gzip
import re

import pytest

pytestmark = pytest.mark.django_db

REQUESTS = {
    200: ("GET", "/api/alice/tasks", b""),
    201: ("POST", "/api/alice/tasks", b'{"title": "Buy milk"}'),
    204: ("DELETE", "/api/alice/tasks/{id}", b""),
    400: ("POST", "/api/alice/tasks", b"{"),
    403: ("GET", "/api/bob/tasks", b""),
    404: ("GET", "/api/alice/tasks/0", b""),
    405: ("PUT", "/api/alice/tasks", b"{}"),
    413: ("POST", "/api/alice/tasks", b'"' + b"x" * 70_000 + b'"'),
    422: ("POST", "/api/alice/tasks", b"{}"),
}


@pytest.fixture(params=REQUESTS)
def response(request, alice, make_task):
    method, url, body = REQUESTS[request.param]
    response = alice.generic(method, url.format(id=make_task().id), body, "application/json")
    assert response.status_code == request.param
    return response


@pytest.fixture
def unauthorized(anonymous):
    return anonymous.get("/api/alice/tasks")


@pytest.fixture
def get_tasks(client, token_for):
    """`get_tasks(**headers)`: a response of Django's test client, because ApiClient cannot read compressed bodies."""

    def get(url="/api/alice/tasks", **headers):
        return client.get(url, headers={"Authorization": f"Bearer {token_for('alice')}", **headers})

    return get


def assert_it_is_private(response):
    assert response["Cache-Control"] == "private, no-cache"
    assert {name.strip() for name in response["Vary"].split(",")} == {"Authorization", "Origin", "Accept-Encoding"}


def test_a_response_is_private_and_must_be_revalidated(response):
    assert_it_is_private(response)


def test_a_response_to_an_anonymous_request_is_private_too(unauthorized):
    assert_it_is_private(unauthorized)


def test_a_response_has_its_content_type_and_nosniff(response):
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.get("Content-Type") == {200: "application/json", 201: "application/json", 204: None}.get(
        response.status_code, "application/problem+json"
    )


def test_a_response_has_a_new_request_id(response, unauthorized):
    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"])
    assert re.fullmatch("[0-9a-f]{32}", unauthorized["X-Request-ID"])
    assert response["X-Request-ID"] != unauthorized["X-Request-ID"]


def test_the_body_of_an_error_has_the_request_id(unauthorized):
    assert unauthorized.json()["request_id"] == unauthorized["X-Request-ID"]


@pytest.mark.parametrize("request_id", ["a", "trace-7.b_C", "x" * 128])
def test_a_valid_request_id_of_the_client_is_kept(alice, request_id):
    assert alice.get(alice.tasks_url, headers={"X-Request-ID": request_id})["X-Request-ID"] == request_id


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a b", "a\tb", "<script>", "é", "a/b", "a;b", "{}"])
def test_any_other_request_id_is_replaced(alice, request_id):
    response = alice.get(alice.tasks_url, headers={"X-Request-ID": request_id})

    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"])


def test_a_long_body_is_compressed_when_the_client_accepts_gzip(get_tasks, make_task):
    make_task(description="Milk " * 200)
    plain = get_tasks()

    response = get_tasks(**{"Accept-Encoding": "br, gzip"})

    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content) == plain.content
    assert len(response.content) < len(plain.content)
    assert_it_is_private(response)


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "br"}])
def test_a_long_body_is_not_compressed_unless_the_client_accepts_gzip(get_tasks, make_task, headers):
    make_task(description="Milk " * 200)

    response = get_tasks(**headers)

    assert "Content-Encoding" not in response
    assert response["Content-Length"] == str(len(response.content))
    assert_it_is_private(response)


def test_a_short_body_is_never_compressed(get_tasks):
    response = get_tasks(**{"Accept-Encoding": "gzip"})

    assert response.content == b"[]"
    assert "Content-Encoding" not in response


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("base", ["/api/alice/tasks", "/api/tasks"])
def test_location_is_the_address_of_the_new_task(alice, base, slash):
    response = alice.post(base + slash, {"title": "Buy milk"})

    assert response["Location"] == f"http://testserver{base}/{response.json()['id']}"


def test_no_cookie_is_set(response):
    assert "Set-Cookie" not in response
    assert not response.cookies

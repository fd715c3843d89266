"""The only place of a token is the Authorization header."""

import pytest
from rest_framework.exceptions import AuthenticationFailed

from todo_api.identity.authentication import BetterAuthAuthentication

OTHER_SCHEMES = [
    b"", b"  \t ", b"Bearer", b"Bearer ", b"Basic YWxpY2U6c2VjcmV0", b"Basic a.b.c", b'Digest username="alice"',
    b"Token a.b.c", b"JWT a.b.c", b"BearerX a.b.c", b"a.b.c", b"Bearera.b.c", b"Bearer\xa0a.b.c", b'"Bearer" a.b.c',
    b"Basic YWxpY2U6,Bearer a.b.c",
]  # fmt: skip
TOO_MANY_PARTS = [
    b"Bearer a.b.c a.b.c", b"Bearer token a.b.c", b'Bearer a.b.c realm="api"', b"Bearer a.b.c,Bearer a.b.c",
    b"Bearer a.b.c, Bearer a.b.c", b"Bearer a.b.c,Basic YWxpY2U6",
]  # fmt: skip


@pytest.mark.parametrize("header", OTHER_SCHEMES)
def test_a_header_without_a_bearer_token_has_no_token(header):
    assert BetterAuthAuthentication().get_raw_token(header) is None


@pytest.mark.parametrize("header", TOO_MANY_PARTS)
def test_a_bearer_header_of_more_than_two_parts_is_refused(header):
    with pytest.raises(AuthenticationFailed, match=r"it has spaces in it$") as refused:
        BetterAuthAuthentication().get_raw_token(header)

    assert refused.value.get_codes() == "token_invalid"


@pytest.mark.parametrize("header", [b"Bearer a.b.c", b"bearer a.b.c", b"BEARER a.b.c", b" \tbEaReR \t a.b.c\t"])
def test_the_scheme_is_matched_in_any_case_and_with_any_white_space(header):
    assert BetterAuthAuthentication().get_raw_token(header) == b"a.b.c"


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_accepted_with_its_scheme_in_any_case(anonymous, token_for, scheme):
    response = anonymous.get("/api/alice/tasks", HTTP_AUTHORIZATION=f"{scheme} {token_for()}")

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "Authorization"])
def test_a_token_in_the_query_string_is_ignored(anonymous, token_for, name):
    response = anonymous.get("/api/alice/tasks", {name: token_for()}, QUERY_STRING=f"{name}=Bearer%20{token_for()}")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("name", ["token", "Authorization", "better-auth.session_token", "sessionid"])
def test_a_token_in_a_cookie_is_ignored(anonymous, token_for, name):
    anonymous.cookies[name] = token_for()

    response = anonymous.get("/api/alice/tasks")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("format", ["json", "multipart"])
@pytest.mark.parametrize("name", ["token", "access_token", "Authorization"])
def test_a_token_in_the_body_is_ignored(anonymous, token_for, name, format):
    response = anonymous.post("/api/alice/tasks", {"title": "Buy milk", name: token_for()}, format=format)

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("name", ["HTTP_X_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_X_FORWARDED_USER"])
def test_a_token_in_another_header_is_ignored(anonymous, token_for, name):
    response = anonymous.get("/api/alice/tasks", **{name: f"Bearer {token_for()}"})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("path", ["/api/tasks", "/api/alice/tasks", "/api/admin/tasks"])
def test_an_operators_session_is_ignored(admin_client, django_assert_num_queries, path):
    with django_assert_num_queries(0):
        response = admin_client.get(path)

    assert admin_client.cookies["sessionid"].value
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_an_operators_session_gives_no_right_beyond_the_token(admin_client, token_for, make_task):
    make_task(user_id="bob")
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token_for('alice')}"}

    assert admin_client.get("/api/bob/tasks", **bearer).status_code == 403
    assert admin_client.get("/api/tasks", **bearer).json() == []


@pytest.mark.parametrize("second", ["Bearer {}", "bearer {}", "Basic YWxpY2U6", "Bearer"])
def test_two_authorization_headers_are_refused_by_the_server(server, token_for, second):
    response = server.send(
        f"GET /api/alice/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {token_for()}\r\nAuthorization: {second.format(token_for())}\r\n\r\n".encode()
    )

    assert response.startswith(b"HTTP/1.1 401 ")
    assert b'error="invalid_token"' in response


@pytest.mark.parametrize("value", [b"Bearer \xff\xfe", "Bearer é".encode(), b"\xc3\xa9 abc", b"Bearer a.\x80.c"])
def test_bytes_that_are_not_ascii_are_refused_by_the_server(server, value):
    response = server.send(
        b"GET /api/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: " + value + b"\r\n\r\n"
    )

    assert response.startswith(b"HTTP/1.1 401 ")


def test_options_without_preflight_headers_needs_a_token(anonymous):
    assert anonymous.options("/api/alice/tasks").status_code == 401

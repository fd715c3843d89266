"""gunicorn: the log, headers that are not trusted, and the stop."""

import pytest

from todo_api.tests.server import ERRORS, METRICS_TOKEN, Server
from todo_api.tests.tokens import make_token

needs_database = pytest.mark.django_db(transaction=True)


@needs_database
def test_the_log_contains_the_request_without_its_token_and_query(server):
    token = make_token("alice")

    server.get("/api/tasks?search=secret", Authorization=f"Bearer {token}", **{"X-Request-ID": "a-request-of-alice"})

    server.wait_until(lambda: "a-request-of-alice" in server.log)
    [entry] = [entry for entry in server.entries if entry.get("request_id") == "a-request-of-alice"]
    assert entry["message"] == "GET /api/tasks 200"
    assert entry.keys() == {
        "time", "level", "logger", "message", "request_id",
        "method", "route", "status", "milliseconds", "bytes", "client", "user_id",
    }  # fmt: skip
    assert "secret" not in server.log
    assert token not in server.log


def test_a_path_cannot_forge_a_line_of_the_log(server):
    server.get("/%0A%7B%22level%22:%22forged%22%7D", **{"X-Request-ID": "a-forged-path"})

    server.wait_until(lambda: "a-forged-path" in server.log)
    assert 'forged"' not in server.log


def test_every_line_of_the_log_is_json(server):
    server.wait_until(lambda: "Booting worker" in server.log)

    assert [line for line in server.log.splitlines() if not line.startswith("{")] == []


def test_a_response_does_not_contain_the_version_of_the_server(server):
    response = server.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    assert response.startswith(b"HTTP/1.1 200 ")
    assert b"gunicorn/" not in response


def test_sigterm_stops_it_without_errors_in_the_log(tmp_path):
    server = Server(tmp_path, METRICS_TOKEN=METRICS_TOKEN)

    assert server.stop() == 0
    assert not ERRORS.search(server.log)


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /elsewhere", "X-Forwarded-Proto: https", "X-Forwarded-Protocol: ssl"])
def test_forwarded_headers_of_loopback_are_not_trusted(server, header):
    request = f"GET /docs HTTP/1.1\r\nHost: localhost\r\n{header}\r\nConnection: close\r\n\r\n"

    response = server.send(request.encode())

    assert response.startswith(b"HTTP/1.1 200 ")
    assert b"/elsewhere" not in response
    assert b"Strict-Transport-Security" not in response


def test_a_header_with_an_underscore_does_not_replace_one_with_a_hyphen(server):
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    request += b"X-Request-ID: of-the-proxy\r\nX_Request_ID: of-the-client\r\n\r\n"

    response = server.send(request)

    assert b"x-request-id: of-the-proxy\r\n" in response.lower()
    assert b"of-the-client" not in response


@pytest.mark.django_db(transaction=True)
def test_the_scheme_of_a_client_is_not_used(server, token_for):
    body = b'{"title": "Buy milk"}'
    head = f"POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token_for('carol')}\r\n"
    head += f"X-Forwarded-Proto: https\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"

    response = server.send(head.encode() + b"Connection: close\r\n\r\n" + body)

    assert b"Location: http://localhost" in response


@needs_database
@pytest.mark.parametrize(
    "request_line",
    ["POST /?q=%s", "POST /admin/login/?q=%s", "GET /nothing/%s", "GET /api/tasks?search=%s", "GET /api/%s/tasks"],
)
def test_no_line_of_the_log_holds_what_a_client_wrote(server, request_line):
    form = "title=hush-hush&csrfmiddlewaretoken=hush-hush"
    head = f"{request_line % 'hush-hush'} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-ID: a-form\r\n"
    head += "Authorization: Bearer hush-hush\r\nReferer: http://localhost/hush-hush\r\nCookie: csrftoken=hush-hush\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
    before = len(server.log)

    server.send(head.encode())

    server.wait_until(lambda: "a-form" in server.log[before:])
    assert "hush-hush" not in server.log

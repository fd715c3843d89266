"""gunicorn: malformed requests, the log, and the stop."""

import gzip
import re

import pytest

from tasks.models import Task
from todo_api.tests.server import METRICS_TOKEN, Server
from todo_api.tests.tokens import make_token

needs_database = pytest.mark.django_db(transaction=True)

TASK = b'{"title": "Buy milk"}'
ERRORS = re.compile(r'Traceback|"level":"ERROR"|\[ERROR\]|\[CRITICAL\]')


def post(*headers, body=b""):
    """Return the bytes of a POST of alice, after which the server closes the connection."""
    lines = (
        b"POST /api/tasks HTTP/1.1",
        b"Host: localhost",
        b"Connection: close",
        b"Content-Type: application/json",
        f"Authorization: Bearer {make_token('alice')}".encode(),
        *headers,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*chunks):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def status(response):
    return int(response.split(b" ", 2)[1])


@needs_database
def test_a_task_is_created(server):
    response = server.send(post(b"Content-Length: %d" % len(TASK), body=TASK))

    assert status(response) == 201
    assert Task.objects.get().title == "Buy milk"


@needs_database
def test_a_chunked_body_is_read(server):
    response = server.send(post(b"Transfer-Encoding: chunked", body=chunked(TASK[:7], TASK[7:])))

    assert status(response) == 201
    assert Task.objects.get().title == "Buy milk"


def test_a_transfer_encoding_of_gzip_is_400(server):
    body = chunked(gzip.compress(TASK))

    response = server.send(post(b"Transfer-Encoding: gzip, chunked", body=body))

    assert status(response) == 400
    assert b"parse_error" in response


def test_a_chunked_body_over_the_limit_is_413(server):
    response = server.send(post(b"Transfer-Encoding: chunked", body=chunked(*[b" " * 1024] * 65)))

    assert status(response) == 413
    assert b"payload_too_large" in response


def test_a_body_without_a_content_type_is_415(server):
    request = post(b"Content-Length: %d" % len(TASK), body=TASK).replace(b"Content-Type: application/json\r\n", b"")

    response = server.send(request)

    assert status(response) == 415


def test_a_header_line_over_the_limit_is_431(server):
    response = server.send(post(b"X-Long: " + b"x" * 9000, b"Content-Length: 0"))

    assert status(response) == 431


def test_a_request_line_over_the_limit_is_414(server):
    response = server.send(b"GET /?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert status(response) == 414


# Requests that two servers could read differently. `send` returns only when the connection is closed.
MALFORMED = {
    "a negative length": (b"Content-Length: -1",),
    "a length with a sign": (b"Content-Length: +21",),
    "a length of no digits": (b"Content-Length: x",),
    "two lengths": (b"Content-Length: 21", b"Content-Length: 22"),
    "a length beside chunks": (b"Content-Length: 21", b"Transfer-Encoding: chunked"),
    "an unknown transfer encoding": (b"Transfer-Encoding: nonsense",),
    "chunks within chunks": (b"Transfer-Encoding: chunked, chunked",),
    "a header without a colon": (b"Nonsense", b"Content-Length: 21"),
    "a space before the colon": (b"Content-Length : 21",),
    "two hosts": (b"Host: evil.example", b"Content-Length: 21"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_and_the_connection_closed(server, name):
    request = post(*MALFORMED[name], body=TASK).replace(b"Connection: close\r\n", b"")

    response = server.send(request)

    assert status(response) in (400, 501)


@needs_database
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"x\r\n" + TASK + b"\r\n0\r\n\r\n", id="a size of no digits"),
        pytest.param(b"-1\r\n" + TASK + b"\r\n0\r\n\r\n", id="a negative size"),
        pytest.param(b"5\r\n" + TASK + b"\r\n0\r\n\r\n", id="a size too small"),
        pytest.param(b"\r\n" + TASK + b"\r\n0\r\n\r\n", id="no size"),
    ],
)
def test_a_bad_chunk_is_400_and_the_connection_closed(server, body):
    before = len(ERRORS.findall(server.log))
    request = post(b"Transfer-Encoding: chunked", body=body).replace(b"Connection: close\r\n", b"")

    response = server.send(request)

    assert status(response) == 400
    assert not Task.objects.exists()
    assert len(ERRORS.findall(server.log)) == before


@needs_database
@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"Content-Length: 21", TASK[:10]),
        (b"Content-Length: 22", TASK),
        (b"Content-Length: 21", b""),
        (b"Transfer-Encoding: chunked", b"15\r\n" + TASK[:10]),
        (b"Transfer-Encoding: chunked", b"15\r\n" + TASK + b"\r\n"),
        (b"Transfer-Encoding: chunked", b""),
    ],
)
def test_a_client_that_disconnects_within_a_body_writes_nothing(server, header, body):
    before = len(server.log)

    response = server.send(post(header, body=body), disconnect=True)

    assert not Task.objects.exists()
    assert not response.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))
    assert not ERRORS.search(server.log[before:])


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


def test_a_response_does_not_contain_the_version_of_the_server(server):
    response = server.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    assert status(response) == 200
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

"""What only the real gunicorn shows: what is wrong below the level of HTTP requests, its log and its end."""

import gzip
import re

import pytest

from tasks.models import Task
from todo_api.tests.server import METRICS_TOKEN, Server
from todo_api.tests.tokens import make_token

on_the_database = pytest.mark.django_db(transaction=True)

TASK = b'{"title": "Buy milk"}'
TRACES = re.compile(r'Traceback|"level":"ERROR"|\[ERROR\]|\[CRITICAL\]')


def post(*headers, body=b""):
    """A POST of alice's, byte by byte; the connection is closed after it."""
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


def status(answer):
    return int(answer.split(b" ", 2)[1])


@on_the_database
def test_a_task_travels_through_all_of_it(server):
    answer = server.send(post(b"Content-Length: %d" % len(TASK), body=TASK))

    assert status(answer) == 201
    assert Task.objects.get().title == "Buy milk"


@on_the_database
def test_a_chunked_body_is_read(server):
    answer = server.send(post(b"Transfer-Encoding: chunked", body=chunked(TASK[:7], TASK[7:])))

    assert status(answer) == 201
    assert Task.objects.get().title == "Buy milk"


def test_a_body_that_is_compressed_on_the_way_is_not_taken_for_none(server):
    body = chunked(gzip.compress(TASK))

    answer = server.send(post(b"Transfer-Encoding: gzip, chunked", body=body))

    assert status(answer) == 400
    assert b"parse_error" in answer


def test_a_chunked_body_over_the_limit_is_413(server):
    answer = server.send(post(b"Transfer-Encoding: chunked", body=chunked(*[b" " * 1024] * 65)))

    assert status(answer) == 413
    assert b"payload_too_large" in answer


def test_a_body_without_a_content_type_is_415(server):
    request = post(b"Content-Length: %d" % len(TASK), body=TASK).replace(b"Content-Type: application/json\r\n", b"")

    answer = server.send(request)

    assert status(answer) == 415


def test_a_header_line_over_the_limit_is_431(server):
    answer = server.send(post(b"X-Long: " + b"x" * 9000, b"Content-Length: 0"))

    assert status(answer) == 431


def test_a_request_line_over_the_limit_is_414(server):
    answer = server.send(b"GET /?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert status(answer) == 414


# What two servers could read differently; `send` returns because the connection is closed.
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

    answer = server.send(request)

    assert status(answer) in (400, 501)


@on_the_database
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
    before = len(TRACES.findall(server.log))
    request = post(b"Transfer-Encoding: chunked", body=body).replace(b"Connection: close\r\n", b"")

    answer = server.send(request)

    assert status(answer) == 400
    assert not Task.objects.exists()
    assert len(TRACES.findall(server.log)) == before


@on_the_database
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
def test_a_client_that_leaves_in_the_middle_of_a_body_writes_nothing(server, header, body):
    before = len(server.log)

    answer = server.send(post(header, body=body), leave=True)

    assert not Task.objects.exists()
    assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))
    assert not TRACES.search(server.log[before:])


@on_the_database
def test_the_log_names_the_request_and_no_token_and_no_query(server):
    token = make_token("alice")

    server.get("/api/tasks?search=secret", Authorization=f"Bearer {token}", **{"X-Request-ID": "a-request-of-alice"})

    server.wait_until(lambda: "a-request-of-alice" in server.log)
    [entry] = [entry for entry in server.entries if entry.get("request_id") == "a-request-of-alice"]
    assert entry["message"] == "GET /api/tasks 200"
    assert {"time", "level", "logger", "message", "request_id", "status", "milliseconds"} <= entry.keys()
    assert "secret" not in server.log
    assert token not in server.log


def test_a_forged_line_of_the_log_stays_one_line(server):
    server.get("/%0A%7B%22level%22:%22forged%22%7D")

    server.wait_until(lambda: "forged" in server.log)
    assert not any(entry.get("level") == "forged" for entry in server.entries)


def test_the_answer_says_little_of_the_server(server):
    answer = server.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    assert status(answer) == 200
    assert b"gunicorn/" not in answer


def test_sigterm_ends_it_without_a_trace(tmp_path):
    server = Server(tmp_path, METRICS_TOKEN=METRICS_TOKEN)

    assert server.stop() == 0
    assert not TRACES.search(server.log)

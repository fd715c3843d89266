"""Bytes on a connection: what is not well-formed HTTP gets one problem and the end of the connection.

A server that reads such bytes in another way than a proxy before it takes part of one request for the next one.
"""

import gzip
import json
import re

import pytest

from tasks.models import Task
from todo_api.tests.server import ERRORS
from todo_api.tests.tokens import make_token
from todo_api.titles import TITLES

TOKEN = b"<the token>"
TASK = b'{"title": "Buy milk"}'
LENGTH = b"Content-Length: %d" % len(TASK)
CHUNKED = b"Transfer-Encoding: chunked"
AUTHORIZED = b"Authorization: Bearer " + TOKEN
CODES = {
    400: "parse_error",
    414: "uri_too_long",
    417: "expectation_failed",
    431: "headers_too_large",
    501: "not_implemented",
}


def lines(*parts):
    return b"\r\n".join(parts) + b"\r\n\r\n"


def get(*headers, line=b"GET /api/tasks HTTP/1.1"):
    return lines(line, b"Host: localhost", AUTHORIZED, *headers)


def post(*headers, body=TASK, line=b"POST /api/tasks HTTP/1.1"):
    return lines(line, b"Host: localhost", b"Content-Type: application/json", AUTHORIZED, *headers) + body


def chunked(*chunks, trailer=b"", line=b"POST /api/tasks HTTP/1.1"):
    """Return a POST whose body is these chunks. A pair is a chunk with another size than its own."""
    sized = [chunk if isinstance(chunk, tuple) else (b"%x" % len(chunk), chunk) for chunk in chunks]
    body = b"".join(b"%s\r\n%s\r\n" % pair for pair in sized) + b"0\r\n" + trailer + b"\r\n"
    return post(CHUNKED, body=body, line=line)


def line(text):
    return get(line=text)


CLOSE = get(b"Connection: close")  # the last request of a connection
HIDDEN = lines(b"GET /health HTTP/1.1", b"Host: localhost")  # a request within a body


def hiding(*headers, times=1, line=b"POST /api/tasks HTTP/1.1"):
    """Return a request that is refused, with others in its body."""
    return post(b"Content-Length: %d" % (times * len(HIDDEN)), *headers, body=times * HIDDEN, line=line)


REQUEST_LINES = {
    "only line ends": (b"\r\n\r\n", 400),
    "one word": (lines(TOKEN), 400),
    "HTTP/0.9": (b"GET /health\r\n\r\n", 400),
    "two spaces": (line(b"GET  /health HTTP/1.1"), 400),
    "a space at the end": (line(b"GET /health HTTP/1.1 "), 400),
    "a space in the path": (line(b"GET /health x HTTP/1.1"), 400),
    "a tab for a space": (line(b"GET\t/health HTTP/1.1"), 400),
    "a method in small letters": (line(b"get /health HTTP/1.1"), 400),
    "a method of 21 letters": (line(b"X" * 21 + b" /health HTTP/1.1"), 400),
    "a method that is no token": (line(b"GE(T /health HTTP/1.1"), 400),
    "a path without a slash": (line(b"GET health HTTP/1.1"), 400),
    "an asterisk that is not for OPTIONS": (line(b"GET * HTTP/1.1"), 400),
    "a host without a scheme": (line(b"GET localhost:80 HTTP/1.1"), 400),
    "an address with a broken host": (line(b"GET http://[::1/health HTTP/1.1"), 400),
    "bytes that are not ASCII": (line(b"GET /?q=\xc3\xa9" + TOKEN + b" HTTP/1.1"), 400),
    "NUL in the path": (line(b"GET /health\x00 HTTP/1.1"), 400),
    "a carriage return in the path": (line(b"GET /health\r HTTP/1.1"), 400),
    "HTTP/2.0": (line(b"GET /health HTTP/2.0"), 400),
    "HTTP/9.1": (line(b"GET /?" + TOKEN + b" HTTP/9.1"), 400),
    "HTTP/1.10": (line(b"GET /health HTTP/1.10"), 400),
    "http/1.1": (line(b"GET /health http/1.1"), 400),
    "8,191 bytes": (line(b"GET /?%s HTTP/1.1" % (b"x" * (8191 - len(b"GET /? HTTP/1.1")))), 414),
    "9,000 bytes without an end": (b"GET /?" + TOKEN + b"x" * 9000, 414),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a TLS hello with a line feed": (b"\x16\x03\x01\x00\xf1\x01\x00\x00\xed\x03\x03\n" + b"\x7f" * 233, 400),
    "the PROXY protocol": (b"PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n" + CLOSE, 400),
    "the PROXY protocol, version 2": (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12) + CLOSE, 400),
    "another protocol": (b"*1\r\n$4\r\nPING\r\n", 400),
}
HEADERS = {
    "no Host in HTTP/1.1": (lines(b"GET /api/tasks HTTP/1.1", AUTHORIZED), 400),
    "two Hosts": (get(b"Host: elsewhere.example"), 400),
    "two media types": (post(LENGTH, b"Content-Type: text/plain"), 400),
    "no colon": (get(b"Authorization Bearer " + TOKEN), 400),
    "no name": (get(b": x"), 400),
    "a space before the colon": (post(b"Content-Length : 21"), 400),
    "a space in the name": (get(b"X Y: x"), 400),
    "a name that is no token": (get(b"X(Y): x"), 400),
    "a name that is not ASCII": (get(b"X-\xc3\xa9: x"), 400),
    "a folded line": (get(b"X-Folded: x", b" y"), 400),
    "a line that begins with a space": (lines(b"GET /health HTTP/1.1", b" Host: localhost"), 400),
    "a bare line feed": (get(b"X: x\nContent-Length: 21"), 400),
    "bare line feeds only": (b"GET /health HTTP/1.1\nHost: localhost\n\n", 400),
    "a bare carriage return": (get(b"X: x\rContent-Length: 21"), 400),
    "NUL": (get(b"X: \x00"), 400),
    "a control character": (get(b"X: \x1b"), 400),
    "DEL": (get(b"X: \x7f"), 400),
    "9,000 bytes in a line": (get(b"X-Long: " + TOKEN + b"x" * 9000), 431),
    "9,000 bytes without an end": (lines(b"GET /health HTTP/1.1")[:-2] + b"X-Long: " + b"x" * 1_000_000, 431),
    "101 lines": (lines(b"GET /health HTTP/1.1", b"Host: localhost", *[b"X: x"] * 100), 431),
    "an unknown expectation": (post(LENGTH, b"Expect: " + TOKEN), 417),
}
LENGTHS = {
    "negative": (post(b"Content-Length: -1"), 400),
    "a sign": (post(b"Content-Length: +21"), 400),
    "no digits": (post(b"Content-Length: x"), 400),
    "hexadecimal": (post(b"Content-Length: 0x15"), 400),
    "a fraction": (post(b"Content-Length: 21.0"), 400),
    "an underscore": (post(b"Content-Length: 2_1"), 400),
    "a superscript": (post(b"Content-Length: 2\xb2"), 400),
    "empty": (post(b"Content-Length:"), 400),
    "5,000 digits": (post(b"Content-Length: " + b"9" * 5000), 400),
    "a list": (post(b"Content-Length: 21, 21"), 400),
    "two": (post(LENGTH, b"Content-Length: 22"), 400),
    "two equal ones": (post(LENGTH, LENGTH), 400),
    "a length before chunks": (post(LENGTH, CHUNKED), 400),
    "a length after chunks": (post(CHUNKED, LENGTH), 400),
    "a length of zero beside chunks": (post(b"Content-Length: 0", CHUNKED), 400),
}
CODINGS = {
    "unknown": (post(b"Transfer-Encoding: nonsense"), 501),
    "unknown before chunks": (post(b"Transfer-Encoding: nonsense, chunked"), 501),
    "almost chunked": (post(b"Transfer-Encoding: xchunked"), 501),
    "chunked in quotes": (post(b'Transfer-Encoding: "chunked"'), 501),
    "a vertical tab": (post(b"Transfer-Encoding: \x0bchunked"), 400),
    "empty": (post(b"Transfer-Encoding:"), 501),
    "identity": (post(b"Transfer-Encoding: identity", LENGTH), 400),
    "compressed without chunks": (post(b"Transfer-Encoding: gzip", LENGTH), 400),
    "compressed after chunks": (post(b"Transfer-Encoding: chunked, gzip"), 400),
    "chunks within chunks": (post(b"Transfer-Encoding: chunked, chunked"), 400),
    "chunked twice": (post(CHUNKED, CHUNKED), 400),
    "chunks in HTTP/1.0": (chunked(TASK, line=b"POST /api/tasks HTTP/1.0"), 400),
}
CHUNKS = {
    "no digits": (chunked((b"x", TASK)), 400),
    "negative": (chunked((b"-15", TASK)), 400),
    "a sign": (chunked((b"+15", TASK)), 400),
    "a prefix": (chunked((b"0x15", TASK)), 400),
    "an underscore": (chunked((b"1_5", TASK)), 400),
    "a space before it": (chunked((b" 15", TASK)), 400),
    "a space after it": (chunked((b"15 ", TASK)), 400),
    "none": (chunked((b"", TASK)), 400),
    "too small": (chunked((b"5", TASK)), 400),
    "too large by one": (chunked((b"16", TASK)), 400),
    "a bare line feed after it": (post(CHUNKED, body=b"15\n" + TASK + b"\r\n0\r\n\r\n"), 400),
    "an extension that is no token": (chunked((b"15;a b", TASK)), 400),
    "an extension with a line feed": (chunked((b"15;a=\nb", TASK)), 400),
    "an extension of 9,000 bytes": (post(CHUNKED, body=b"15;a=" + b"x" * 9000), 400),
    "a length in the trailer": (chunked(TASK, trailer=b"Content-Length: 5\r\n"), 400),
    "a token in the trailer": (chunked(TASK, trailer=b"Authorization: Bearer x\r\n"), 400),
    "a trailer without a colon": (chunked(TASK, trailer=b"Nonsense\r\n"), 400),
    "a bare line feed in the trailer": (chunked(TASK, trailer=b"X: x\nY: y\r\n"), 400),
}
TABLES = {
    "the request line": REQUEST_LINES,
    "a header": HEADERS,
    "the length": LENGTHS,
    "the coding": CODINGS,
    "the size of a chunk": CHUNKS,
}
REFUSED = {f"{part}: {name}": row for part, table in TABLES.items() for name, row in table.items()}

# name -> the bytes, and the statuses of all responses until the server closes the connection
CONVERSATIONS = {
    "a request": (CLOSE, [200]),
    "an empty line before the request": (b"\r\n" + CLOSE, [200]),
    "an absolute address": (get(b"Connection: close", line=b"GET http://localhost/api/tasks HTTP/1.1"), [200]),
    "a request line of 8,190 bytes": (
        get(b"Connection: close", line=b"GET /?%s HTTP/1.1" % (b"x" * (8190 - len(b"GET /? HTTP/1.1")))),
        [200],
    ),
    "100 headers": (lines(b"GET /health HTTP/1.1", b"Host: localhost", b"Connection: close", *[b"X: x"] * 98), [200]),
    "a header that is not ASCII": (get(b"X: \xe9", b"Connection: close"), [200]),
    "HTTP/1.0 without a Host": (lines(b"GET /health HTTP/1.0"), [200]),
    "HTTP/1.0 that asks to stay open": (
        lines(b"GET /health HTTP/1.0", b"Connection: keep-alive") + lines(b"GET /health HTTP/1.0"),
        [200],
    ),
    "an asterisk": (get(b"Connection: close", line=b"OPTIONS * HTTP/1.1"), [404]),
    "a tunnel": (get(line=b"CONNECT localhost:80 HTTP/1.1") + CLOSE, [404]),
    "two requests at once": (get() + CLOSE, [200, 200]),
    "a HEAD before a GET": (get(line=b"HEAD /api/tasks HTTP/1.1") + CLOSE, [200, 200]),
    "a 304 before a 200": (get(b"If-None-Match: *") + CLOSE, [304, 200]),
    "a body before a request": (post(LENGTH) + CLOSE, [201, 200]),
    "chunks before a request": (chunked(TASK[:7], TASK[7:]) + CLOSE, [201, 200]),
    "chunked in capitals": (chunked(TASK).replace(CHUNKED, CHUNKED.upper()) + CLOSE, [201, 200]),
    "an extension and a trailer": (chunked((b'15;a="b"', TASK), trailer=b"X-Sum: 1\r\n") + CLOSE, [201, 200]),
    "no length": (post(body=b"") + CLOSE, [422, 200]),
    "a length of zero": (post(b"Content-Length: 0", body=b"") + CLOSE, [422, 200]),
    "a body without a length is no body": (post(body=TASK + b"\r\n"), [422, 400]),
    "a coding in a header with an underscore": (post(b"Transfer_Encoding: chunked", body=b"") + CLOSE, [422, 200]),
    "the body of a 400 is no request": (hiding() + CLOSE, [400, 200]),
    "the body of a 401 is no request": (hiding().replace(TOKEN, b"x") + CLOSE, [401, 200]),
    "the body of a 404 is no request": (hiding(line=b"POST /nothing HTTP/1.1") + CLOSE, [404, 200]),
    "the body of a 405 is no request": (hiding(line=b"PUT /api/tasks HTTP/1.1") + CLOSE, [405, 200]),
    "the body of a 413 is no request": (
        hiding(times=2000) + CLOSE,
        [413, 200],
    ),
    "the body of a 415 is no request": (hiding(b"Content-Encoding: gzip") + CLOSE, [415, 200]),
    "the body of a GET is no request": (hiding(line=b"GET /api/tasks HTTP/1.1") + CLOSE, [200, 200]),
    "more than 64 KiB in chunks": (chunked(*[b" " * 1024] * 65) + CLOSE, [413, 200]),
    "a malformed chunk after 64 KiB": (chunked(*[b" " * 1024] * 70, (b"zz", TASK)) + CLOSE, [413]),
    "a compressed body in chunks": (
        post(b"Transfer-Encoding: gzip, chunked", body=chunked(gzip.compress(TASK)).partition(b"\r\n\r\n")[2]),
        [400],
    ),
    "a client that waits to be asked for the body": (post(LENGTH, b"Expect: 100-continue") + CLOSE, [100, 201, 200]),
    "an expectation in HTTP/1.0": (
        post(LENGTH, b"Expect: 100-continue", line=b"POST /api/tasks HTTP/1.0"),
        [201],
    ),
    "a request after a refused one": (get(b"Nonsense") + CLOSE, [400]),
    "a request after the last one": (CLOSE + CLOSE, [200]),
}
# Bytes after which the client ends the connection.
CUT_OFF = {
    "nothing": b"",
    "half a request line": b"POST /api/ta",
    "half a header": post(LENGTH).partition(b"Content-Type")[0],
    "headers without an end": post(LENGTH, body=b"")[:-2],
    "half a body": post(LENGTH, body=TASK[:10]),
    "a body without its last byte": post(b"Content-Length: 22"),
    "no body": post(LENGTH, body=b""),
    "an expectation and no body": post(LENGTH, b"Expect: 100-continue", body=b""),
    "half a chunk": post(CHUNKED, body=b"15\r\n" + TASK[:10]),
    "no last chunk": post(CHUNKED, body=b"15\r\n" + TASK + b"\r\n"),
    "no end after the last chunk": post(CHUNKED, body=b"15\r\n" + TASK + b"\r\n0\r\n"),
    "half a trailer": post(CHUNKED, body=b"15\r\n" + TASK + b"\r\n0\r\nX: "),
    "no chunk": post(CHUNKED, body=b""),
    "a chunk of 2**68 bytes": post(CHUNKED, body=b"1" + b"0" * 17 + b"\r\n" + TASK),
    "a TLS hello": b"\x16\x03\x01\x00\xf1\x01\x00\x00\xed\x03\x03" + b"\x7f" * 234,
}


@pytest.fixture
def send(server):
    """`send(data)`: send bytes with the token of alice, and return all bytes until the server closes the connection."""
    return lambda data, **how: server.send(data.replace(TOKEN, make_token("alice").encode()), **how)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", REFUSED)
def test_malformed_bytes_get_one_problem_and_the_end_of_the_connection(server, name):
    request, status = REFUSED[name]
    before, token = len(server.log), make_token("alice")

    head, _, body = server.send(request.replace(TOKEN, token.encode())).partition(b"\r\n\r\n")

    problem = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {status} {TITLES[status]}\r\n".encode())
    assert (problem["status"], problem["code"], problem["title"]) == (status, CODES[status], TITLES[status])
    assert problem.keys() == {"status", "title", "code", "detail", "request_id"}
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert f"\r\nX-Request-ID: {problem['request_id']}\r\n".encode() in head
    assert not Task.objects.exists()
    server.wait_until(lambda: problem["request_id"] in server.log)
    [entry] = [entry for entry in server.entries if entry.get("request_id") == problem["request_id"]]
    assert (entry["level"], entry["client"], entry["status"]) == ("WARNING", "127.0.0.1", status)
    assert not ERRORS.search(server.log[before:])
    assert token not in server.log


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_each_request_gets_its_response(send, name):
    data, statuses = CONVERSATIONS[name]

    received = send(data)

    assert [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z]", received)] == statuses


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["disconnect", "reset"])
@pytest.mark.parametrize("name", CUT_OFF)
def test_a_client_that_leaves_writes_nothing_and_is_no_error(server, send, name, how):
    before = len(server.log)

    response = send(CUT_OFF[name], **{how: True})

    server.wait_for_the_log()
    assert not Task.objects.exists()
    assert not ERRORS.search(server.log[before:])
    if how == "disconnect":  # a client that resets reads nothing
        assert not response.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))

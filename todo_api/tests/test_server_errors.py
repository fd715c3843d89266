"""What gunicorn refuses before the application sees it: problem+json, an id, and one JSON line without secrets."""

import json

import pytest

from todo_api.titles import TITLES

SECRET = b"a-secret-of-the-client"
HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
REFUSED = {
    "a header line without a colon": (HEAD + b"Authorization Bearer " + SECRET + b"\r\n\r\n", 400, "parse_error"),
    "a request line that is not ASCII": (b"GET /?q=\xe9" + SECRET + b" HTTP/1.1\r\n\r\n", 400, "parse_error"),
    "a request line of one word": (SECRET + b"\r\n\r\n", 400, "parse_error"),
    "an unknown version": (b"GET /?" + SECRET + b" HTTP/9.1\r\n\r\n", 400, "parse_error"),
    "a request line over the limit": (b"GET /?" + SECRET + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
    "a header over the limit": (HEAD + b"X-Long: " + SECRET + b"x" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
    "an unknown coding": (HEAD + b"Transfer-Encoding: nonsense, chunked\r\n\r\n", 501, "not_implemented"),
    "an unknown expectation": (HEAD + b"Expect: " + SECRET + b"\r\n\r\n", 417, "expectation_failed"),
    "a length beside chunks": (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "parse_error"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_problem_with_an_id_and_one_line_of_the_log(server, name):
    request, status, code = REFUSED[name]

    head, _, body = server.send(request).partition(b"\r\n\r\n")
    problem = json.loads(body)

    assert int(head.split()[1]) == problem["status"] == status
    assert problem.keys() == {"status", "title", "code", "detail", "request_id"}
    assert (problem["code"], problem["title"]) == (code, TITLES[status])
    assert b"Content-Type: application/problem+json" in head
    assert f"X-Request-ID: {problem['request_id']}".encode() in head
    server.wait_until(lambda: problem["request_id"] in server.log)
    [line] = [entry for entry in server.entries if entry["request_id"] == problem["request_id"]]
    assert line["client"] == "127.0.0.1"
    assert line["status"] == status


def test_no_secret_of_a_refused_request_is_logged(server):
    for request, *_ in REFUSED.values():
        server.send(request)

    assert SECRET.decode() not in server.log


def test_titles_are_those_of_rfc_9110_on_every_python(server):
    request, *_ = REFUSED["a request line over the limit"]

    assert server.send(request).startswith(b"HTTP/1.1 414 URI Too Long\r\n")


def test_every_line_of_the_log_is_json(server):
    server.wait_until(lambda: "Booting worker" in server.log)

    assert [line for line in server.log.splitlines() if not line.startswith("{")] == []

"""A reader of the log that stalls, with the real gunicorn."""

import http.client
import json
import os
import re
import select
from contextlib import contextmanager

from todo_api.log_queue import pieces
from todo_api.tests.server import Server

REQUESTS = 2000
DROPPED = re.compile(r"^(\d+) log lines were dropped")


@contextmanager
def unread_log(folder):
    """A pipe as the log of a Server in this folder; yields a function that returns what was written since."""
    os.mkfifo(folder / "gunicorn.log")
    reader = os.open(folder / "gunicorn.log", os.O_RDONLY | os.O_NONBLOCK)

    def lines_until(pattern):
        data = b""
        while not pattern.search(data):
            assert select.select([reader], [], [], 10)[0], data[-1000:]
            data += os.read(reader, 1 << 20)
        return [json.loads(line) for line in data[: data.rindex(b"\n")].splitlines()]

    try:
        yield lines_until
    finally:
        os.close(reader)


def ask_for_health(server, times):
    """Return the set of the statuses of so many requests on one connection."""
    client, statuses = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10), set()
    for _ in range(times):
        client.request("GET", "/health")
        response = client.getresponse()
        response.read()
        statuses.add(response.status)
    client.close()
    return statuses


def test_a_reader_of_the_log_that_stalls_delays_no_request(tmp_path):
    with unread_log(tmp_path) as lines_until:
        server = Server(tmp_path)
        statuses = ask_for_health(server, REQUESTS)
        entries = lines_until(re.compile(rb"lines were dropped.*\n"))
        server.stop()

    dropped = [int(found[1]) for entry in entries if (found := DROPPED.search(entry["message"]))]
    assert statuses == {200}
    assert len(dropped) == 1
    assert len(entries) + sum(dropped) >= REQUESTS


def test_the_last_lines_are_written_at_the_end(tmp_path):
    server = Server(tmp_path)
    ask_for_health(server, 50)
    server.stop()

    assert sum(entry["message"] == "GET /health 200" for entry in server.entries) >= 50
    assert "Shutting down: Master" in server.log


def test_lines_are_joined_up_to_what_a_pipe_takes_as_one():
    joined = list(pieces([b"a" * 3000, b"b" * 1000, b"c" * 1000, b"d" * 9000]))

    assert [len(piece) for piece in joined] == [4000, 1000, 9000]

"""Streamed responses: exports of gunicorn to clients that read slowly, and their end."""

import gzip
import http.client
import json
import socket
import time
import tracemalloc
from contextlib import contextmanager
from itertools import islice

import pytest
from django.db import connection

from tasks.export import FORMATS
from tasks.statements import OwnedTasks
from todo_api.postgresql import time_limit
from todo_api.tests.server import Server, database_of_the_tests
from todo_api.tests.tokens import make_token

NUMBERS = {
    "postgresql": "generate_series(1, %s)",
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) SELECT i FROM n)",
}
MANY = 3000  # of six kilobytes: more than the kernel keeps for a client that does not read


def insert(count, description):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tasks (user_id, title, description) SELECT 'alice', 'A task', %s"
            f" FROM {NUMBERS[connection.vendor]}",
            [description, count],
        )


@pytest.fixture
def many_tasks(transactional_db):
    insert(MANY, "x" * 6000)
    connection.close()


@pytest.fixture
def start(tmp_path, transactional_db):
    """`start(DB_POOL_SIZE="1")`: gunicorn with the tests' database."""
    servers = []

    def start(**variables):
        servers.append(Server(tmp_path, DATABASE_URL=database_of_the_tests(), **variables))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@contextmanager
def slow_export(server, version="1.1", **headers):
    """A client that has read the begin of an export. Yield its connection and what it has read."""
    lines = {"Host": "localhost", "Authorization": f"Bearer {make_token('alice')}"} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", server.port))
        client.sendall(f"GET /api/tasks/export HTTP/{version}\r\n{head}\r\n".encode())
        begin = client.recv(1000)
        assert b" 200 OK\r\n" in begin
        yield client, begin


@contextmanager
def missing_table():
    """No statement on tasks succeeds."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tasks RENAME TO hidden")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE hidden RENAME TO tasks")


def rest(client):
    """Return what the client still gets, and whether the server ended the connection with a reset."""
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        return received, True
    return received, False


def log_line(server, **members):
    """Return the log entry of the last export that has these members, as soon as there is one."""
    found = []

    def is_there():
        exports = [entry for entry in server.entries if entry.get("route", "").endswith("/export")]
        found[:] = [entry for entry in exports if members.items() <= entry.items()]
        return found

    server.wait_until(is_there)
    return found[-1]


def test_an_error_in_the_middle_ends_the_connection_without_the_end_of_the_body(start, many_tasks):
    server = start()

    with slow_export(server) as (client, begin), missing_table():
        received, _ = rest(client)

    assert b"Transfer-Encoding: chunked" in begin
    assert len(received) > 1_000_000
    assert not received.endswith(b"0\r\n\r\n")
    assert log_line(server)["cut"] is True
    assert "database_unavailable" in server.log
    assert "Traceback" not in server.log


def test_a_client_of_http_1_0_gets_a_reset(start, many_tasks):
    server = start()

    with slow_export(server, version="1.0") as (client, begin), missing_table():
        _, is_reset = rest(client)

    assert b"chunked" not in begin
    assert is_reset


def test_a_client_library_takes_no_part_for_the_whole(start, many_tasks):
    server = start()
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    client.request("GET", "/api/tasks/export?format=csv", headers={"Authorization": f"Bearer {make_token('alice')}"})
    response = client.getresponse()
    with missing_table(), pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        response.read()
    client.close()


def peak(name, pages):
    """Return the bytes of memory that so many pages of an export need."""
    tracemalloc.start()
    assert sum(1 for _ in islice(FORMATS[name].chunks("alice"), pages)) == pages
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.django_db(transaction=True)
def test_twenty_pages_need_no_more_memory_than_two():
    for _ in range(20):  # each its own transaction: the trigger's counter is written for each task
        insert(1000, "Milk, eggs, bread")

    assert peak("json", 20) < 1.3 * peak("json", 2)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pool")
def test_slow_readers_hold_no_database_connection(start, many_tasks):
    server = start(DB_POOL_SIZE="1")

    with slow_export(server), slow_export(server), slow_export(server):
        status, _ = server.get("/api/tasks?limit=1", Authorization=f"Bearer {make_token('alice')}")

    assert status == 200


def test_an_export_is_in_work_until_its_end(start, many_tasks):
    server = start(USER_CONCURRENCY="1")

    def status():
        return server.get("/api/tasks?limit=1", Authorization=f"Bearer {make_token('alice')}")[0]

    with slow_export(server):
        assert status() == 429
    server.wait_until(lambda: status() == 200)

    assert log_line(server)["cut"] is True


@pytest.mark.django_db(transaction=True)
def test_the_log_has_the_bytes_and_the_time_of_the_whole_stream(server, make_task):
    make_task()

    headers = {"Authorization": f"Bearer {make_token('alice')}", "X-Request-ID": "a-whole-export"}
    status, body = server.get("/api/tasks/export", **headers)

    entry = log_line(server, request_id="a-whole-export")  # other tests export from this server too
    assert (status, entry["bytes"], "cut" in entry) == (200, len(body.encode()), False)
    assert entry["user_id"] == "alice"


def test_a_stream_is_compressed(start, many_tasks):
    server = start()
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    begin = time.perf_counter()

    client.request(
        "GET",
        "/api/tasks/export",
        headers={"Authorization": f"Bearer {make_token('alice')}", "Accept-Encoding": "gzip"},
    )
    response = client.getresponse()
    body = response.read()

    assert response.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(body))) == MANY
    entry = log_line(server)
    assert entry["bytes"] == len(body)
    assert 0 < entry["milliseconds"] < (time.perf_counter() - begin) * 1000
    client.close()


def test_each_page_has_its_own_time_limit(alice, make_task, monkeypatch):
    limits, select = [], OwnedTasks.select
    monkeypatch.setattr("tasks.export.BATCH", 1)
    monkeypatch.setattr(OwnedTasks, "select", lambda *args: limits.append(time_limit._end.get()) or select(*args))
    make_task()
    make_task()

    alice.get("/api/tasks/export")

    assert len(limits) == len(set(limits)) == 3
    assert None not in limits

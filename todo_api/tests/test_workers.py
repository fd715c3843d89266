"""What one worker does while a request waits, with the real gunicorn and one worker process."""

import gc
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import gevent
import pytest
from django.db import connection, connections, transaction
from gunicorn.workers.ggevent import GeventWorker

from conftest import make_token
from todo_api.clients import HEADERS, Connection
from todo_api.postgresql.base import DatabaseWrapper
from todo_api.tests.server import Server, database_of_the_tests
from todo_api.workers import Worker, discard_database_wrappers

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no locked rows")
CSRF = "a" * 32
GET_SIGN_IN = b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
GET_HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def in_background(count, call):
    """`call` in so many threads, which are waited for."""
    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(timeout=20)


def delete(server, task, token):
    """Return the status of a DELETE. It waits while another session has locked the row."""
    head = f"DELETE /api/tasks/{task.id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    return server.send(head.encode() + b"Connection: close\r\n\r\n")[9:12]


def seconds_for(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def test_the_worker_in_use(server):
    assert "Using worker: todo_api.workers.Worker" in server.log


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_waiting_statement_does_not_delay_other_requests(server, make_task):
    task, token = make_task(user_id="alice"), make_token("alice")
    statuses = []

    with ExitStack() as stack, transaction.atomic():
        type(task).objects.select_for_update().get(pk=task.pk)
        stack.enter_context(in_background(1, lambda: statuses.append(delete(server, task, token))))
        time.sleep(1)
        others = [seconds_for(lambda: server.get("/health")) for _ in range(5)]
        read, _ = server.get("/api/tasks", Authorization=f"Bearer {token}")

    assert statuses == [b"204"]
    assert max(others) < 2
    assert read == 200


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_requests_beyond_the_pool_get_503_and_the_worker_responds(server, make_task):
    task, token = make_task(user_id="alice"), make_token("alice")
    statuses = []

    with ExitStack() as stack, transaction.atomic():
        type(task).objects.select_for_update().get(pk=task.pk)
        stack.enter_context(in_background(12, lambda: statuses.append(delete(server, task, token))))
        time.sleep(3)
        health = seconds_for(lambda: server.get("/health"))

    assert health < 0.9
    assert sorted(statuses) == [b"204"] + [b"404"] * 7 + [b"503"] * 4


def sign_in(server):
    """Return the status of a sign-in with a wrong password, which takes some tenths of a second of CPU time."""
    form = f"csrfmiddlewaretoken={CSRF}&username=operator&password=wrong"
    head = f"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={CSRF}\r\nConnection: close\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    return server.send((head + form).encode())[9:12]


@pytest.mark.django_db(transaction=True)
def test_a_check_of_a_password_does_not_delay_other_requests(server):
    server.send(GET_SIGN_IN)  # the first one imports the views of the admin
    with ThreadPoolExecutor(1) as pool:
        attempt, others = pool.submit(sign_in, server), 0
        while not attempt.done():
            server.get("/health")
            others += 1

    assert attempt.result() == b"200"
    assert others > 10


ENDLESS_BODIES = {
    "refused": (b"Content-Length: 1000000000000", b" " * 65_536),
    "in chunks": (b"Transfer-Encoding: chunked", (b"1;a=" + b"x" * 8000 + b"\r\n \r\n") * 8),
}


@pytest.mark.parametrize("name", ENDLESS_BODIES)
def test_a_body_that_comes_without_a_pause_does_not_delay_others(server, name):
    header, piece = ENDLESS_BODIES[name]
    stop = threading.Event()

    def flood():
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(b"POST /api/tasks HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n\r\n")
            while not stop.is_set():
                client.sendall(piece)

    with in_background(2, flood):
        others = [seconds_for(lambda: server.get("/health")) for _ in range(20)]
        stop.set()

    assert max(others) < 2


def test_200_silent_connections_do_not_delay_others(server):
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
        seconds = seconds_for(lambda: server.get("/health"))

    assert seconds < 5


def test_headers_that_trickle_are_cut(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=HEADERS + 10) as client:
        client.sendall(GET_HEALTH[:20])
        begin = time.monotonic()
        received = client.recv(100)

    assert received == b""
    assert HEADERS - 1 < time.monotonic() - begin < HEADERS + 5


def test_a_recycled_worker_does_not_turn_readiness(tmp_path, django_db_setup, transactional_db):
    server = Server(tmp_path, DATABASE_URL=database_of_the_tests(), DRAIN_SECONDS="5")
    try:
        server.process.send_signal(1)
        server.wait_until(lambda: "Worker exiting" in server.log)
        status, _ = server.get("/health/ready")
    finally:
        server.process.send_signal(2)
        server.process.wait(10)

    assert status == 200


def test_a_clients_connection_leaves_no_database_wrapper_in_memory():
    def serve():
        wrapper = weakref.ref(connections["default"])
        discard_database_wrappers()
        return wrapper

    gc.disable()
    try:
        with ThreadPoolExecutor(1) as thread:
            wrapper = thread.submit(serve).result()
        assert wrapper() is None
    finally:
        gc.enable()


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_pool_outlives_the_connection_of_the_client_that_came_first(monkeypatch):
    pools = {}
    monkeypatch.setattr(DatabaseWrapper, "_connection_pools", pools)

    def serve():
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
        discard_database_wrappers()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(serve).result()
    pools["default"].close()  # as after a fault: the next client opens a connection
    with ThreadPoolExecutor(1) as thread:
        thread.submit(serve).result()

    pools["default"].close()


class LateClient:
    """When it is cut, the other clients of the worker leave."""

    def __init__(self, worker):
        self.worker, self.cuts = worker, 0

    def is_late(self, now):
        return True

    def cut(self):
        assert self in self.worker.connections, "its socket is closed"
        self.cuts += 1
        gevent.spawn(self.worker.connections.intersection_update, [self])


def test_a_client_that_leaves_while_others_are_cut_does_not_end_the_worker():
    worker = Worker.__new__(Worker)
    worker.notify, worker.alive = (lambda: None), False
    clients = [LateClient(worker), LateClient(worker)]
    worker.connections = set(clients)

    worker.watch(0)

    assert sum(client.cuts for client in clients) == 1


class UnfinishedBody:
    """A body whose rest the client still sends."""

    def read(self, size):
        pytest.fail("the worker waits again for a client that was cut")


def test_the_rest_of_a_body_is_not_awaited_after_the_client_was_cut(monkeypatch):
    monkeypatch.setattr(GeventWorker, "handle_request", lambda worker, name, req, sock, addr: sock.cut())
    request = SimpleNamespace(version=(1, 1), headers=[("HOST", "localhost")], body=UnfinishedBody())
    server, client = socket.socketpair()

    with client, Connection(server.family, server.type, fileno=server.detach()) as connection:
        with pytest.raises(StopIteration):  # gunicorn closes the connection
            Worker.__new__(Worker).handle_request(None, request, connection, None)
        connection.closing = True

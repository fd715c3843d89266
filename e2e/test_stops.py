"""Stops under load, counted: sent, answered by status, refused, lost."""

import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter

import pytest

from e2e.processes import SECRET, Service, wait_until
from e2e.proxies import nginx
from todo_api.tests.tokens import make_token

REQUESTS = int(os.environ.get("ROLLING_REQUESTS", "2000"))

pytestmark = pytest.mark.timeout(180)


class Load:
    """Clients that ask one after the other until they are stopped; what became of each request is counted."""

    def __init__(self, port, clients=8, keep_alive=True):
        self.port, self.keep_alive = port, keep_alive
        self.counts, self.running = Counter(), True
        token = make_token("alice", secret=SECRET)
        close = "" if keep_alive else "Connection: close\r\n"
        head = f"GET /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{close}\r\n"
        self.request = head.encode()
        self.threads = [threading.Thread(target=self.client) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.running = False
        for thread in self.threads:
            thread.join(20)
        print(dict(self.counts))

    def client(self):
        connection = None
        while self.running:
            try:
                connection = connection or socket.create_connection(("127.0.0.1", self.port), timeout=20)
                outcome, stays_open = self.ask(connection)
            except ConnectionRefusedError:
                outcome, stays_open = "refused", False
                time.sleep(0.05)
            except ConnectionError as error:
                outcome, stays_open = type(error).__name__, False
            self.counts[outcome] += 1
            if connection and not stays_open:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def ask(self, connection):
        connection.sendall(self.request)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith((b"[]", b"}", b"</html>\r\n")):
            received = connection.recv(65536)
            if not received:
                return "closed without a response", False
            answer += received
        return answer[9:12].decode(), b"connection: close" not in answer.lower()

    @property
    def sent(self):
        return sum(self.counts.values())


def end(service, number=signal.SIGTERM):
    """Signal the master alone, as a container's runtime does, and wait."""
    service.process.send_signal(number)
    return service.process.wait(30)


@pytest.mark.parametrize("keep_alive", [True, False])
def test_sigterm_under_load_resets_no_connection(start, database_url, keep_alive):
    service = start(Service, DATABASE_URL=database_url, DRAIN_SECONDS="2", WEB_CONCURRENCY="2")

    with Load(service.port, keep_alive=keep_alive) as load:
        time.sleep(1)
        before = load.counts["200"]
        assert end(service) == 0
        time.sleep(0.5)

    assert load.counts["200"] > before
    assert load.counts.keys() == {"200", "refused"}


def test_after_sigterm_readiness_is_503_and_requests_are_answered(start, database_url):
    service = start(Service, DATABASE_URL=database_url, DRAIN_SECONDS="5")
    before = service.call("", "GET", "/health/ready").status_code

    service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "Handling signal: term" in service.log, 2)
    ready, health = (service.call("", "GET", path) for path in ("/health/ready", "/health"))

    assert (before, ready.status_code, health.status_code) == (200, 503, 200)
    assert ready.json()["failed"] == "stopping"
    assert health.headers["Connection"] == "close"
    assert service.process.wait(20) == 0


def test_a_reload_under_load_fails_no_request(start, database_url):
    service = start(Service, DATABASE_URL=database_url, WEB_CONCURRENCY="2")

    with Load(service.port) as load:
        time.sleep(1)
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: service.log.count("Worker exiting") == 2)
        time.sleep(1)

    assert load.counts.keys() == {"200"}


@pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx")
def test_a_rolling_restart_behind_nginx_fails_no_request(start, database_url, tmp_path):
    services = [start(Service, DATABASE_URL=database_url, DRAIN_SECONDS="2") for _ in range(2)]

    with nginx(tmp_path, [service.port for service in services]) as port, Load(port) as load:
        while load.sent < REQUESTS:
            for service in services:
                time.sleep(1)
                end(service)
                service.start()

    assert load.counts.keys() == {"200"}

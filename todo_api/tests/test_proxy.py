"""The proxies of compose.yaml and compose.tls.yaml in front of the real service."""

import http.client
import json
import shutil
import socket
import subprocess
import time
from contextlib import closing, contextmanager

import pytest
from django.conf import settings

from todo_api.tests.server import Server, free_port
from todo_api.tests.test_compose import services
from todo_api.tests.tokens import make_token

ALICE = {"Authorization": f"Bearer {make_token('alice')}"}


class Proxy:
    """A process that listens on a port."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self.listens():
            assert time.monotonic() < deadline

    def listens(self):
        with closing(socket.socket()) as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def request(self, method, path, body=None, **headers):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as client:
            client.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = client.getresponse()
            return response, response.read()

    def stop(self):
        self.process.terminate()
        self.process.wait()


@contextmanager
def nginx(folder, service):
    """nginx with the file of compose.yaml; only addresses and folders differ."""
    port, pid = free_port(), folder / "nginx.pid"
    text = (settings.BASE_DIR / "deploy/nginx.conf").read_text()
    for old, new in {
        "service:8000": f"127.0.0.1:{service}",
        "listen 80": f"listen {port}",
        "/run/nginx.pid": f"{pid}",
    }.items():
        assert old in text
        text = text.replace(old, new)
    config = folder / "nginx.conf"
    config.write_text(text)
    subprocess.run(["nginx", "-t", "-q", "-e", "stderr", "-c", config], check=True, capture_output=True)
    proxy = Proxy(["nginx", "-e", "stderr", "-g", "daemon off;", "-c", config], port)
    try:
        yield proxy
    finally:
        proxy.stop()


pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), TRUSTED_PROXIES="1", RATE_LIMIT_ANON="2/day")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, server):
    with nginx(tmp_path_factory.mktemp("nginx"), server.port) as proxy:
        yield proxy


def test_a_request_reaches_the_service_with_its_id_and_its_host(proxy):
    response, body = proxy.request("GET", "/health", X_Request_ID="0123456789abcdef", Host="tasks.example.com")

    assert (response.status, json.loads(body)["status"]) == (200, "ok")
    assert response.headers.get_all("X-Request-ID") == ["0123456789abcdef"]


def test_the_service_knows_the_address_of_the_client(proxy):
    """A client that makes up an address does not get a limit of its own."""
    statuses = [proxy.request("GET", "/api/tasks", X_Forwarded_For=f"10.0.0.{n}")[0].status for n in range(3)]

    assert statuses == [401, 401, 429]


def test_an_error_of_the_service_passes_unchanged(proxy):
    response, body = proxy.request("POST", "/api/tasks", b"x" * 70_000, Content_Type="application/json", **ALICE)

    assert response.status == 413
    assert json.loads(body)["code"] == "payload_too_large"


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET / HTTP/1.1", "", 400),
        (f"GET /{'x' * 20_000} HTTP/1.1", "Host: x\r\n", 414),
        ("GET / HTTP/1.1", f"Host: x\r\nX: {'x' * 20_000}\r\n", 431),
        ("POST / HTTP/1.1", "Host: x\r\nContent-Length: 99999999\r\n", 413),
    ],
    ids=["no host", "long path", "long header", "large body"],
)
def test_an_error_of_nginx_is_a_problem(proxy, request_line, headers, status):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        client.sendall(f"{request_line}\r\n{headers}Connection: close\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).decode().partition("\r\n\r\n")

    problem = json.loads(body)
    assert (problem["status"], head.split()[1]) == (status, str(status))
    assert "Content-Type: application/problem+json" in head
    assert f"X-Request-ID: {problem['request_id']}" in head


def test_a_stopped_service_is_a_problem(tmp_path):
    with nginx(tmp_path, free_port()) as proxy:
        response, body = proxy.request("GET", "/health")

    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert json.loads(body)["code"] == "service_unavailable"


def test_an_incomplete_request_does_not_occupy_the_service(tmp_path):
    """Of two requests the service gets first the one that is complete."""
    with (
        socket.create_server(("127.0.0.1", 0)) as service,
        nginx(tmp_path, service.getsockname()[1]) as proxy,
        sending(proxy, "/slow", b"incompl"),
        sending(proxy, "/complete", b"complete"),
        service.accept()[0] as connection,
    ):
        assert connection.recv(65536).startswith(b"POST /complete ")


@contextmanager
def sending(proxy, path, body):
    """A request with the given part of a body of 8 bytes."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n".encode() + body)
        yield client


@pytest.mark.skipif(not shutil.which("caddy"), reason="Caddy is not installed")
def test_with_caddy_in_front_the_service_still_knows_the_client(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    tls, port = services("compose.tls.yaml")["tls"], free_port()
    variables = services("compose.tls.yaml")["service"]["environment"] | {
        "ALLOWED_HOSTS": "*",
        "CSRF_TRUSTED_ORIGINS": "",
    }
    server = Server(tmp_path, RATE_LIMIT_ANON="2/day", **variables)
    with nginx(tmp_path, server.port) as proxy:
        command = [part.replace("proxy:80", f"127.0.0.1:{proxy.port}") for part in tls["command"]]
        command[command.index("--from") + 1] = f"http://:{port}"
        caddy = Proxy(command, port)
        try:
            statuses = [caddy.request("GET", "/api/tasks", X_Forwarded_For=f"10.0.0.{n}")[0].status for n in range(3)]
        finally:
            caddy.stop()
            server.stop()

    assert statuses == [401, 401, 429]

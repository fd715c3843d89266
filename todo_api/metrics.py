"""Metrics for Prometheus, when METRICS_TOKEN is set: of this process, or of all processes that share a folder."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from rest_framework.exceptions import NotAuthenticated

from todo_api import metrics_files
from todo_api.exceptions import CODES
from todo_api.identity import authentication
from todo_api.methods import safe_only
from todo_api.postgresql import pool
from todo_api.routes import route_of

logger = logging.getLogger(__name__)

SAMPLE_EVERY = 1  # seconds
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FOLDER = metrics_files.usable(settings.METRICS_FOLDER) if settings.METRICS_TOKEN else ""  # read once
# Before the metrics below are made. Without this line the library reads the environment variable.
values.ValueClass = metrics_files.value_class(FOLDER) if FOLDER else values.MutexValue

registry = CollectorRegistry()
in_progress = Gauge("http_requests_in_progress", "Requests in work.", registry=registry, multiprocess_mode="livesum")
requests = Counter("http_requests", "Requests.", ["method", "route", "status"], registry=registry)
seconds_per_request = Histogram(
    "http_request_duration_seconds",
    "Seconds per request.",
    ["method", "route"],
    registry=registry,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
problems = Counter("http_problems", "Error responses by code.", ["code"], registry=registry)
for code in (*CODES.values(), "token_expired", "token_invalid", "identity_unavailable"):
    problems.labels(code)  # a counter that begins at 0, because increase() does not see the first value of a new one
key_set_loaded = Gauge(
    "key_set_loaded_timestamp_seconds",
    "When the newest key set was fetched.",
    ["algorithm"],
    registry=registry,
    multiprocess_mode="livemax",
)


connections = Gauge(
    "database_connections",
    "Database connections of the pools, and requests that wait for one.",
    ["state"],
    registry=registry,
    multiprocess_mode="livesum",
)


class Recorder:
    """Records requests. An error (no space for a file) costs no response; the first one of a process is logged."""

    def __init__(self) -> None:
        self.failed = False
        self.next_sample = 0.0

    def write(self, record: Callable[[], None]) -> bool:
        """Call `record`. Return whether it has succeeded."""
        try:
            record()
        except Exception as error:
            if not self.failed:
                logger.error("Metrics cannot be written: %s", error, exc_info=not isinstance(error, OSError))
            self.failed = True
            return False
        return True

    @contextmanager
    def in_work(self) -> Iterator[None]:
        """Count the request among those in work."""
        counted = bool(settings.METRICS_TOKEN) and self.write(in_progress.inc)
        if counted and (now := time.monotonic()) >= self.next_sample:
            self.next_sample = now + SAMPLE_EVERY
            self.write(sample)
        try:
            yield
        finally:
            if counted:
                self.write(in_progress.dec)

    def observe(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        if settings.METRICS_TOKEN:
            self.write(lambda: record(request, response, seconds))


def record(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Count a request."""
    method, route, status = labels(request, response)
    requests.labels(method, route, status).inc()
    seconds_per_request.labels(method, route).observe(seconds)
    if response.status_code >= 400:
        problems.labels(problem_code(response)).inc()


def sample() -> None:
    """Record what belongs to this process and to no request."""
    age = authentication.key_set_age()
    if age is not None:
        key_set_loaded.labels(settings.JWT_ALGORITHM).set(time.time() - age)
    for state, number in pool.usage().items():
        connections.labels(state).set(number)


def labels(request: HttpRequest, response: HttpResponseBase) -> tuple[str, str, str]:
    """Return the method, the route and the status. Ids and user ids never become labels, nor do the admin's pages."""
    route = route_of(request)
    method: Any = request.method
    return (
        method if method in METHODS else "other",
        "/admin" if route.startswith("/admin/") else route,
        str(response.status_code),
    )


def problem_code(response: Any) -> str:
    """Return the code of the problem. Outside of API views each status has one code."""
    data = getattr(response, "data", None)
    code = data.get("code") if isinstance(data, dict) else None
    return code or CODES.get(response.status_code, "other")


recorder = Recorder()


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the metrics as Prometheus text: 404 without METRICS_TOKEN, 401 without its token."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        raise NotAuthenticated("Metrics need the token of METRICS_TOKEN.")
    return _exposition(request)


@safe_only
def _exposition(request: HttpRequest) -> HttpResponse:
    source: Any = metrics_files.slots(FOLDER) if FOLDER else registry
    return HttpResponse(generate_latest(source), content_type=CONTENT_TYPE_LATEST)

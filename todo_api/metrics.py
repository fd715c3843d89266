"""Metrics for Prometheus, when METRICS_TOKEN is set."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.exceptions import NotAuthenticated

from todo_api.methods import safe_only

seconds_per_request = Histogram(
    "http_request_duration_seconds",
    "Seconds from the start of a request in the application to its response.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Observe one request under its route's pattern. Ids and user ids never become labels."""
    if settings.METRICS_TOKEN:
        route: Any = request.resolver_match
        method = request.method if request.method in METHODS else "other"
        labels = (method, route.route if route else "none", str(response.status_code))
        seconds_per_request.labels(*labels).observe(seconds)


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all workers as Prometheus text; 404 if METRICS_TOKEN is not set, 401 without this token."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        raise NotAuthenticated("Metrics need the token of METRICS_TOKEN.")
    return _exposition(request)


@safe_only
def _exposition(request: HttpRequest) -> HttpResponse:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

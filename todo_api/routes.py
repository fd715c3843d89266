"""The route of a request as the OpenAPI document writes it, for logs and metrics: `/api/tasks/{pk}`."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest
from rest_framework.schemas.generators import EndpointEnumerator

from todo_api.health import HEALTH_CHECKS

NO_ROUTE = "none"  # no such path, or a request that ended before its path was looked up


def route_of(request: HttpRequest) -> str:
    """Return the URL pattern of a request, without its ids."""
    match = request.resolver_match
    if match is None:
        return request.path_info if request.path_info in HEALTH_CHECKS else NO_ROUTE
    return template(match.route) if match.route or match.url_name else NO_ROUTE


@cache  # one entry per URL pattern
def template(route: str) -> str:
    """Return Django's pattern as a URI template."""
    path: str = EndpointEnumerator(patterns=[]).get_path_from_regex(route)
    return path.rstrip("/") or "/"

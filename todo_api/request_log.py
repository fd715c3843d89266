"""The request log: one line per request, with ids and no content."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from todo_api.identity.authentication import Caller
from todo_api.routes import route_of
from todo_api.throttling import client_address

logger = logging.getLogger("todo_api.request")

MAX_IDS = 50  # a longer line could mix with the line of another process
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def write(
    request: HttpRequest, response: HttpResponseBase, seconds: float, sent: int | None = None, *, cut: bool = False
) -> None:
    """Log a request. Its path and query are left out: they may hold a token or what a user searches for.

    A stream has `sent` bytes; `cut` says that it ended early.
    """
    method, route, status = request.method, route_of(request), response.status_code
    fields: dict[str, Any] = {
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 2),
        "bytes": size(request, response) if sent is None else sent,
        "client": client_address(request),
    }
    if cut:
        fields["cut"] = True
    caller: Any = getattr(request, "user", None)  # DRF sets it; the admin's is lazy and would need a query
    if type(caller) is Caller:
        fields["user_id"] = caller.user_id
    if method in WRITES and 200 <= status < 300 and (ids := written_ids(request, response)):
        fields |= {"ids": ids[:MAX_IDS], "tasks": len(ids)}
    logger.info("%s %s %d", method, route, status, extra=fields)


def size(request: HttpRequest, response: Any) -> int | None:
    """Return the length of the body; None for a stream of unknown length."""
    if request.method == "HEAD":
        return 0
    if response.streaming:
        length = response.headers.get("Content-Length")
        return int(length) if length else None
    return len(response.content)


def written_ids(request: HttpRequest, response: Any) -> list[Any]:
    """Return the ids of what was created, changed or deleted: from an API view's data, else from the path."""
    data = getattr(response, "data", None)
    if data:
        items = data if isinstance(data, list) else [data]
        return [item.get("id") if isinstance(item, dict) else item for item in items]
    key = request.resolver_match.kwargs.get("pk", "") if request.resolver_match else ""
    return [int(key) if key.isdigit() else key] if key else []

"""Errors of the server below the application: problem+json, and one JSON log line."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from gunicorn.glogging import Logger
from gunicorn.http import errors

from todo_api.log_queue import QueueHandler
from todo_api.logging import JsonFormatter, RequestFilter, set_request_id
from todo_api.titles import TITLES

logger = logging.getLogger("todo_api.server")

APPLICATION_ERRORS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    errors.LimitRequestLine: (414, "uri_too_long", "The request line is too long."),
    errors.LimitRequestHeaders: (431, "headers_too_large", "The request headers are too large."),
    errors.UnsupportedTransferCoding: (501, "not_implemented", "The transfer coding is not supported."),
    errors.ExpectationFailed: (417, "expectation_failed", "The expectation cannot be met."),
    errors.ForbiddenProxyRequest: (403, "forbidden", "The request is forbidden."),
}
MALFORMED = (400, "parse_error", "The request is malformed.")
BROKEN = (500, "internal_error", "Something unexpected went wrong. It has been logged.")


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn's own log lines as JSON."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if cfg.errorlog == "-":
            self.error_log.handlers = [QueueHandler()]
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
            handler.addFilter(RequestFilter())


def refusal(error: BaseException) -> tuple[int, str, str]:
    """Return status, code and detail for an exception that reached the server."""
    if not isinstance(error, errors.ParseException) or isinstance(error, APPLICATION_ERRORS):
        return BROKEN
    return next((answer for kind, answer in REFUSALS.items() if isinstance(error, kind)), MALFORMED)


def respond(error: BaseException, address: str, request_id: str) -> bytes:
    """Log the error's class and return the response. The error's message may hold a token or a query."""
    status, code, detail = refusal(error)
    set_request_id(request_id)
    logger.log(
        logging.ERROR if status == 500 else logging.WARNING,
        "%d %s: %s",
        status,
        code,
        type(error).__name__,
        extra={"status": status, "client": address},
        exc_info=error if status == 500 else None,
    )
    title = TITLES[status]
    problem = {"status": status, "title": title, "code": code, "detail": detail, "request_id": request_id}
    body = orjson.dumps(problem)
    head = (
        f"HTTP/1.1 {status} {title}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {request_id}\r\n"
        "X-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode() + body

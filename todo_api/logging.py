"""Log lines: which request they belong to, and their JSON shape."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from pythonjsonlogger.orjson import OrjsonFormatter

# What no line shows is not looked up for each ("Optimization" in Python's logging HOWTO).
logging._srcfile = None  # the caller's file and line
logging.logThreads = logging.logMultiprocessing = False

_request_id: ContextVar[str] = ContextVar("request_id", default="-")
set_request_id = _request_id.set
current_request_id = _request_id.get


class RequestFilter(logging.Filter):
    """Puts the id of the request at hand on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record."""
        record.request_id = current_request_id()
        return True


class JsonFormatter(OrjsonFormatter):
    """One JSON object per line: time, level, logger, message, request_id, and what `extra` holds."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """The line; the standard library writes what is no UTF-8, so that no line is lost."""
        try:
            return str(super().jsonify_log_record(log_data))
        except TypeError:
            return json.dumps(log_data, default=str)


def client_address(request: Any) -> str:
    """The address of the peer, or what the outermost of TRUSTED_PROXIES has seen as its own.

    Each proxy appends to X-Forwarded-For; what is further left than they reach is the client's own invention, and a
    shorter list has not come through all of them.
    """
    if proxies := settings.TRUSTED_PROXIES:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= proxies and (address := forwarded[-proxies].strip()):
            return str(address)
    return str(request.META.get("REMOTE_ADDR", ""))

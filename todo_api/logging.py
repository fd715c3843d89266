"""Django's LOGGING, the request id on log records, and the JSON format of log lines."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

_request_id: ContextVar[str] = ContextVar("request_id", default="-")
set_request_id = _request_id.set
current_request_id = _request_id.get


def log_config(level: str, formatter: str) -> dict[str, Any]:
    """Return LOGGING for a level, and the formatter json or text."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "todo_api.logging.RequestFilter"}},
        "formatters": {
            "json": {"()": "todo_api.logging.JsonFormatter"},
            "text": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s [%(request_id)s]"},
        },
        "handlers": {
            "console": {"class": "todo_api.log_queue.QueueHandler", "formatter": formatter, "filters": ["request"]}
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # The request log and exceptions.py log the same, with the request id.
            "django.request": {"level": "CRITICAL"},
            "django.security": {"level": "CRITICAL"},  # its messages hold the Host and Referer headers
            "axes": {"level": "WARNING"},  # failures alone
        },
    }


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exceptions that led to this one, the first one first."""
    if error:
        yield from chain(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
        yield error


def class_and_stack(error: BaseException) -> str:
    return f"{summary(error)}\n{''.join(traceback.format_tb(error.__traceback__))}"


def summary(error: BaseException) -> str:
    """Return the class and what PostgreSQL says about the error, without values of rows."""
    diagnosis = getattr(error if hasattr(error, "diag") else error.__cause__, "diag", None)
    parts = [type(error).__name__, getattr(diagnosis, "sqlstate", None), getattr(diagnosis, "constraint_name", None)]
    return " ".join(filter(None, parts))


class RequestFilter(logging.Filter):
    """Adds the id of the current request to each record. It drops no record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id()
        return True


class JsonFormatter(OrjsonFormatter):
    """One JSON object per line: time, level, logger, message, request_id, and the keys of `extra`."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
            reserved_attrs=[*RESERVED_ATTRS, "request"],  # Django's extra, whose text has the query string
        )

    def formatException(self, ei: Any) -> str:  # noqa: N802  # the standard library's name
        """Return classes and stacks. Messages are left out, because they can hold what users wrote."""
        return "\n".join(class_and_stack(error) for error in chain(ei[1]))

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Return the line. The standard library encodes what orjson refuses (lone surrogates), so no line is lost."""
        try:
            return str(super().jsonify_log_record(log_data))
        except TypeError:
            return json.dumps(log_data, default=str)

"""The request id on log records, and the JSON format of log lines."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

_request_id: ContextVar[str] = ContextVar("request_id", default="-")
set_request_id = _request_id.set
current_request_id = _request_id.get


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
        )

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Return the line. The standard library encodes what orjson refuses (lone surrogates), so no line is lost."""
        try:
            return str(super().jsonify_log_record(log_data))
        except TypeError:
            return json.dumps(log_data, default=str)

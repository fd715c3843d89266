"""The CPU time of a line of the log in µs, with Python's handler and with that of the service.

    .venv/bin/python -m benchmarks.log

Another process reads the pipe. Between two lines there is half a millisecond of work, as in a request. The time of all
threads counts.
"""

# isort: off
from gevent import monkey

monkey.patch_all(os=False, signal=False, subprocess=False)  # as gunicorn.conf.py does
# isort: on

# ruff: noqa: E402
import logging
import os
import time

from todo_api.log_queue import QueueHandler
from todo_api.logging import JsonFormatter, RequestFilter

LINES, RUNS = 500, 40
FIELDS = {"method": "GET", "route": "/api/tasks", "status": 200, "milliseconds": 1.2, "bytes": 123, "user_id": "alice"}


def read_standard_error() -> None:
    """Start a process that reads what is written to standard error."""
    reader, writer = os.pipe()
    if os.fork():
        os.dup2(writer, 2)
        os.close(writer)
        os.close(reader)
        return
    os.close(writer)
    os.close(2)
    while os.read(reader, 65536):
        pass
    os._exit(0)


def logger_with(handler: logging.Handler) -> logging.Logger:
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RequestFilter())
    logger = logging.getLogger(type(handler).__name__)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return logger


def microseconds(logger: logging.Logger | None) -> float:
    """Return the CPU time of one request."""
    begin = time.process_time()
    for _ in range(LINES):
        sum(range(20_000))
        if logger:
            logger.info("%s %s %d", "GET", "/api/tasks", 200, extra=FIELDS)
    return (time.process_time() - begin) / LINES * 1e6


if __name__ == "__main__":
    read_standard_error()
    loggers = {"no line": None, "Python's": logger_with(logging.StreamHandler()), "queue": logger_with(QueueHandler())}
    best = dict.fromkeys(loggers, float("inf"))
    for _ in range(RUNS):
        for name, logger in loggers.items():
            best[name] = min(best[name], microseconds(logger))
    for name, cost in best.items():
        print(f"{name:10} {cost - best['no line']:5.1f}")

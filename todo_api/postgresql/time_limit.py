"""How long the current request may wait for the database.

PostgreSQL's own statement_timeout does not help when the server hangs, when packets are lost, or behind a pooler that
refuses startup options.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_end: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let all waits for the database in this block end after so many seconds, with OperationalError."""
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def remaining_seconds() -> float | None:
    """Return the seconds that are left, None without a limit."""
    end = _end.get()
    return None if end is None else max(0, end - time.monotonic())

"""Connections whose waits end with the time limit of the request."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout

from todo_api.postgresql.time_limit import remaining_seconds

LEAST_TO_CONNECT = 1.5  # seconds; psycopg waits for a connection for 2 seconds at least


class Connection(psycopg.Connection[Any]):
    """A connection whose statements end with the time limit. It is not usable afterwards.

    `_pool` is the pool to which Django returns it; `expires_at` is a time of time.monotonic().
    """

    _pool: Any = None
    expires_at = 0.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, remaining_seconds() if timeout is None else timeout)


def connect(**params: Any) -> Connection:
    """Return a new connection. Connect twice when the server ends the first one early, as a server that stops does."""
    try:
        return connect_in_time(**params)
    except ConnectionTimeout:
        raise
    except psycopg.OperationalError:
        return connect_in_time(**params)


def connect_in_time(**params: Any) -> Connection:
    """Return a new connection. Raise ConnectionTimeout after `connect_timeout`, or when the time limit is near."""
    seconds = remaining_seconds()
    if seconds is not None:
        if seconds < LEAST_TO_CONNECT:
            raise ConnectionTimeout("the request has no time left to connect to the database")
        hosts = str(params.get("host", "")).count(",") + 1  # each one is tried for `connect_timeout`
        params["connect_timeout"] = min(int(params.get("connect_timeout", 0)) or seconds, seconds / hosts)
    return Connection.connect(**params)

"""Django's PostgreSQL backend with two things less per request: a round trip, and Python code per timestamp."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import adapters
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format, TransactionStatus

TIMESTAMPTZ = adapters.types["timestamptz"].oid


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend behind ENGINE = "todo_api.postgresql". See decision 6."""

    def is_usable(self) -> bool:
        """Whether the server still listens, asked of the socket in microseconds instead of the server.

        An idle connection on which something can be read has been closed by the server, or is about to be.
        """
        connection = self.connection
        if connection is None or connection.closed:
            return False
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN | select.POLLPRI)
        return not poll.poll(0)

    def get_connection_params(self) -> dict[str, Any]:
        """Django's parameters with psycopg's own loader of timestamps; connections are in UTC either way."""
        params: dict[str, Any] = super().get_connection_params()
        loader = adapters.get_loader(TIMESTAMPTZ, Format.TEXT)
        params["context"] = AdaptersMap(params["context"])
        params["context"].register_loader("timestamptz", loader)
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        """Django's cursors, without its slower loader, which its own version would put back."""
        if not name:
            return self.connection.cursor()
        server_side: Any = base.ServerSideCursor  # the stubs know it without its arguments
        return server_side(self.connection, name=name, scrollable=False, withhold=self.connection.autocommit)

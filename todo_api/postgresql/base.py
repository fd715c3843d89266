"""Django's PostgreSQL backend with a pool of connections and a time limit for each request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import adapters
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format

from todo_api.postgresql.connection import Connection, connect
from todo_api.postgresql.cursor import CallersCursor
from todo_api.postgresql.pool import Pool, is_usable, resolved

TIMESTAMPTZ = adapters.types["timestamptz"].oid


class DatabaseWrapper(base.DatabaseWrapper):
    """See docs/decisions/0006-one-statement-per-request.md."""

    @property
    def pool(self) -> Pool | None:
        """Return the process's pool for this database, as OPTIONS["pool"] describes it.

        Each connection is opened by the wrapper of the request that needs it: the wrapper that made the pool is emptied
        when its client leaves.
        """
        alias, options = self.alias, self.settings_dict["OPTIONS"].get("pool")
        if alias == NO_DB_ALIAS or not options:
            return None
        pools: dict[str, Pool] = self._connection_pools  # type: ignore[attr-defined]  # missing in the stubs
        if alias not in pools:
            wrappers: Any = connections
            pools.setdefault(alias, Pool(lambda: wrappers[alias].open_connection(), **options))
        return pools[alias]

    def open_connection(self) -> Connection:
        connection = connect(**resolved(self.get_connection_params()), autocommit=True)
        self._configure_connection(connection)  # type: ignore[attr-defined]  # missing in the stubs
        return connection

    def _set_autocommit(self, autocommit: bool) -> None:
        if self.connection.autocommit != autocommit:  # psycopg takes a lock even when nothing changes
            super()._set_autocommit(autocommit)  # type: ignore[misc]  # missing in the stubs

    def is_usable(self) -> bool:
        """Return whether the server still listens, without a round trip."""
        return self.connection is not None and is_usable(self.connection)

    def get_connection_params(self) -> dict[str, Any]:
        """Return Django's parameters with psycopg's loader of timestamps. Connections are in UTC in both cases."""
        params: dict[str, Any] = super().get_connection_params()
        if settings.ROW_LEVEL_SECURITY:
            params["cursor_factory"] = CallersCursor
        loader = adapters.get_loader(TIMESTAMPTZ, Format.TEXT)
        params["context"] = AdaptersMap(params["context"])
        params["context"].register_loader("timestamptz", loader)
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor of Django without its slower loader of timestamps."""
        if not name:
            return self.connection.cursor()
        server_side: Any = base.ServerSideCursor  # the stubs lack its arguments
        return server_side(self.connection, name=name, scrollable=False, withhold=self.connection.autocommit)

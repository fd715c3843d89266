"""Rows of the table `tasks`: their columns, and the statements that return them.

A statement is sent once more, on a new connection, when its connection was lost.
See docs/decisions/0002-a-lost-database-is-503.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import InterfaceError, InternalError, OperationalError, connection

Row = dict[str, Any]

COLUMNS = (
    "id",
    "user_id",
    "title",
    "description",
    "completed",
    "priority",
    "due_at",
    "tags",
    "client_id",
    "version",
    "created_at",
    "updated_at",
)
CHANGEABLE = frozenset({"title", "description", "completed", "priority", "due_at", "tags"})
WRITABLE = CHANGEABLE | {"client_id"}
LATEST_VERSION = "COALESCE((SELECT version FROM task_versions WHERE user_id = %s), 0)"
# SQLite has no trigger that sets a column before the write; see tasks/migrations/0003_sync_triggers.py.
NEXT_VERSION_ON_SQLITE = (
    "COALESCE((SELECT version FROM task_versions WHERE user_id = %s), CAST(STRFTIME('%%s', 'now') AS INTEGER)) + 1"
)
ADMIN_SHUTDOWN = "57P01"  # PostgreSQL ended the connection before it completed the statement
READ_ONLY = "25006"


def selected() -> str:
    """Return the columns of a SELECT or RETURNING. psycopg takes longer to make a UUID than PostgreSQL its text."""
    return SELECTED[connection.vendor]


SELECTED = {
    "postgresql": ", ".join(COLUMNS).replace("client_id", "client_id::text AS client_id"),
    "sqlite": ", ".join(COLUMNS),
}


def checked(values: Row, names: frozenset[str]) -> list[str]:
    """Return the columns of `values`, which become part of a statement. Raise ValueError for one not in `names`."""
    if not values.keys() <= names:
        raise ValueError(f"not writable: {values.keys() - names}")
    return list(values)


def parameters(values: Mapping[str, Any]) -> list[Any]:
    return [parameter(name, value) for name, value in values.items()]


def parameter(name: str, value: Any) -> Any:
    """Return what the database takes for a column's value."""
    if name == "tags":
        return orjson.dumps(value).decode()
    if name == "client_id" and value is not None:
        return client_id_parameter(value)
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


def client_id_parameter(value: str) -> str:
    """Return a UUID for a comparison: SQLite has no UUIDs, Django stores 32 digits."""
    return value if connection.vendor == "postgresql" else value.replace("-", "").lower()


def client_id_value(value: str | None) -> str | None:
    """Return a UUID as the API does: 36 characters, also on SQLite."""
    return str(UUID(value)) if value and len(value) == 32 else value


def task(values: Sequence[Any]) -> Row:
    """Return a row as the API returns it. Values after the columns' are ignored.

    A list of 1,000 calls this 1,000 times, so it is written out.
    """
    task_id, owner, title, description, completed, priority, due, tags, client_id, version, created, updated, *_ = (
        values
    )
    return {
        "id": task_id,
        "user_id": owner,
        "title": title,
        "description": description,
        "completed": completed,
        "priority": priority,
        "due_at": due,
        "tags": orjson.loads(tags) if tags != "[]" else [],
        "client_id": client_id and client_id_value(client_id),
        "version": version,
        "created_at": created,
        "updated_at": updated,
    }


def one(sql: str, values: Sequence[Any], *, repeatable: bool) -> Row | None:
    """Return the task that a statement selects or writes, None when there is none."""
    rows = execute(sql, values, repeatable=repeatable)
    return task(rows[0]) if rows else None


def many(sql: str, values: Sequence[Any], *, repeatable: bool) -> list[Row]:
    return [task(row) for row in execute(sql, values, repeatable=repeatable)]


def execute(sql: str, values: Sequence[Any], *, repeatable: bool) -> list[tuple[Any, ...]]:
    """Return the rows. Run the statement once more, on a new connection, when its connection was lost.

    A statement that is not `repeatable` is run again only if the server said that it did not complete it.
    """
    try:
        return _fetch(sql, values)
    except (OperationalError, InterfaceError) as error:
        is_lost = getattr(connection.connection, "closed", False)  # psycopg's, or None
        if not is_lost or not (repeatable or _sqlstate(error) == ADMIN_SHUTDOWN):
            raise
    except InternalError as error:
        if _sqlstate(error) == READ_ONLY:  # this server is no longer the primary
            connection.connection.close()  # psycopg's connection, so that the next request connects to the new primary
        raise
    connection.close()
    return _fetch(sql, values)


def _fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _sqlstate(error: Exception) -> str | None:
    """Return the code of a PostgreSQL error, None when the server did not send one."""
    return getattr(error.__cause__, "sqlstate", None)

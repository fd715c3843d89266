"""The SQL of the API: one statement per request, the same on PostgreSQL and SQLite.

Plain SQL, because the ORM has no UPDATE … RETURNING, and its compilation of a statement takes longer than running it.
See docs/decisions/0006-one-statement-per-request.md. Values are always parameters; names come from the constants below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError, connection
from django.db.models.functions import Now

from tasks.models import Task

Row = dict[str, Any]

COLUMNS = ("id", "user_id", "title", "description", "completed", "priority", "created_at", "updated_at")
WRITABLE = frozenset({"title", "description", "completed", "priority"})
SELECTED = ", ".join(COLUMNS)
ADMIN_SHUTDOWN = "57P01"  # PostgreSQL ended the connection before it completed the statement
READ_ONLY = "25006"

# sort -> its column, and the SQL expression that orders the column's values
SORTS_BY_NAME = {
    "created": ("created_at", "{}"),
    "updated": ("updated_at", "{}"),
    "title": ("title", "LOWER({})"),
    "priority": ("priority", "CASE {} WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END"),
}
LOWERED = "LOWER(title || ' ' || COALESCE(description, ''))"  # a word has no space, so it occurs in one of the two
# vendor -> the searched text, and the condition for one word. See docs/decisions/0016-search-reads-each-task-once.md.
SEARCHES = {
    "postgresql": (f"CONVERT_TO({LOWERED}, 'UTF8')", "POSITION(CONVERT_TO(LOWER(%s), 'UTF8') IN text) > 0"),
    "sqlite": (LOWERED, "INSTR(text, LOWER(%s)) > 0"),
}
SORTS = (*SORTS_BY_NAME, *(f"-{name}" for name in SORTS_BY_NAME))


@dataclass(frozen=True)
class TaskQuery:
    """The filters, the order and the size of a list.

    `after` is the position of the last row of the previous page: the value of the sort's column, and the id.
    """

    sort: str
    limit: int
    completed: bool | None = None
    priority: str | None = None
    words: Sequence[str] = ()
    after: tuple[Any, int] | None = None


@dataclass(frozen=True, slots=True)
class OwnedTasks:
    """The tasks of one user.

    The API reads and writes rows only through this class. Every statement filters by `user_id`.
    """

    user_id: str

    def select(self, query: TaskQuery) -> list[Row]:
        """Return at most `query.limit` rows in a total order."""
        column, key = _sort_key(query.sort.removeprefix("-"), connection.vendor)
        descending = query.sort.startswith("-")
        conditions, values = ["user_id = %s"], [self.user_id]
        for condition, parameters in _conditions(query, column, key, "<" if descending else ">"):
            conditions.append(condition)
            values += parameters
        order = "DESC" if descending else "ASC"
        return _rows(
            f"SELECT {SELECTED} FROM tasks WHERE {' AND '.join(conditions)}"  # noqa: S608
            f" ORDER BY {key.format(column)} {order}, id {order} LIMIT %s",
            [*values, query.limit],
        )

    def get(self, task_id: int) -> Row | None:
        """Return the task, None when this user has no task with this id."""
        return _row(f"SELECT {SELECTED} FROM tasks WHERE id = %s AND user_id = %s", [task_id, self.user_id])  # noqa: S608

    def create(self, values: Row) -> Row:
        """Return the new task. A column that is not in `values` gets the database's default."""
        names = ["user_id", *_writable(values)]
        marks = ", ".join(["%s"] * len(names))
        [row] = _rows(
            f"INSERT INTO tasks ({', '.join(names)}) VALUES ({marks}) RETURNING {SELECTED}",  # noqa: S608
            [self.user_id, *values.values()],
            repeatable=False,
        )
        return row

    def update(self, task_id: int, values: Row) -> Row | None:
        """Write `values` and return the task, None when this user has no task with this id."""
        return self._update(task_id, [f"{name} = %s" for name in _writable(values)], list(values.values()))

    def toggle(self, task_id: int) -> Row | None:
        """Invert `completed` in the database, so that parallel toggles are not lost. Return as update() does."""
        return self._update(task_id, ["completed = NOT completed"], [], repeatable=False)

    def delete(self, task_id: int) -> bool:
        """Return whether a task was deleted."""
        sql = "DELETE FROM tasks WHERE id = %s AND user_id = %s RETURNING id"
        return bool(_execute(sql, [task_id, self.user_id], repeatable=False))

    def _update(
        self, task_id: int, assignments: Iterable[str], values: Sequence[Any], *, repeatable: bool = True
    ) -> Row | None:
        changes = ", ".join([*assignments, f"updated_at = {_now(connection.vendor)}"])
        return _row(
            f"UPDATE tasks SET {changes} WHERE id = %s AND user_id = %s RETURNING {SELECTED}",  # noqa: S608
            [*values, task_id, self.user_id],
            repeatable=repeatable,
        )


def _sort_key(name: str, vendor: str) -> tuple[str, str]:
    column, key = SORTS_BY_NAME[name]
    # SQLite stores times as text, with three decimals (its clock) or six or none (Python). Without trailing zeros,
    # equal times are equal texts and a later time is a greater text.
    return column, "RTRIM({}, '0.')" if vendor == "sqlite" and column.endswith("_at") else key


def _conditions(query: TaskQuery, column: str, key: str, beyond: str) -> Iterable[tuple[str, Sequence[Any]]]:
    if query.completed is not None:
        yield "completed = %s", [query.completed]
    if query.priority is not None:
        yield "priority = %s", [query.priority]
    if query.words:
        yield _search(len(query.words), connection.vendor), query.words
    if query.after is not None:
        value, task_id = query.after
        if isinstance(value, datetime):
            value = connection.ops.adapt_datetimefield_value(value)
        # A row comparison, so that an index finds the start of the page.
        yield f"({key.format(column)}, id) {beyond} ({key.format('%s')}, %s)", [value, task_id]


@cache
def _search(words: int, vendor: str) -> str:
    """Return the condition that a task has so many words. LIMIT prevents that the text is computed for each word."""
    text, found = SEARCHES[vendor]
    every = " AND ".join([found] * words)
    return f"EXISTS (SELECT 1 FROM (SELECT {text} AS text LIMIT 1) AS searched WHERE {every})"  # noqa: S608


def _writable(values: Row) -> list[str]:
    if not values.keys() <= WRITABLE:  # names become part of the statement
        raise ValueError(f"not writable: {values.keys() - WRITABLE}")
    return list(values)


@cache
def _now(vendor: str) -> str:
    """Return the SQL of the database's clock, the same expression as the default of the time columns."""
    sql, _ = Task.objects.all().query.get_compiler(connection=connection).compile(Now())
    return str(sql)


def _row(sql: str, values: Sequence[Any], *, repeatable: bool = True) -> Row | None:
    rows = _rows(sql, values, repeatable=repeatable)
    return rows[0] if rows else None


def _rows(sql: str, values: Sequence[Any], *, repeatable: bool = True) -> list[Row]:
    return [dict(zip(COLUMNS, row, strict=False)) for row in _execute(sql, values, repeatable=repeatable)]


def _execute(sql: str, values: Sequence[Any], *, repeatable: bool) -> list[tuple[Any, ...]]:
    """Return the rows. Run the statement once more, on a new connection, when its connection was lost.

    A statement that is not `repeatable` is run again only if the server said that it did not complete it.
    See docs/decisions/0002-a-lost-database-is-503.md.
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

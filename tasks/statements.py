"""The SQL behind the API: one statement per request, on PostgreSQL and SQLite alike.

Plain SQL, because the ORM has no UPDATE … RETURNING and compiles the same text anew for every request, which costs
more than the statement itself; see decision 6. Values are always parameters; names come from the tuples below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from tasks.models import Task

Row = dict[str, Any]

COLUMNS = ("id", "user_id", "title", "description", "completed", "priority", "created_at", "updated_at")
WRITABLE = frozenset({"title", "description", "completed", "priority"})
SELECTED = ", ".join(COLUMNS)

# sort -> the column it looks at, and the SQL that makes a value of that column comparable
SORTS_BY_NAME = {
    "created": ("created_at", "{}"),
    "updated": ("updated_at", "{}"),
    "title": ("title", "LOWER({})"),
    "priority": ("priority", "CASE {} WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END"),
}
SORTS = (*SORTS_BY_NAME, *(f"-{name}" for name in SORTS_BY_NAME))


@dataclass(frozen=True)
class Page:
    """Which of a user's tasks to list, and in which order.

    `after` is the last row before the page: the value of the sort's column, and the id.
    """

    sort: str
    limit: int
    completed: bool | None = None
    priority: str | None = None
    words: Sequence[str] = ()
    after: tuple[Any, int] | None = None


@dataclass(frozen=True, slots=True)
class OwnedTasks:
    """The tasks of one user: the only door to rows for a request. Every statement is bound to `user_id`."""

    user_id: str

    def page(self, page: Page) -> list[Row]:
        """The rows of one page, in a total order."""
        column, key = _sort_key(page.sort.removeprefix("-"), connection.vendor)
        descending = page.sort.startswith("-")
        conditions, values = ["user_id = %s"], [self.user_id]
        for condition, parameters in _conditions(page, column, key, "<" if descending else ">"):
            conditions.append(condition)
            values += parameters
        order = "DESC" if descending else "ASC"
        return _rows(
            f"SELECT {SELECTED} FROM tasks WHERE {' AND '.join(conditions)}"  # noqa: S608
            f" ORDER BY {key.format(column)} {order}, id {order} LIMIT %s",
            [*values, page.limit],
        )

    def get(self, task_id: int) -> Row | None:
        """One task, None when this user has none of that id."""
        return _row(f"SELECT {SELECTED} FROM tasks WHERE id = %s AND user_id = %s", [task_id, self.user_id])  # noqa: S608

    def create(self, values: Row) -> Row:
        """The new task; columns that are not in `values` get the database's defaults."""
        names = ["user_id", *_writable(values)]
        marks = ", ".join(["%s"] * len(names))
        [row] = _rows(
            f"INSERT INTO tasks ({', '.join(names)}) VALUES ({marks}) RETURNING {SELECTED}",  # noqa: S608
            [self.user_id, *values.values()],
        )
        return row

    def update(self, task_id: int, values: Row) -> Row | None:
        """The task with `values` written over it, None when this user has none of that id."""
        return self._update(task_id, [f"{name} = %s" for name in _writable(values)], list(values.values()))

    def toggle(self, task_id: int) -> Row | None:
        """The task with `completed` turned around in the database, so that no parallel toggle is lost."""
        return self._update(task_id, ["completed = NOT completed"], [])

    def delete(self, task_id: int) -> bool:
        """Whether there was such a task to delete."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM tasks WHERE id = %s AND user_id = %s", [task_id, self.user_id])
            return bool(cursor.rowcount)

    def _update(self, task_id: int, assignments: Iterable[str], values: Sequence[Any]) -> Row | None:
        changes = ", ".join([*assignments, f"updated_at = {_now(connection.vendor)}"])
        return _row(
            f"UPDATE tasks SET {changes} WHERE id = %s AND user_id = %s RETURNING {SELECTED}",  # noqa: S608
            [*values, task_id, self.user_id],
        )


def owned_by(user_id: str) -> OwnedTasks:
    """The tasks of `user_id`, and no others."""
    return OwnedTasks(user_id)


def _sort_key(name: str, vendor: str) -> tuple[str, str]:
    column, key = SORTS_BY_NAME[name]
    # SQLite keeps times as text with three decimals (its clock's), six or none (Python's): without the trailing
    # zeros the same instant is the same text, and later is greater.
    return column, "RTRIM({}, '0.')" if vendor == "sqlite" and column.endswith("_at") else key


def _conditions(page: Page, column: str, key: str, beyond: str) -> Iterable[tuple[str, Sequence[Any]]]:
    if page.completed is not None:
        yield "completed = %s", [page.completed]
    if page.priority is not None:
        yield "priority = %s", [page.priority]
    for word in page.words:
        pattern = f"%{_escape(word)}%"
        yield "(LOWER(title) LIKE LOWER(%s) ESCAPE '!' OR LOWER(description) LIKE LOWER(%s) ESCAPE '!')", [pattern] * 2
    if page.after is not None:
        value, task_id = page.after
        if isinstance(value, datetime):
            value = connection.ops.adapt_datetimefield_value(value)
        # A comparison of rows, so that an index can jump to the page.
        yield f"({key.format(column)}, id) {beyond} ({key.format('%s')}, %s)", [value, task_id]


def _escape(word: str) -> str:
    """Take the wildcards' meaning from `%` and `_`."""
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _writable(values: Row) -> list[str]:
    if not values.keys() <= WRITABLE:  # names are written into the statement
        raise ValueError(f"not writable: {values.keys() - WRITABLE}")
    return list(values)


@cache
def _now(vendor: str) -> str:
    """The database's own clock in its own dialect, the same as the columns' default."""
    sql, _ = Task.objects.all().query.get_compiler(connection=connection).compile(Now())
    return str(sql)


def _rows(sql: str, values: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [dict(zip(COLUMNS, row, strict=False)) for row in cursor.fetchall()]


def _row(sql: str, values: Sequence[Any]) -> Row | None:
    rows = _rows(sql, values)
    return rows[0] if rows else None

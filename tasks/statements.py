"""The SQL of the API: one statement per request.

Plain SQL, because the ORM has no UPDATE … RETURNING, and its compilation of a statement takes longer than running it.
See docs/decisions/0006-one-statement-per-request.md. Values are always parameters; names come from constants. The
statements are the same on PostgreSQL and SQLite, except where `connection.vendor` is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.functions import Now

from tasks import rows
from tasks.changes import Changes, Position, select_changes
from tasks.inserts import insert_many, insert_one
from tasks.models import Task
from tasks.queries import Filters, TaskQuery, where
from tasks.rows import (
    CHANGEABLE,
    LATEST_VERSION,
    NEXT_VERSION_ON_SQLITE,
    Row,
    checked,
    client_id_parameter,
    parameters,
    selected,
)

Key = int | str  # a task's id, or the client's own id of it

MAX_AT_ONCE = 1000  # tasks that one statement changes or deletes


class Page(NamedTuple):
    """The rows of a list, and the version of the user's latest change."""

    rows: list[Row]
    version: int


class Outcome(NamedTuple):
    """What a conditional write found: the task, None without one; and whether it had a version that was demanded."""

    task: Row | None
    is_done: bool = True


@dataclass(frozen=True, slots=True)
class OwnedTasks:
    """The tasks of one user.

    The API reads and writes rows only through this class. Every statement filters by `user_id`.
    """

    user_id: str

    def select(self, query: TaskQuery, known: int | None = None) -> Page:
        """Return at most `query.limit` rows in a total order. `known`: return none if this is the latest version."""
        condition, values = where(self.user_id, query.conditions())
        if known is not None:
            condition, values = f"{condition} AND {LATEST_VERSION} <> %s", [*values, self.user_id, known]
        found = rows.execute(
            # The state is in each row, and there is one row without a task when there are no tasks.
            f"SELECT page.*, latest FROM (SELECT {LATEST_VERSION} AS latest) AS state LEFT JOIN"
            f" (SELECT {selected()} FROM tasks WHERE {condition} ORDER BY {query.order} LIMIT %s) AS page ON TRUE"
            f" ORDER BY {query.order}",
            [self.user_id, *values, query.limit],
            repeatable=True,
        )
        return Page([rows.task(row) for row in found if row[0] is not None], found[0][-1])

    def get(self, key: Key) -> Row | None:
        """Return the task, None when this user has no task with this id."""
        condition, values = self._one(key)
        return rows.one(f"SELECT {selected()} FROM tasks WHERE {condition}", values, repeatable=True)

    def count(self, filters: Filters) -> dict[str, int]:
        """Return the numbers of all, pending, completed and overdue tasks."""
        condition, values = where(self.user_id, filters.conditions())
        overdue = f"NOT completed AND due_at < {_now(connection.vendor)}"
        [numbers] = rows.execute(
            "SELECT COUNT(*), COUNT(*) FILTER (WHERE NOT completed), COUNT(*) FILTER (WHERE completed),"
            f" COUNT(*) FILTER (WHERE {overdue}) FROM tasks WHERE {condition}",
            values,
            repeatable=True,
        )
        return dict(zip(("all", "pending", "completed", "overdue"), numbers, strict=True))

    def changes(self, since: Position | None, limit: int) -> Changes | None:
        """Return at most `limit` changes since a position, without one every task.

        Return None when `since` is after the latest change: the database was restored from an older state.
        """
        return select_changes(self.user_id, since, limit)

    def create(self, values: Row) -> Row:
        """Return the new task, or the task that was created with the same `client_id`.

        A column that is not in `values` gets the database's default.
        """
        return insert_many(self.user_id, [values])[0] if values.get("client_id") else insert_one(self.user_id, values)

    def create_many(self, tasks: Sequence[Row]) -> list[Row]:
        """Return the new tasks in the same order, in place of one whose `client_id` is taken the task that has it."""
        return insert_many(self.user_id, tasks)

    def update(self, key: Key, values: Row, versions: Sequence[int] | None = None) -> Outcome:
        """Write `values` if the task has one of `versions` (None: any)."""
        return self._update(key, values, versions, repeatable=versions is None)

    def toggle(self, key: Key, versions: Sequence[int] | None = None) -> Outcome:
        """Invert `completed` in the database, so that parallel toggles are not lost. Return as update() does."""
        return self._update(key, {}, versions, "completed = NOT completed", repeatable=False)

    def delete(self, key: Key, versions: Sequence[int] | None = None) -> Outcome:
        """Delete the task if it has one of `versions`. Return as update() does, with the deleted task."""
        return self._write("DELETE FROM tasks", [], key, versions, repeatable=False)

    def update_many(self, filters: Filters, values: Row) -> list[Row]:
        """Write `values` to the first MAX_AT_ONCE tasks by id that match, and return them."""
        changes, new = self._changes(values)
        condition, chosen = self._first(filters)
        sql = f"UPDATE tasks SET {changes} WHERE {condition} RETURNING {selected()}"
        return sorted(rows.many(sql, [*new, *chosen], repeatable=False), key=lambda row: row["id"])

    def delete_many(self, filters: Filters) -> list[int]:
        """Delete the first MAX_AT_ONCE tasks by id that match, and return their ids."""
        condition, values = self._first(filters)
        found = rows.execute(f"DELETE FROM tasks WHERE {condition} RETURNING id", values, repeatable=False)
        return sorted(task_id for [task_id] in found)

    def _update(
        self, key: Key, values: Row, versions: Sequence[int] | None, *assignments: str, repeatable: bool
    ) -> Outcome:
        changes, new = self._changes(values, *assignments)
        return self._write(f"UPDATE tasks SET {changes}", new, key, versions, repeatable=repeatable)

    def _changes(self, values: Row, *assignments: str) -> tuple[str, list[Any]]:
        """Return the assignments of an UPDATE, and the values of its parameters."""
        changes = [f"{name} = %s" for name in checked(values, CHANGEABLE)]
        changes, new = [*changes, *assignments, f"updated_at = {_now(connection.vendor)}"], parameters(values)
        if connection.vendor == "sqlite":
            changes, new = [*changes, f"version = {NEXT_VERSION_ON_SQLITE}"], [*new, self.user_id]
        return ", ".join(changes), new

    def _write(
        self, write: str, new: Sequence[Any], key: Key, versions: Sequence[int] | None, *, repeatable: bool
    ) -> Outcome:
        """Run an UPDATE or DELETE of one task, if it has one of `versions`."""
        condition, values = self._one(key)
        if versions is None:
            sql = f"{write} WHERE {condition} RETURNING {selected()}"
            return Outcome(rows.one(sql, [*new, *values], repeatable=repeatable))
        if connection.vendor == "sqlite":
            return self._write_on_sqlite(write, new, key, versions)
        # The row is locked before its version is read, so that of two writers with the same version one wins.
        found = rows.execute(
            f"WITH found AS MATERIALIZED (SELECT {selected()} FROM tasks WHERE {condition} FOR UPDATE), written AS"
            f" ({write} WHERE id = (SELECT id FROM found WHERE version = ANY(%s)) AND user_id = %s"
            f" RETURNING {selected()}) SELECT *, TRUE FROM written"
            " UNION ALL SELECT *, FALSE FROM found WHERE NOT EXISTS (SELECT 1 FROM written)",
            [*values, *new, list(versions), self.user_id],
            repeatable=False,
        )
        return Outcome(rows.task(found[0]), found[0][-1]) if found else Outcome(None)

    def _write_on_sqlite(self, write: str, new: Sequence[Any], key: Key, versions: Sequence[int]) -> Outcome:
        """Do the same in two statements. SQLite has no UPDATE within a SELECT; a second statement is no round trip."""
        condition, values = self._one(key)
        marks = ", ".join(["%s"] * len(versions))
        sql = f"{write} WHERE {condition} AND version IN ({marks}) RETURNING {selected()}"
        task = rows.one(sql, [*new, *values, *versions], repeatable=False)
        return Outcome(task) if task else Outcome(self.get(key), is_done=False)

    def _one(self, key: Key) -> tuple[str, list[Any]]:
        if isinstance(key, int):
            return "id = %s AND user_id = %s", [key, self.user_id]
        return "client_id = %s AND user_id = %s", [client_id_parameter(key), self.user_id]

    def _first(self, filters: Filters) -> tuple[str, list[Any]]:
        """Return the condition for the first tasks by id that match.

        PostgreSQL locks all of them before the first one is written: the trigger's counter is locked after all rows.
        See docs/decisions/0013-a-version-per-user.md.
        """
        condition, values = where(self.user_id, filters.conditions())
        ids = f"SELECT id FROM tasks WHERE {condition} ORDER BY id LIMIT {MAX_AT_ONCE}"
        chosen = f"id = ANY(ARRAY({ids} FOR UPDATE))" if connection.vendor == "postgresql" else f"id IN ({ids})"
        return f"{chosen} AND user_id = %s", [*values, self.user_id]


@cache
def _now(vendor: str) -> str:
    """Return the SQL of the database's clock, the same expression as the default of the time columns."""
    sql, _ = Task.objects.all().query.get_compiler(connection=connection).compile(Now())
    return str(sql)

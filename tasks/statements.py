"""The SQL of the API: one statement per request.

Plain SQL, because the ORM has no UPDATE … RETURNING, and its compilation of a statement takes longer than running it.
See docs/decisions/0006-one-statement-per-request.md. Values are always parameters; names come from constants. The
statements are the same on PostgreSQL and SQLite, except where `connection.vendor` is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.db.models.functions import Now

from tasks import rows
from tasks.models import Task
from tasks.queries import Filters, TaskQuery, where
from tasks.rows import Row, client_id_parameter, client_id_value, parameter, selected

Key = int | str  # a task's id, or the client's own id of it

CHANGEABLE = frozenset({"title", "description", "completed", "priority", "due_at", "tags"})
WRITABLE = CHANGEABLE | {"client_id"}
MAX_ID = 2**63 - 1
MAX_AT_ONCE = 1000  # tasks that one statement changes or deletes
# SQLite has no trigger that sets a column before the write; see tasks/migrations/0003_sync_triggers.py.
LATEST = "COALESCE((SELECT version FROM task_versions WHERE user_id = %s), 0)"
NEXT_ON_SQLITE = (
    "COALESCE((SELECT version FROM task_versions WHERE user_id = %s), CAST(STRFTIME('%%s', 'now') AS INTEGER)) + 1"
)


class Page(NamedTuple):
    """The rows of a list, and the version of the user's latest change."""

    rows: list[Row]
    version: int


class Position(NamedTuple):
    """A place in the order of changes: changes are ordered by version, old tasks without a version by id."""

    version: int
    task_id: int


class Changes(NamedTuple):
    """Changed tasks, deleted tasks (`id` and `client_id`), the place after them, and whether more follow."""

    changed: list[Row]
    deleted: list[Row]
    next: Position
    more: bool


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
            condition, values = f"{condition} AND {LATEST} <> %s", [*values, self.user_id, known]
        found = rows.execute(
            # The state is in each row, and there is one row without a task when there are no tasks.
            f"SELECT page.*, latest FROM (SELECT {LATEST} AS latest) AS state LEFT JOIN"
            f" (SELECT {selected()} FROM tasks WHERE {condition} ORDER BY {query.order} LIMIT %s) AS page ON TRUE"
            f" ORDER BY {query.order}",
            [self.user_id, *values, query.limit],
            repeatable=True,
        )
        return Page([rows.task(row) for row in found if row[0] is not None], found[0][-1])

    def get(self, key: Key) -> Row | None:
        """Return the task, None when this user has no task with this id."""
        condition, values = self._one(key)
        return rows.one(f"SELECT {selected()} FROM tasks WHERE {condition}", values)

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
        begin = since or Position(-1, 0)
        after, values = "user_id = %s AND (version, {}) > (%s, %s)", [self.user_id, *begin]
        entries = f"SELECT id, version, NULL AS client_id FROM tasks WHERE {after.format('id')}"
        if since:
            entries += f" UNION ALL {DELETED[connection.vendor]} WHERE {after.format('task_id')} AND {NOT_RESTORED}"
            values *= 2
        found = rows.execute(
            # The first condition saves the search when nothing is new.
            f"SELECT task.*, entry.id, entry.version, entry.client_id, latest FROM (SELECT {LATEST} AS latest) AS state"
            f" LEFT JOIN (SELECT * FROM ({entries}) AS entries WHERE ({LATEST}, %s) > (%s, %s)"
            "  ORDER BY version, id LIMIT %s) AS entry ON TRUE"
            f" LEFT JOIN (SELECT {selected()} FROM tasks WHERE user_id = %s) AS task ON task.id = entry.id"
            " ORDER BY entry.version, entry.id",
            [self.user_id, *values, self.user_id, MAX_ID, *begin, limit + 1, self.user_id],
            repeatable=True,
        )
        return _changes(found, begin, limit)

    def create(self, values: Row) -> Row:
        """Return the new task, or the task that was created with the same `client_id`.

        A column that is not in `values` gets the database's default.
        """
        names = ["user_id", *_checked(values, WRITABLE)]
        if values.get("client_id"):
            return self.create_many([values])[0]
        marks, parameters = ["%s"] * len(names), [self.user_id, *_parameters(values)]
        if connection.vendor == "sqlite":
            names, marks, parameters = [*names, "version"], [*marks, NEXT_ON_SQLITE], [*parameters, self.user_id]
        [row] = rows.many(
            f"INSERT INTO tasks ({', '.join(names)}) VALUES ({', '.join(marks)}) RETURNING {selected()}",
            parameters,
            repeatable=False,
        )
        return row

    def create_many(self, tasks: Sequence[Row]) -> list[Row]:
        """Return the new tasks in the same order, in place of one whose `client_id` is taken the task that has it."""
        missing, found = [DEFAULTS | task for task in tasks], []
        for task in missing:
            _checked(task, WRITABLE)
        while missing:  # a second time when another request has just created a task with one of the keys
            found += self._insert(missing)
            keys = {row["client_id"] for row in found}
            missing = [task for task in missing if task["client_id"] and task["client_id"] not in keys]
        by_key = {row["client_id"]: row for row in found}
        without_key = iter(sorted((row for row in found if row["client_id"] is None), key=lambda row: row["id"]))
        return [by_key[task["client_id"]] if task.get("client_id") else next(without_key) for task in tasks]

    def update(self, key: Key, values: Row, versions: Sequence[int] | None = None) -> Outcome:
        """Write `values` if the task has one of `versions` (None: any)."""
        return self._update(key, values, versions, repeatable=versions is None)

    def toggle(self, key: Key, versions: Sequence[int] | None = None) -> Outcome:
        """Invert `completed` in the database, so that parallel toggles are not lost. Return as update() does."""
        return self._update(key, {}, versions, "completed = NOT completed", repeatable=False)

    def delete(self, key: Key, versions: Sequence[int] | None = None) -> Outcome:
        """Delete the task if it has one of `versions`. Return it, or as update() does."""
        return self._write("DELETE FROM tasks", [], key, versions, repeatable=False)

    def update_many(self, filters: Filters, values: Row) -> list[Row]:
        """Write `values` to the first MAX_AT_ONCE tasks by id that match, and return them."""
        changes, parameters = self._changes(values)
        condition, more = self._first(filters)
        sql = f"UPDATE tasks SET {changes} WHERE {condition} RETURNING {selected()}"
        return sorted(rows.many(sql, [*parameters, *more]), key=lambda row: row["id"])

    def delete_many(self, filters: Filters) -> list[int]:
        """Delete the first MAX_AT_ONCE tasks by id that match, and return their ids."""
        condition, values = self._first(filters)
        found = rows.execute(f"DELETE FROM tasks WHERE {condition} RETURNING id", values, repeatable=False)
        return sorted(task_id for [task_id] in found)

    def _insert(self, tasks: Sequence[Row]) -> list[Row]:
        """Insert tasks, and return them and those that have their keys; not those of a transaction that ran beside."""
        repeatable = all(task["client_id"] for task in tasks)
        if connection.vendor == "sqlite":
            values = [[*_parameters(task), position] for position, task in enumerate(tasks)]
            marks = ", ".join([f"(%s, {', '.join(['%s'] * len(DEFAULTS))}, {NEXT_ON_SQLITE} + %s)"] * len(tasks))
            flat = [value for row in values for value in (self.user_id, *row[:-1], self.user_id, row[-1])]
            return rows.many(INSERT_ON_SQLITE.format(marks=marks), flat, repeatable=repeatable)
        given = orjson.dumps([{"position": position, **task} for position, task in enumerate(tasks)]).decode()
        return rows.many(INSERT_ON_POSTGRESQL, [given, *[self.user_id] * 3], repeatable=repeatable)

    def _update(
        self, key: Key, values: Row, versions: Sequence[int] | None, *assignments: str, repeatable: bool
    ) -> Outcome:
        changes, parameters = self._changes(values, *assignments)
        return self._write(f"UPDATE tasks SET {changes}", parameters, key, versions, repeatable=repeatable)

    def _changes(self, values: Row, *assignments: str) -> tuple[str, list[Any]]:
        """Return the assignments of an UPDATE, and the values of its parameters."""
        changes = [*(f"{name} = %s" for name in _checked(values, CHANGEABLE)), *assignments]
        changes, parameters = [*changes, f"updated_at = {_now(connection.vendor)}"], _parameters(values)
        if connection.vendor == "sqlite":
            changes, parameters = [*changes, f"version = {NEXT_ON_SQLITE}"], [*parameters, self.user_id]
        return ", ".join(changes), parameters

    def _write(
        self, write: str, parameters: Sequence[Any], key: Key, versions: Sequence[int] | None, *, repeatable: bool
    ) -> Outcome:
        """Run an UPDATE or DELETE of one task, if it has one of `versions`."""
        condition, values = self._one(key)
        if versions is None:
            sql = f"{write} WHERE {condition} RETURNING {selected()}"
            return Outcome(rows.one(sql, [*parameters, *values], repeatable=repeatable))
        if connection.vendor == "sqlite":
            return self._write_on_sqlite(write, parameters, key, versions)
        # The row is locked before its version is read, so that of two writers with the same version one wins.
        found = rows.execute(
            f"WITH found AS MATERIALIZED (SELECT {selected()} FROM tasks WHERE {condition} FOR UPDATE), written AS"
            f" ({write} WHERE id = (SELECT id FROM found WHERE version = ANY(%s)) AND user_id = %s"
            f" RETURNING {selected()}) SELECT *, TRUE FROM written"
            " UNION ALL SELECT *, FALSE FROM found WHERE NOT EXISTS (SELECT 1 FROM written)",
            [*values, *parameters, list(versions), self.user_id],
            repeatable=False,
        )
        return Outcome(rows.task(found[0]), found[0][-1]) if found else Outcome(None)

    def _write_on_sqlite(self, write: str, parameters: Sequence[Any], key: Key, versions: Sequence[int]) -> Outcome:
        """Do the same in two statements. SQLite has no UPDATE within a SELECT; a second statement is no round trip."""
        condition, values = self._one(key)
        marks = ", ".join(["%s"] * len(versions))
        sql = f"{write} WHERE {condition} AND version IN ({marks}) RETURNING {selected()}"
        task = rows.one(sql, [*parameters, *values, *versions], repeatable=False)
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


DELETED = {
    "postgresql": "SELECT task_id, version, client_id::text FROM deleted_tasks",
    "sqlite": "SELECT task_id, version, client_id FROM deleted_tasks",
}
NOT_RESTORED = "NOT EXISTS (SELECT 1 FROM tasks WHERE id = task_id AND tasks.user_id = deleted_tasks.user_id)"
DEFAULTS = {field.name: field.get_default() for field in Task._meta.concrete_fields if field.name in WRITABLE}
NAMES = ", ".join(DEFAULTS)
ON_CONFLICT = "ON CONFLICT (user_id, client_id) WHERE client_id IS NOT NULL"
# A key that is known is read, and nothing is locked for it. DO NOTHING is for a key that another request inserts at the
# same moment: DO UPDATE would lock its row after the counter, against the order of locks.
INSERT_ON_POSTGRESQL = f"""
WITH given AS (
    SELECT * FROM JSONB_TO_RECORDSET(%s::jsonb) AS given (
        position integer, title text, description text, completed boolean, priority text, due_at timestamptz,
        tags jsonb, client_id uuid)
), known AS (
    SELECT {rows.SELECTED["postgresql"]} FROM tasks
    WHERE user_id = %s AND client_id = ANY(ARRAY(SELECT client_id FROM given))
), created AS (
    INSERT INTO tasks (user_id, {NAMES}) SELECT %s, {NAMES} FROM given
    WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE user_id = %s AND tasks.client_id = given.client_id)
    ORDER BY position
    {ON_CONFLICT} DO NOTHING RETURNING {rows.SELECTED["postgresql"]}
) SELECT * FROM known UNION ALL SELECT * FROM created
"""
INSERT_ON_SQLITE = (
    f"INSERT INTO tasks (user_id, {NAMES}, version) VALUES {{marks}} {ON_CONFLICT}"
    f" DO UPDATE SET client_id = excluded.client_id RETURNING {rows.SELECTED['sqlite']}"
)


def _changes(found: Sequence[Sequence[Any]], begin: Position, limit: int) -> Changes | None:
    """Return the changes. A row has a task, then id, version and client id of the change, then the latest version."""
    latest = found[0][-1]
    if latest < begin.version:
        return None
    entries = [row for row in found if row[-4] is not None]
    more = len(entries) > limit
    page = entries[:limit]
    return Changes(
        changed=[rows.task(row) for row in page if row[0] is not None],
        deleted=[{"id": row[-4], "client_id": client_id_value(row[-2])} for row in page if row[0] is None],
        next=Position(page[-1][-3], page[-1][-4]) if more else Position(latest, MAX_ID),
        more=more,
    )


def _checked(values: Row, names: frozenset[str]) -> list[str]:
    if not values.keys() <= names:  # names become part of the statement
        raise ValueError(f"not writable: {values.keys() - names}")
    return list(values)


def _parameters(values: Mapping[str, Any]) -> list[Any]:
    return [parameter(name, value) for name, value in values.items()]


@cache
def _now(vendor: str) -> str:
    """Return the SQL of the database's clock, the same expression as the default of the time columns."""
    sql, _ = Task.objects.all().query.get_compiler(connection=connection).compile(Now())
    return str(sql)

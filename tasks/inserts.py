"""New tasks. A create with a `client_id` can be repeated. See docs/decisions/0013-a-version-per-user.md."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from django.db import connection

from tasks import rows
from tasks.models import Task
from tasks.rows import NEXT_VERSION_ON_SQLITE, WRITABLE, Row, checked, parameters, selected

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
    f"INSERT INTO tasks (user_id, {NAMES}, version) VALUES {{rows}} {ON_CONFLICT}"
    f" DO UPDATE SET client_id = excluded.client_id RETURNING {rows.SELECTED['sqlite']}"
)


def insert_one(user_id: str, values: Row) -> Row:
    """Return the new task. A column that is not in `values` gets the database's default."""
    names = ["user_id", *checked(values, WRITABLE)]
    marks, given = ["%s"] * len(names), [user_id, *parameters(values)]
    if connection.vendor == "sqlite":
        names, marks, given = [*names, "version"], [*marks, NEXT_VERSION_ON_SQLITE], [*given, user_id]
    sql = f"INSERT INTO tasks ({', '.join(names)}) VALUES ({', '.join(marks)}) RETURNING {selected()}"
    [row] = rows.many(sql, given, repeatable=False)
    return row


def insert_many(user_id: str, tasks: Sequence[Row]) -> list[Row]:
    """Return the new tasks in the same order, in place of one whose `client_id` is taken the task that has it."""
    for task in tasks:
        checked(task, WRITABLE)
    missing, found = [DEFAULTS | task for task in tasks], []
    while missing:  # a second time when another request has just created a task with one of the keys
        found += _insert(user_id, missing)
        keys = {row["client_id"] for row in found}
        missing = [task for task in missing if task["client_id"] and task["client_id"] not in keys]
    by_key = {row["client_id"]: row for row in found}
    without_key = iter(sorted((row for row in found if row["client_id"] is None), key=lambda row: row["id"]))
    return [by_key[task["client_id"]] if task.get("client_id") else next(without_key) for task in tasks]


def _insert(user_id: str, tasks: Sequence[Row]) -> list[Row]:
    """Return the new tasks and those that had their keys before; not those that another request has just created."""
    repeatable = all(task["client_id"] for task in tasks)
    if connection.vendor == "postgresql":
        given = orjson.dumps([{"position": position, **task} for position, task in enumerate(tasks)]).decode()
        return rows.many(INSERT_ON_POSTGRESQL, [given, *[user_id] * 3], repeatable=repeatable)
    row = f"(%s, {', '.join(['%s'] * len(DEFAULTS))}, {NEXT_VERSION_ON_SQLITE} + %s)"
    values = [[user_id, *parameters(task), user_id, position] for position, task in enumerate(tasks)]
    sql = INSERT_ON_SQLITE.format(rows=", ".join([row] * len(tasks)))
    return rows.many(sql, [value for each in values for value in each], repeatable=repeatable)

"""What has changed since a position. See docs/decisions/0013-a-version-per-user.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from tasks import rows
from tasks.rows import LATEST_VERSION, Row, client_id_value, selected

MAX_ID = 2**63 - 1
DELETED = {
    "postgresql": "SELECT task_id, version, client_id::text FROM deleted_tasks",
    "sqlite": "SELECT task_id, version, client_id FROM deleted_tasks",
}
NOT_RESTORED = "NOT EXISTS (SELECT 1 FROM tasks WHERE id = task_id AND tasks.user_id = deleted_tasks.user_id)"


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


def select_changes(user_id: str, since: Position | None, limit: int) -> Changes | None:
    """Return what OwnedTasks.changes() does."""
    begin = since or Position(-1, 0)
    after, values = "user_id = %s AND (version, {}) > (%s, %s)", [user_id, *begin]
    entries = f"SELECT id, version, NULL AS client_id FROM tasks WHERE {after.format('id')}"
    if since:
        entries += f" UNION ALL {DELETED[connection.vendor]} WHERE {after.format('task_id')} AND {NOT_RESTORED}"
        values *= 2
    found = rows.execute(
        # The first condition saves the search when nothing is new.
        "SELECT task.*, entry.id, entry.version, entry.client_id, latest"
        f" FROM (SELECT {LATEST_VERSION} AS latest) AS state"
        f" LEFT JOIN (SELECT * FROM ({entries}) AS entries WHERE ({LATEST_VERSION}, %s) > (%s, %s)"
        " ORDER BY version, id LIMIT %s) AS entry ON TRUE"
        f" LEFT JOIN (SELECT {selected()} FROM tasks WHERE user_id = %s) AS task ON task.id = entry.id"
        " ORDER BY entry.version, entry.id",
        [user_id, *values, user_id, MAX_ID, *begin, limit + 1, user_id],
        repeatable=True,
    )
    return _changes(found, begin, limit)


def _changes(found: Sequence[Sequence[Any]], begin: Position, limit: int) -> Changes | None:
    """Return the changes. A row has a task, then id, version and client id of the change, then the latest version."""
    latest = found[0][-1]
    if latest == 0 < begin.version:  # `manage.py forget_deleted` has removed the counter of a user without tasks
        return Changes([], [], begin, more=False)
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

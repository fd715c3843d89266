"""Time and scans of each new statement, by EXPLAIN ANALYZE: `.venv/bin/python -m benchmarks.plans 2>/dev/null`.

It starts the PostgreSQL of the test packages, with 20,000 tasks of one user and a million of others (ROWS=…). Each
statement is explained in a transaction that is rolled back, so each one sees the same table.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from todo_api.tests import environment  # noqa: F401  # production settings and a temporary PostgreSQL

# isort: split

from django.core.management import call_command
from django.db import connection, transaction

from tasks import rows
from tasks.changes import MAX_ID, Position
from tasks.queries import Filters, TaskQuery
from tasks.statements import OwnedTasks

ROWS = int(os.environ.get("ROWS", "1000000"))
FILL = """INSERT INTO tasks (user_id, title, due_at, tags, completed, client_id)
    SELECT {user}, 'Task ' || n, now() + n * interval '1 minute',
        CASE n %% 4 WHEN 0 THEN '["home"]'::jsonb ELSE '[]' END, n %% 3 = 0, gen_random_uuid()
    FROM generate_series(1, %s) AS n"""
SCAN = re.compile(r"(Seq Scan on \w+|(?:Index|Bitmap Index|Index Only) Scan (?:using|on) \w+).*rows=[^)]*\)")


def fill() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(FILL.format(user="'user' || n %% 10000"), [ROWS])
        cursor.execute(FILL.format(user="'many'"), [20_000])
        cursor.execute("DELETE FROM tasks WHERE (user_id = 'many' OR user_id LIKE 'user1%') AND title LIKE '%9'")
        cursor.execute("DELETE FROM tasks WHERE user_id LIKE 'user2%' AND completed")
        cursor.execute("VACUUM ANALYZE")


def operations(tasks: OwnedTasks) -> dict[str, Callable[[], Any]]:
    some = tasks.select(TaskQuery("created", 50)).rows
    latest, ids = tasks.select(TaskQuery("created", 1)).version, [row["id"] for row in some[:20]]
    task, key, now = some[31], some[30]["client_id"], datetime.now(UTC)
    home = Filters(tags=["home"])
    return {
        "list of 1,000": lambda: tasks.select(TaskQuery("created", 1001)),
        "list, 304": lambda: tasks.select(TaskQuery("created", 1001), known=latest),
        "list with a tag": lambda: tasks.select(TaskQuery("created", 1001, home)),
        "list with due_before": lambda: tasks.select(TaskQuery("due", 1001, Filters(due_before=now))),
        "counts": lambda: tasks.count(Filters()),
        "counts with a tag": lambda: tasks.count(home),
        "changes, first page of 1,000": lambda: tasks.changes(None, 1000),
        "changes, nothing new": lambda: tasks.changes(Position(latest, MAX_ID), 1000),
        "changes, one": lambda: tasks.changes(Position(latest - 1, MAX_ID), 1000),
        "change of 20 by ids": lambda: tasks.update_many(Filters(ids=ids), {"priority": "high"}),
        "change of 1,000 with a tag": lambda: tasks.update_many(home, {"priority": "high"}),
        "delete of 3 by ids": lambda: tasks.delete_many(Filters(ids=ids[:2], client_ids=[key])),
        "create, known key": lambda: tasks.create({"title": "A", "client_id": key}),
        "create, new key": lambda: tasks.create({"title": "A", "client_id": str(uuid.uuid4())}),
        "create of 100": lambda: tasks.create_many([{"title": "A"}] * 100),
        "read by key": lambda: tasks.get(key),
        "update with If-Match": lambda: tasks.update(task["id"], {"title": "B"}, [task["version"]]),
    }


def explain(sql: str, values: Any) -> tuple[float, set[str]]:
    """Return the time of the statement in ms, and the scans that were executed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE) {sql}", values)
        plan = [line for [line] in cursor.fetchall()]
        transaction.set_rollback(True)
    scans = {match[1] for line in plan if (match := SCAN.search(line)) and "never executed" not in line}
    return float(plan[-1].split()[2]), scans


def main() -> None:
    call_command("migrate", verbosity=0)
    fill()
    named, fetch = operations(OwnedTasks("many")), rows._fetch
    for name, operation in named.items():
        sent: list[tuple[str, Any]] = []
        rows._fetch = lambda sql, values, sent=sent: (sent.append((sql, values)), fetch(sql, values))[1]
        with transaction.atomic():
            operation()
            transaction.set_rollback(True)
        milliseconds, scans = min(explain(*sent[0]) for _ in range(3))
        sys.stdout.write(f"{name:32}{milliseconds:8.1f}  {', '.join(sorted(scans))}\n")


if __name__ == "__main__":
    main()

"""A write's time in the database, with and without triggers: `.venv/bin/python -m benchmarks.triggers 2>/dev/null`.

It starts the PostgreSQL of the test packages, with 20 tasks for each of 1,000 users. Each write is a transaction of its
own in a loop within the server, on the tasks of random users. Each figure is the best of several runs, in µs.
"""

from __future__ import annotations

import sys
import time

from todo_api.tests import environment  # noqa: F401  # production settings and a temporary PostgreSQL

# isort: split

from django.core.management import call_command
from django.db import connection

TIMES, RUNS = 5_000, 5
FILL = """INSERT INTO tasks (user_id, title)
    SELECT 'user' || number %% 1000, 'Task' FROM generate_series(1, 20000) AS number"""
WRITES = {
    "create": "INSERT INTO tasks (user_id, title) VALUES ('user' || n % 1000, 'Task')",
    "update": "UPDATE tasks SET title = 'Task ' || n, updated_at = now() WHERE id = n",
    "toggle": "UPDATE tasks SET completed = NOT completed, updated_at = now() WHERE id = n",
    "delete": "DELETE FROM tasks WHERE id = (SELECT max(id) FROM tasks)",
}
LOOP = """DO $$ DECLARE n bigint; BEGIN
    FOR time IN 1..{times} LOOP n := 1 + (random() * 19999)::int; {write}; COMMIT; END LOOP;
END $$"""


def microseconds(write: str) -> float:
    """Return the time of one write."""
    with connection.cursor() as cursor:
        begin = time.perf_counter()
        cursor.execute(LOOP.format(times=TIMES, write=write))
        return (time.perf_counter() - begin) / TIMES * 1e6


def main() -> None:
    call_command("migrate", verbosity=0)
    best: dict[tuple[str, str], float] = {}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(FILL, [])
        for _ in range(RUNS):
            for state in ("DISABLE", "ENABLE"):
                cursor.execute(f"ALTER TABLE tasks {state} TRIGGER USER")
                cursor.execute("VACUUM ANALYZE tasks, task_versions")
                for name, write in WRITES.items():
                    best[name, state] = min(best.get((name, state), float("inf")), microseconds(write))
    sys.stdout.write(f"{'':10}{'without':>10}{'with':>10}\n")
    for name in WRITES:
        sys.stdout.write(f"{name:10}{best[name, 'DISABLE']:10.0f}{best[name, 'ENABLE']:10.0f}\n")


if __name__ == "__main__":
    main()

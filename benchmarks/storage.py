"""What a task costs in bytes on PostgreSQL: `.venv/bin/python -m benchmarks.storage 2>/dev/null`.

It starts the PostgreSQL of the test packages and inserts a million tasks of 10,000 users in random order, as they
arrive in production: user ids of 32 characters, titles of 20 to 60, and a description of 200 for every third task.
ROWS=… changes the number.
"""

from __future__ import annotations

import os
import sys

from todo_api.tests import environment  # noqa: F401  # production settings and a temporary PostgreSQL

# isort: split

from django.core.management import call_command
from django.db import connection

ROWS = int(os.environ.get("ROWS", "1000000"))
BATCH = 10_000
TASKS = """INSERT INTO tasks (user_id, title, description)
    SELECT md5((random() * 10000)::int::text), left(repeat(md5(random()::text), 2), 20 + (random() * 40)::int),
        CASE WHEN number %% 3 = 0 THEN left(repeat(md5(random()::text), 7), 200) END
    FROM generate_series(1, %s) AS number"""
PARTS = """SELECT 'rows', pg_table_size('tasks') UNION ALL
    (SELECT indexrelid::regclass::text, pg_relation_size(indexrelid)
    FROM pg_index WHERE indrelid = 'tasks'::regclass ORDER BY 1) UNION ALL
    SELECT 'all', pg_total_relation_size('tasks')"""


def main() -> None:
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        [before] = cursor.fetchone()
        for _ in range(ROWS // BATCH):  # in one statement, each user's counter would be updated 100 times unpruned
            cursor.execute(TASKS, [BATCH])
        cursor.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [before])
        [log] = cursor.fetchone()
        cursor.execute("VACUUM ANALYZE tasks")
        cursor.execute(PARTS)
        sizes = [*cursor.fetchall(), ("write-ahead log of the inserts", int(log))]
    sys.stdout.write(f"{ROWS:,} tasks{'MB':>28}{'bytes per task':>18}\n")
    for name, size in sizes:
        sys.stdout.write(f"{name:34}{size / 1e6:10,.0f}{size / ROWS:18,.0f}\n")


if __name__ == "__main__":
    main()

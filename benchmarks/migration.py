"""Migrations of a table with a million tasks, beside the release before: `.venv/bin/python -m benchmarks.migration`.

It starts the PostgreSQL of the test packages, fills the table of 0001_initial, and migrates forward and back. Beside it
a writer and a reader run the statements of the release before the whole time. For each step it prints the seconds, and
the longest time of the writer for four statements and of the reader for one. ROWS=… changes the number of tasks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from todo_api.tests import environment  # noqa: F401  # production settings and a temporary PostgreSQL

# isort: split

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tasks.statements import OwnedTasks

ROWS = int(os.environ.get("ROWS", "1000000"))
STEPS = sorted(path.stem for path in (settings.BASE_DIR / "tasks" / "migrations").glob("0*.py"))
FILL = """INSERT INTO tasks (user_id, title, description)
    SELECT md5((random() * 10000)::int::text), 'Task ' || number, repeat('x', (random() * 100)::int)
    FROM generate_series(1, %s) AS number"""
# What the release before runs.
COLUMNS = "id, user_id, title, description, completed, priority, created_at, updated_at"
INSERT = f"INSERT INTO tasks (user_id, title) VALUES ('old', 'A task') RETURNING {COLUMNS}"
UPDATE = f"UPDATE tasks SET title = 'New', updated_at = now() WHERE id = %s AND user_id = 'old' RETURNING {COLUMNS}"
TOGGLE = f"UPDATE tasks SET completed = NOT completed WHERE id = %s AND user_id = 'old' RETURNING {COLUMNS}"
DELETE = "DELETE FROM tasks WHERE id = %s AND user_id = 'old' RETURNING id"
LIST = f"SELECT {COLUMNS} FROM tasks WHERE user_id = 'old' ORDER BY created_at ASC, id ASC LIMIT 1001"


class Session(threading.Thread):
    """Runs statements of the release before until it is stopped, and keeps the longest time of a round."""

    def __init__(self, act: Callable[[psycopg.Connection], None]) -> None:
        super().__init__()
        self.act, self.longest, self.goes_on, self.error = act, 0.0, True, ""

    def run(self) -> None:
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as database:
            while self.goes_on:
                begin = time.perf_counter()
                try:
                    self.act(database)
                except psycopg.Error as error:
                    self.error = f"failed: {error}"
                self.longest = max(self.longest, time.perf_counter() - begin)
                time.sleep(0.005)


def write(database: psycopg.Connection) -> None:
    task_id = database.execute(INSERT).fetchone()[0]
    for statement in (UPDATE, TOGGLE, DELETE):
        database.execute(statement, [task_id])


def read(database: psycopg.Connection) -> None:
    database.execute(LIST).fetchall()


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Print the time of a step, and how long the release before waited."""
    sessions = [Session(write), Session(read)]
    for session in sessions:
        session.start()
    time.sleep(0.5)
    begin = time.perf_counter()
    yield
    seconds = time.perf_counter() - begin
    time.sleep(0.5)
    for session in sessions:
        session.goes_on = False
        session.join()
    waits = [f"{session.longest:6.2f} s {session.error}" for session in sessions]
    print(f"{name:40}{seconds:8.2f} s {waits[0]:>12} {waits[1]:>12}", flush=True)


def seen_by_changes() -> int:
    """Write with the release before, and return the number of changes that this release sees."""
    tasks = OwnedTasks("old")
    before = tasks.changes(None, 1000)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as database:
        database.execute(INSERT)
        write(database)
    after = tasks.changes(before.next, 1000)
    return len(after.changed) + len(after.deleted)


def main() -> None:
    call_command("migrate", "tasks", STEPS[0], verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(FILL, [ROWS])
        cursor.execute("VACUUM ANALYZE tasks")
    print(f"{ROWS:,} tasks{'step':>31}{'write':>11}{'read':>13}")
    with measured("(nothing)"):
        time.sleep(2)
    for step in STEPS[1:]:
        with measured(step):
            call_command("migrate", "tasks", step, verbosity=0)
    print(f"changes of the release before that this one sees: {seen_by_changes()} of 2")
    for step in reversed(STEPS[:-1]):
        with measured(f"back to {step}"):
            call_command("migrate", "tasks", step, verbosity=0)


if __name__ == "__main__":
    main()

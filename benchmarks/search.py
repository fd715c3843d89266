"""What a search costs in ms: `.venv/bin/python -m benchmarks.search 2>/dev/null`.

It starts the PostgreSQL of the test packages, with a million tasks of other users. Each figure is the best of several
runs of the statement with LIMIT 1001, as for a page of 1,000.
"""

from __future__ import annotations

import random
import sys
import time

from todo_api.tests import environment  # noqa: F401  # production settings and a temporary PostgreSQL

# isort: split

from django.core.management import call_command
from django.db import connection

from tasks.models import Task
from tasks.queries import Filters, TaskQuery
from tasks.statements import OwnedTasks

SIZES = (1_000, 5_000, 20_000)
LENGTH = 1_000
OTHERS = """INSERT INTO tasks (user_id, title, description)
    SELECT 'user' || number % 10000, 'Task ' || number, repeat(md5(number::text) || ' ', 6)
    FROM generate_series(1, 1000000) AS number"""
ABSENT = "zzz"
SEARCHES = {
    "1 word, found in no task": [ABSENT],
    "1 word, found in every task": ["a"],
    "10 letters, found in every task": [*"abcdefghij"],
    "9 letters in every task, and 1 word in none": [*"abcdefghi", ABSENT],
    "10 words of 19 letters, found in no task": [19 * letter for letter in "abcdefghij"],
}
SLOWEST = ["a" * 198 + "b"]


def words(letters: int) -> str:
    """Return a text of random words."""
    text = " ".join("".join(random.choices("abcdefghijklmnopqrst", k=6)) for _ in range(letters // 7 + 1))
    return text[:letters].capitalize()


def insert(user_id: str, number: int, description: str = "") -> OwnedTasks:
    Task.objects.bulk_create(
        [Task(user_id=user_id, title=words(40), description=description or words(LENGTH)) for _ in range(number)],
        batch_size=1_000,
    )
    return OwnedTasks(user_id)


def milliseconds(tasks: OwnedTasks, searched: list[str], runs: int = 7) -> float:
    """Return the time of the best run, in ms."""
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        tasks.select(TaskQuery(sort="created", limit=1001, filters=Filters(words=searched)))
        best = min(best, time.perf_counter() - begin)
    return best * 1e3


def main() -> None:
    call_command("migrate", verbosity=0)
    users = [insert(f"of {size}", size) for size in SIZES]
    repetitive = [insert(f"repetitive {size}", size, "a" * LENGTH) for size in SIZES]
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(OTHERS)
        cursor.execute("VACUUM ANALYZE tasks")
    rows = {name: [milliseconds(tasks, searched) for tasks in users] for name, searched in SEARCHES.items()}
    rows["198 a and a b, in tasks of 1,000 a"] = [milliseconds(tasks, SLOWEST) for tasks in repetitive]
    sys.stdout.write(f"{'tasks of the user':46}" + "".join(f"{size:8,}" for size in SIZES) + "\n")
    for name, costs in rows.items():
        sys.stdout.write(f"{name:46}" + "".join(f"{cost:8.0f}" for cost in costs) + "\n")


if __name__ == "__main__":
    main()

"""The CPU time of a request in µs, without and with row-level security:

    .venv/bin/python -m benchmarks.row_level_security 2>/dev/null

Each operation of benchmarks/operations.py runs as it is, and with policies. Both take turns in one process, on one
connection, with the PostgreSQL of the test packages. The figures are those of the service, of the database, and
their sums: the least of both, and the median of the quotients of two that were measured one after the other.
See docs/decisions/0027-row-level-security.md.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.operations import CALLS, Response, prepared

RUNS = int(os.environ.get("RUNS", "200"))
ROLES = """
CREATE ROLE without_policies BYPASSRLS;
CREATE ROLE with_policies;
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, task_versions, deleted_tasks TO without_policies
"""
NAMES = ("without_policies", "with_policies")

Times = tuple[float, float]


class Database:
    """The only connection of this process, and the CPU time of its server process."""

    def __init__(self) -> None:
        from django.db import connection

        from todo_api.postgresql.cursor import CallersCursor

        connection.ensure_connection()
        connection.connection.expires_at = float("inf")
        self.cursors = (connection.connection.cursor_factory, CallersCursor)
        self.connection, pid = connection, connection.connection.info.backend_pid
        self.accounting = Path(f"/proc/{pid}/schedstat")

    def microseconds(self) -> float:
        return int(self.accounting.read_text().split()[0]) / 1e3

    def use(self, way: int) -> None:
        """Use the role and the cursor of one way, on the same connection."""
        self.connection.ensure_connection()
        self.connection.connection.cursor_factory = self.cursors[way]
        with self.connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {NAMES[way]}")


def measure(operation: Callable[[], Response], database: Database) -> Times:
    """Return the CPU time of a request in µs, of this process and of the database's."""
    status, _, _ = operation()  # the database plans the trigger's statements again for another role
    assert status < 400 or status == 412
    began, cpu = database.microseconds(), time.process_time()
    for _ in range(CALLS):
        operation()
    cpu = time.process_time() - cpu
    return cpu * 1e6 / CALLS, (database.microseconds() - began) / CALLS


def run(operation: Callable[[], Response], database: Database) -> list[list[Times]]:
    found: list[list[Times]] = [[], []]
    for turn in range(RUNS):
        for way in ((0, 1), (1, 0))[turn % 2]:
            database.use(way)
            found[way].append(measure(operation, database))
    return found


def compared(before: list[float], after: list[float]) -> str:
    """Return the least figures, and the median of the quotients of two that were measured one after the other."""
    quotient = statistics.median(new / old for old, new in zip(before, after, strict=True))
    return f"{min(before):7.0f}{min(after):6.0f}{quotient - 1:+7.1%}"


def main() -> None:
    operations = prepared()
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(ROLES)
    call_command("enable_row_level_security", NAMES[1], stdout=sys.stderr)
    database = Database()
    sys.stdout.write(f"{'':28}{'service':>20}{'database':>20}{'both':>20}\n")
    for name, operation in operations.items():
        found = [[(*times, sum(times)) for times in way] for way in run(operation, database)]
        columns = zip(*(zip(*way, strict=True) for way in found), strict=True)
        text = "".join(compared(list(before), list(after)) for before, after in columns)
        sys.stdout.write(f"{name:28}{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

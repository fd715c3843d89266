"""`manage.py export_tasks USER`: all tasks of a user as JSON, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.queries import TaskQuery
from tasks.rows import Row
from tasks.statements import OwnedTasks

BATCH = 1000


class Command(BaseCommand):
    help = "Write all tasks of a user, one JSON object per line, oldest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_id", help="the user's id in Better Auth, the token's `sub` claim")
        parser.add_argument(
            "--output", type=Path, help="a file to write to; it must not exist (default: standard output)"
        )
        parser.add_argument("--array", action="store_true", help="write one JSON array instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        chunks = as_array(options["user_id"]) if options["array"] else as_lines(options["user_id"])
        if not options["output"]:
            for chunk in chunks:
                self.stdout.write(chunk.decode(), ending="")
            return
        try:
            with options["output"].open("xb") as file:
                file.writelines(chunks)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}") from error


def batches(user_id: str) -> Iterator[list[Row]]:
    """Yield the user's tasks in batches, each one statement of keyset pagination.

    A server-side cursor would need a transaction for the whole export, and a pooler in transaction mode has none.
    """
    after = None
    while rows := OwnedTasks(user_id).select(TaskQuery(sort="created", limit=BATCH, after=after)).rows:
        yield rows
        if len(rows) < BATCH:
            return
        after = rows[-1]["created_at"], rows[-1]["id"]


def as_lines(user_id: str) -> Iterator[bytes]:
    for rows in batches(user_id):
        yield b"".join(as_json(row) + b"\n" for row in rows)


def as_array(user_id: str) -> Iterator[bytes]:
    separator = b"[\n"
    for rows in batches(user_id):
        yield separator + b",\n".join(map(as_json, rows))
        separator = b",\n"
    yield b"\n]\n" if separator == b",\n" else b"[]\n"


def as_json(row: Row) -> bytes:
    """Return the task as the API does: times in UTC with `Z`; naive ones (of SQLite) are UTC already."""
    return orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)

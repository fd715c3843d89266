"""`manage.py export_tasks USER`: all tasks of a user as JSON, in bounded memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
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
        self.exported = 0
        chunks = (as_array if options["array"] else as_lines)(self.counted(batches(options["user_id"])))
        if options["output"]:
            write_file(options["output"], chunks)
            self.stdout.write(f"Tasks exported: {self.exported}")
        else:
            self.print(chunks)

    def counted(self, batches: Iterable[list[Row]]) -> Iterator[list[Row]]:
        for rows in batches:
            self.exported += len(rows)
            yield rows

    def print(self, chunks: Iterable[bytes]) -> None:
        """Write to standard output until the reader has enough, as `head` has."""
        try:
            for chunk in chunks:
                self.stdout.write(chunk.decode(), ending="")
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter's own last flush


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a new file. After an error nothing of it stays, so that the command can be repeated."""
    try:
        with path.open("xb") as file:
            try:
                file.writelines(chunks)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error


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


def as_lines(batches: Iterable[list[Row]]) -> Iterator[bytes]:
    for rows in batches:
        yield b"".join(as_json(row) + b"\n" for row in rows)


def as_array(batches: Iterable[list[Row]]) -> Iterator[bytes]:
    separator = b"[\n"
    for rows in batches:
        yield separator + b",\n".join(map(as_json, rows))
        separator = b",\n"
    yield b"\n]\n" if separator == b",\n" else b"[]\n"


def as_json(row: Row) -> bytes:
    """Return the task as the API does: times in UTC with `Z`; naive ones (of SQLite) are UTC already."""
    return orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)

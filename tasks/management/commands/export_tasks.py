"""`manage.py export_tasks USER`: all tasks of a user, in bounded memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.export import FORMATS, LINES

ALL_FORMATS = {"lines": LINES, **FORMATS}


class Command(BaseCommand):
    help = "Write all tasks of a user, oldest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_id", help="the user's id in Better Auth, the token's `sub` claim")
        parser.add_argument(
            "--output", type=Path, help="a file to write to; it must not exist (default: standard output)"
        )
        parser.add_argument(
            "--format", choices=ALL_FORMATS, default="lines", help="lines (the default): one JSON object per line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chunks = ALL_FORMATS[options["format"]].chunks(options["user_id"])
        if options["output"]:
            write_file(options["output"], chunks)
            self.stdout.write(f"Bytes written: {options['output'].stat().st_size}")
        else:
            self.print(chunks)

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

"""`manage.py delete_tasks USER`: delete all tasks of a user."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser, OutputWrapper

from tasks.models import Task


class Command(BaseCommand):
    help = "Count the tasks of a user. With --yes, delete them for good."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_id", help="the user's id in Better Auth, the token's `sub` claim")
        parser.add_argument("--yes", action="store_true", help="delete; without it nothing changes")

    def handle(self, *args: Any, **options: Any) -> None:
        tasks = Task.objects.owned_by(options["user_id"])
        total, deleted = tasks.count(), 0
        if not total:
            self.stdout.write("This user has no tasks. Upper and lower case differ in ids.")
            return
        if not options["yes"]:
            self.stdout.write(f"Tasks: {total}. Nothing was deleted: add --yes to delete them.")
            return
        for batch in tasks.delete_in_batches():
            deleted += batch
            if total > batch:
                show_progress(self.stderr, deleted, total)
        self.stdout.write(f"Tasks deleted: {deleted}")


def show_progress(stderr: OutputWrapper, done: int, total: int) -> None:
    """Write one line, which replaces itself on a terminal."""
    stderr.write(f"{done} of {total}", style_func=str, ending="\r" if stderr.isatty() and done < total else "\n")

"""`manage.py purge_unknown_users`: delete the tasks of users who are no longer in Better Auth's table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from tasks.management.commands.delete_tasks import show_progress
from tasks.models import Task
from todo_api.models import BetterAuthUser

BATCH = 1000  # users in one statement


class Command(BaseCommand):
    help = 'List the owners of tasks who are not in Better Auth\'s table "user". With --yes, delete their tasks.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="delete; without it nothing changes")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_wrong_database()
        users = tasks = 0
        for user_id in unknown_users():
            count = Task.objects.owned_by(user_id).count()
            if options["yes"]:
                count = self.purge(user_id, count)
            self.stdout.write(f"{user_id}: {count}")
            users, tasks = users + 1, tasks + count
        verb = "deleted" if options["yes"] else "found"
        self.stdout.write(f"Unknown users: {users}. Tasks {verb}: {tasks}")
        if tasks and not options["yes"]:
            self.stdout.write("Nothing was deleted: add --yes to delete them.")

    def purge(self, user_id: str, count: int) -> int:
        """Delete the tasks of a user, and return their number. `count` is for the progress."""
        deleted = 0
        for batch in Task.objects.owned_by(user_id).delete_in_batches():
            deleted += batch
            if count > batch:
                show_progress(self.stderr, deleted, count)
        return deleted


def refuse_wrong_database() -> None:
    """Raise CommandError when the table of users is missing or empty: then every task would be deleted."""
    table = BetterAuthUser._meta.db_table
    if table not in connection.introspection.table_names():
        raise CommandError(f'There is no table "{table}". Use the database in which Better Auth keeps its users.')
    if not BetterAuthUser.objects.exists():
        raise CommandError(f'The table "{table}" is empty. Use the database in which Better Auth keeps its users.')


def unknown_users() -> Iterator[str]:
    """Yield the owners of tasks who are not in Better Auth's table, in bounded memory and short statements."""
    last = ""
    while owners := list(_owners_after(last)[:BATCH]):
        known = _users_by_text_id().filter(text_id__in=owners).values_list("text_id", flat=True)
        yield from sorted(set(owners) - set(known))
        last = owners[-1]


def _owners_after(user_id: str) -> Any:
    owners = Task.objects.filter(user_id__gt=user_id).order_by("user_id")
    return owners.values_list("user_id", flat=True).distinct()


def _users_by_text_id() -> Any:
    """Better Auth's users with their ids as text, whatever the column's type."""
    return BetterAuthUser.objects.annotate(text_id=Cast("id", TextField()))

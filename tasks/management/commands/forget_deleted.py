"""`manage.py forget_deleted`: remove what is kept of deleted tasks for `changes`, when it is no longer needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from tasks.models import DeletedTask, LatestVersion, Task
from tasks.rows import parameter

BATCH = 1000
# PostgreSQL: this command never waits for a row, so it is in no deadlock. The next run removes what it has skipped.
SKIP_LOCKED = {"postgresql": "FOR UPDATE SKIP LOCKED", "sqlite": ""}
DELETE = """
DELETE FROM deleted_tasks WHERE (user_id, task_id) IN
(SELECT user_id, task_id FROM deleted_tasks WHERE deleted_at < %s LIMIT %s {}) RETURNING user_id
"""


class Command(BaseCommand):
    help = "Remove the ids of tasks that were deleted more than SYNC_RETENTION_DAYS + 1 days ago. Run it daily."

    def handle(self, *args: Any, **options: Any) -> None:
        # One day more than a token is good for: the clocks of the service and the database may differ.
        before = timezone.now() - timedelta(days=settings.SYNC_RETENTION_DAYS + 1)
        tasks, users = 0, 0
        while forgotten := forget(before):
            tasks, users = tasks + forgotten[0], users + forgotten[1]
        self.stdout.write(f"Deleted tasks forgotten: {tasks}. Users without tasks forgotten: {users}")


@transaction.atomic
def forget(before: datetime) -> tuple[int, int] | None:
    """Forget a batch of deleted tasks, and their users who have nothing left. Return the numbers; None: no more."""
    with connection.cursor() as cursor:
        cursor.execute(DELETE.format(SKIP_LOCKED[connection.vendor]), [parameter("deleted_at", before), BATCH])
        owners = [user_id for [user_id] in cursor.fetchall()]
    return (len(owners), forget_counters(set(owners))) if owners else None


def forget_counters(users: Iterable[str]) -> int:
    """Remove the counters of those users who have neither tasks nor deleted tasks. Return their number.

    A request that creates a task holds the lock of the counter until its commit, and NOT EXISTS alone does not see its
    task. So the counters are locked first. The statement after that sees the task of every request that had the lock
    before. A request that waits for the lock finds no counter after the commit, and begins a new one.
    A new counter begins with the clock, so one that is ahead of the clock stays: no version is given twice.
    """
    of_user = {"user_id": OuterRef("user_id")}
    idle = LatestVersion.objects.filter(pk__in=users).select_for_update(skip_locked=True)
    return (
        LatestVersion.objects.filter(pk__in=list(idle.values_list("pk", flat=True)))
        .filter(~Exists(Task.objects.filter(**of_user)), ~Exists(DeletedTask.objects.filter(**of_user)))
        .filter(version__lt=int(timezone.now().timestamp()))
        .delete()[0]
    )

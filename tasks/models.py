"""The task, with its constraints and indexes."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.db.models.functions import Length, Now
from django.db.models.lookups import GreaterThan, LessThanOrEqual

TITLE_MAX_LENGTH = 200
USER_ID_MAX_LENGTH = 255


class Priority(models.TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TaskQuerySet(models.QuerySet["Task"]):
    """Queries on many tasks. The API's own actions use `tasks.statements.OwnedTasks` instead."""

    def owned_by(self, user_id: str) -> TaskQuerySet:
        return self.filter(user_id=user_id)

    def pending(self) -> TaskQuerySet:
        return self.filter(completed=False)

    def completed(self) -> TaskQuerySet:
        return self.filter(completed=True)

    def mark(self, *, completed: bool) -> int:
        """Set `completed` in one statement. Return the number of tasks that changed."""
        others = self.pending() if completed else self.completed()
        return others.update(completed=completed, updated_at=Now())

    def delete_in_batches(self, size: int = 1000) -> Iterator[int]:
        """Delete all, one statement per batch, so that no lock is held for long. Yield the size of each batch."""
        while deleted := Task.objects.filter(pk__in=self.order_by().values("pk")[:size]).delete()[0]:
            yield deleted
            if deleted < size:
                return


class Task(models.Model):
    """A task of one user.

    `user_id` is the subject of Better Auth's tokens, without a foreign key; see
    docs/decisions/0001-token-users-are-not-django-users.md. All other columns but the title have a default in the
    database, so that a row that is inserted with plain SQL is complete.
    """

    user_id = models.CharField("owner", max_length=USER_ID_MAX_LENGTH)
    title = models.CharField(max_length=TITLE_MAX_LENGTH)
    description = models.TextField(null=True, blank=True)  # noqa: DJ001  # the API returns null
    completed = models.BooleanField(default=False, db_default=False)
    priority = models.CharField(
        max_length=6, choices=Priority.choices, default=Priority.MEDIUM, db_default=Priority.MEDIUM
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        db_table = "tasks"
        ordering = ["created_at", "id"]
        indexes = [
            # Every list of one user, and the default order.
            models.Index(fields=["user_id", "created_at", "id"], name="tasks_user_created"),
            # The same with ?status=.
            models.Index(fields=["user_id", "completed", "created_at", "id"], name="tasks_user_completed_created"),
        ]
        constraints = [
            models.CheckConstraint(condition=GreaterThan(Length("user_id"), 0), name="tasks_user_id_not_empty"),
            models.CheckConstraint(condition=GreaterThan(Length("title"), 0), name="tasks_title_not_empty"),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("title"), TITLE_MAX_LENGTH), name="tasks_title_at_most_200"
            ),
            models.CheckConstraint(condition=models.Q(priority__in=Priority.values), name="tasks_priority_known"),
        ]

    def __str__(self) -> str:
        return self.title

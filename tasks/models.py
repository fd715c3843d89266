"""The task, with its constraints and indexes, and what the database's triggers write beside it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Length, Now
from django.db.models.lookups import GreaterThan, LessThanOrEqual

TITLE_MAX_LENGTH = 200
USER_ID_MAX_LENGTH = 255
MAX_TAGS = 20


class ArrayLength(models.Func):
    """The number of elements of a JSON array. PostgreSQL refuses a value that is no array."""

    function = "JSONB_ARRAY_LENGTH"
    output_field = models.IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_ARRAY_LENGTH", **context)


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

    @transaction.atomic
    def mark(self, *, completed: bool) -> int:
        """Set `completed`. Return the number of tasks that changed."""
        others = self.pending() if completed else self.completed()
        return sum(tasks.update(completed=completed, updated_at=Now()) for tasks in others.locked_by_owner())

    @transaction.atomic
    def delete_locked(self) -> int:
        """Delete all. Return the number of tasks."""
        return sum(tasks.delete()[0] for tasks in self.locked_by_owner())

    def locked_by_owner(self) -> Iterator[TaskQuerySet]:
        """Lock the rows by id, then yield the tasks of one owner after the other.

        All writers take locks in this order, so that there is no deadlock.
        See docs/decisions/0013-a-version-per-user.md.
        """
        rows = self.order_by("pk").select_for_update().values_list("user_id", "pk")
        for _, group in groupby(sorted(rows), key=itemgetter(0)):
            yield Task.objects.filter(pk__in=[pk for _, pk in group])

    def delete_in_batches(self, size: int = 1000) -> Iterator[int]:
        """Delete all, one transaction per batch, so that no lock is held for long. Yield the size of each batch."""
        while deleted := Task.objects.filter(pk__in=self.order_by("pk").values("pk")[:size]).delete_locked():
            yield deleted


class Task(models.Model):
    """A task of one user.

    `user_id` is the subject of Better Auth's tokens, without a foreign key; see
    docs/decisions/0001-token-users-are-not-django-users.md. All other columns but the title have a default in the
    database, so that a row that is inserted with plain SQL is complete. A trigger writes `version`.
    """

    user_id = models.CharField("owner", max_length=USER_ID_MAX_LENGTH)
    title = models.CharField(max_length=TITLE_MAX_LENGTH)
    description = models.TextField(null=True, blank=True)  # noqa: DJ001  # the API returns null
    completed = models.BooleanField(default=False, db_default=False)
    priority = models.CharField(
        max_length=6, choices=Priority.choices, default=Priority.MEDIUM, db_default=Priority.MEDIUM
    )
    due_at = models.DateTimeField(null=True, blank=True)
    tags = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    client_id = models.UUIDField(null=True, editable=False)
    version = models.BigIntegerField(default=0, db_default=0, editable=False)
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
            models.CheckConstraint(
                condition=LessThanOrEqual(ArrayLength("tags"), MAX_TAGS), name="tasks_tags_at_most_20"
            ),
            models.UniqueConstraint(
                fields=["user_id", "client_id"],
                condition=models.Q(client_id__isnull=False),
                name="tasks_client_id_unique_per_user",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class LatestVersion(models.Model):
    """The version of the latest change of a user's tasks. Triggers write it; see decision 13."""

    user_id = models.CharField(primary_key=True, max_length=USER_ID_MAX_LENGTH)
    version = models.BigIntegerField()

    class Meta:
        db_table = "task_versions"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.version}"


class DeletedTask(models.Model):
    """What remains of a deleted task until `manage.py forget_deleted`. Triggers write it; see decision 13."""

    pk = models.CompositePrimaryKey("user_id", "task_id")
    user_id = models.CharField(max_length=USER_ID_MAX_LENGTH)
    task_id = models.BigIntegerField()
    client_id = models.UUIDField(null=True)
    version = models.BigIntegerField()
    deleted_at = models.DateTimeField()

    class Meta:
        db_table = "deleted_tasks"

    def __str__(self) -> str:
        return f"{self.task_id} of {self.user_id}"

"""The admin's task list with the owners' e-mail addresses, where Better Auth's users are in the same database."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest

from tasks.admin import TaskAdmin
from tasks.models import Task
from todo_api.models import BetterAuthUser


class TaskWithOwnerAdmin(TaskAdmin):
    """TaskAdmin that also shows and searches the e-mail address of the task's owner."""

    list_display = ["id", "title", "user_id", "owner_email", "completed", "priority", "created_at"]
    search_help_text = f"{TaskAdmin.search_help_text}, or a part of the owner's e-mail"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """Return the tasks with their owners' addresses, in the same statement."""
        owner = _users_by_text_id().filter(text_id=OuterRef("user_id"))
        tasks: QuerySet[Task] = super().get_queryset(request).annotate(email_of_owner=Subquery(owner.values("email")))
        return tasks

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        """Search as TaskAdmin does, and add the tasks of users whose e-mail address contains the term."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return found, may_have_duplicates
        owners = _users_by_text_id().filter(email__icontains=search_term.strip())
        return found | queryset.filter(user_id__in=owners.values("text_id")), may_have_duplicates

    @admin.display(description="owner's e-mail", empty_value="-")
    def owner_email(self, task: Any) -> str | None:
        """Return the address, None when the user was deleted."""
        email: str | None = task.email_of_owner
        return email


def _users_by_text_id() -> QuerySet[Any]:
    """Return Better Auth's users with their ids as text, as in the table of tasks."""
    return BetterAuthUser.objects.annotate(text_id=Cast("id", TextField()))


if settings.REQUIRE_KNOWN_USER:  # read once
    admin.site.unregister(Task)
    admin.site.register(Task, TaskWithOwnerAdmin)

"""The admin of tasks: search, edit, and mark many at once, on tables of any size."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet, TextField
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.functional import cached_property

from tasks.models import Task, TaskQuerySet

MAX_COUNT = 100_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic for the type checker alone
    """Counts up to MAX_COUNT rows. Counting a large table takes longer than the rest of the page."""

    @cached_property
    def count(self) -> int:
        tasks: Any = self.object_list
        return int(tasks.order_by()[:MAX_COUNT].count())


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the type checker alone
    list_display = ["id", "title", "user_id", "completed", "priority", "created_at"]
    list_display_links = ["id", "title"]
    list_filter = ["completed", "priority", "created_at"]
    search_fields = ["title"]
    search_help_text = "Words of the title, or a whole user id"
    ordering = ["-id"]
    actions = ["mark_completed", "mark_pending"]
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    formfield_overrides = {TextField: {"empty_value": None}}  # an empty form field is null, as in the API

    def get_readonly_fields(self, request: HttpRequest, obj: Task | None = None) -> list[str]:
        return ["created_at", "updated_at"] if obj else []

    def save_model(self, request: HttpRequest, obj: Task, form: Any, change: bool) -> None:
        if change:
            obj.updated_at = Now()
        super().save_model(request, obj, form, change)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        """Search in titles as Django does, and add the tasks of the user with exactly this id."""
        by_title, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return by_title, may_have_duplicates
        return by_title | queryset.filter(user_id=search_term.strip()), may_have_duplicates

    @admin.action(description="Mark completed")
    def mark_completed(self, request: HttpRequest, queryset: TaskQuerySet) -> None:
        self._mark(request, queryset, completed=True)

    @admin.action(description="Mark pending")
    def mark_pending(self, request: HttpRequest, queryset: TaskQuerySet) -> None:
        self._mark(request, queryset, completed=False)

    def _mark(self, request: HttpRequest, queryset: TaskQuerySet, *, completed: bool) -> None:
        count = queryset.mark(completed=completed)
        self.message_user(request, f"{count} changed to {'completed' if completed else 'pending'}.", messages.SUCCESS)

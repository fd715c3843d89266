"""Tasks for operators: find one, mark many, on tables of any size."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tasks.models import Task, TaskQuerySet


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the type checker alone
    """List, search by words of the title or by the exact user id, filter, mark."""

    list_display = ["id", "title", "user_id", "completed", "priority", "created_at"]
    list_display_links = ["id", "title"]
    list_filter = ["completed", "priority", "created_at"]
    search_fields = ["title"]
    search_help_text = "Words of the title, or a whole user id"
    ordering = ["-id"]
    readonly_fields = ["created_at", "updated_at"]
    actions = ["mark_completed", "mark_pending"]
    list_per_page = 50
    show_full_result_count = False  # counting a big table takes longer than the page itself

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        """Django's search in titles, or the tasks of the user of exactly that id."""
        by_title, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return by_title, may_have_duplicates
        return by_title | queryset.filter(Q(user_id=search_term.strip())), may_have_duplicates

    @admin.action(description="Mark completed")
    def mark_completed(self, request: HttpRequest, queryset: TaskQuerySet) -> None:
        """One statement for all that are selected."""
        self._mark(request, queryset, completed=True)

    @admin.action(description="Mark pending")
    def mark_pending(self, request: HttpRequest, queryset: TaskQuerySet) -> None:
        """One statement for all that are selected."""
        self._mark(request, queryset, completed=False)

    def _mark(self, request: HttpRequest, queryset: TaskQuerySet, *, completed: bool) -> None:
        count = queryset.mark(completed=completed)
        self.message_user(request, f"{count} changed to {'completed' if completed else 'pending'}.", messages.SUCCESS)

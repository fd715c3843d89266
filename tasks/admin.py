"""The admin of tasks: search, edit, and mark many at once, on tables of any size."""

from __future__ import annotations

from typing import Any

import orjson
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.paginator import Paginator
from django.db.models import QuerySet, TextField
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.functional import cached_property
from rest_framework.exceptions import ValidationError

from tasks.models import Task, TaskQuerySet
from tasks.serializers import TagsField

MAX_COUNT = 100_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic for the type checker alone
    """Counts up to MAX_COUNT rows. Counting a large table takes longer than the rest of the page."""

    @cached_property
    def count(self) -> int:
        tasks: Any = self.object_list
        return int(tasks.order_by()[:MAX_COUNT].count())


class TagsFormField(forms.CharField):
    """Tags, separated by commas, or a JSON array of strings. The rules are those of the API."""

    widget = AdminTextareaWidget(attrs={"rows": 2})

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        try:
            tags: list[str] = TagsField().run_validation(split_tags(super().to_python(value) or ""))
        except (ValidationError, ValueError) as error:
            raise forms.ValidationError(message_of(error)) from error
        return tags

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):  # text that was refused
            return value
        text = ", ".join(value)
        return text if not text.startswith("[") and split_tags(text) == value else orjson.dumps(value).decode()


def split_tags(text: str) -> Any:
    """Return the tags of an array or of a list with commas. Raise ValueError when an array is no JSON."""
    return orjson.loads(text) if text.startswith("[") else [tag.strip() for tag in text.split(",") if tag.strip()]


def message_of(error: ValidationError | ValueError) -> str:
    if isinstance(error, ValueError):
        return f"This is not a JSON array: {error}"
    detail: Any = error.detail
    if isinstance(detail, list):
        return str(detail[0])
    return " ".join(f"Tag {place + 1}: {messages[0]}" for place, messages in detail.items())


class TaskForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker alone
    tags = TagsFormField(required=False, help_text="Separated by commas, or a JSON array. At most 20.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "due_at" not in self.changed_data:
            cleaned["due_at"] = self.instance.due_at  # the form's has no microseconds
        if "user_id" in self.changed_data and self.has_taken_key(cleaned.get("user_id")):
            self.add_error("user_id", "This user has another task with the same client id.")
        return cleaned

    def has_taken_key(self, user_id: str | None) -> bool:
        """Return whether the user has a task with this client id. Django compares only fields of the form."""
        key = self.instance.client_id
        return key is not None and Task.objects.filter(user_id=user_id, client_id=key).exists()


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the type checker alone
    form = TaskForm
    list_display = ["id", "title", "user_id", "completed", "priority", "due_at", "created_at"]
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
        return ["client_id", "version", "created_at", "updated_at"] if obj else []

    def save_model(self, request: HttpRequest, obj: Task, form: Any, change: bool) -> None:
        if change:
            obj.updated_at = Now()
        super().save_model(request, obj, form, change)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        queryset.delete_locked()

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

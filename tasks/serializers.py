"""The wire shape of a task, and the strict types of what may be written."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from rest_framework import serializers

from tasks.models import TITLE_MAX_LENGTH, Task


class StringField(serializers.CharField):
    """A JSON string; a number is refused, not converted."""

    def to_internal_value(self, data: Any) -> str:
        """The string, trimmed where the field trims."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """JSON true or false; "yes" and 1 are refused."""

    def to_internal_value(self, data: Any) -> bool:
        """The boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class TaskSerializer(serializers.ModelSerializer[Task]):
    """A task. Unknown and read-only fields of a body are ignored."""

    title = StringField(max_length=TITLE_MAX_LENGTH, help_text="What is to be done; white space around it is dropped.")
    description = StringField(
        required=False,
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        max_length=settings.TASK_DESCRIPTION_MAX_LENGTH,
        help_text="Anything else about it; line breaks are kept.",
    )
    completed = StrictBooleanField(required=False)

    class Meta:
        model = Task
        fields = ["id", "user_id", "title", "description", "completed", "priority", "created_at", "updated_at"]
        read_only_fields = ["id", "user_id", "created_at", "updated_at"]


class CompletionSerializer(serializers.Serializer[Any]):
    """The optional body of `complete`: with it the state is set, so that a retry is harmless; without it toggled."""

    completed = StrictBooleanField(required=False)


# A serializer without data keeps no state between calls of run_validation(), so one of each kind serves every
# request; building its fields costs more than a request's SQL (docs/performance.md).
@cache
def new_task() -> TaskSerializer:
    """Validates the body of a create."""
    return TaskSerializer()


@cache
def task_changes() -> TaskSerializer:
    """Validates the body of an update: what is absent stays as it is."""
    return TaskSerializer(partial=True)


@cache
def completion() -> CompletionSerializer:
    """Validates the body of `complete`."""
    return CompletionSerializer()

"""The JSON of a task, and the strict types of its writable fields."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, cast

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from tasks.models import TITLE_MAX_LENGTH, Task

MAX_UNKNOWN = 20  # unknown fields that one error names
NEW_TASK = {"title": "Buy groceries", "description": "Milk, eggs, bread", "priority": "high"}
TASK = {
    "id": 7,
    "user_id": "Vt3rBq8LdXc5Yw1ZkPm6NsHj2GfAe4Ru",
    "title": "Buy groceries",
    "description": "Milk, eggs, bread",
    "completed": False,
    "priority": "medium",
    "created_at": "2026-01-31T08:30:00.123456Z",
    "updated_at": "2026-01-31T08:30:00.123456Z",
}


class StringField(serializers.CharField):
    """A JSON string. A number is refused, not converted."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """JSON true or false. "yes" and 1 are refused."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields with the code `unknown`, beside the errors of known fields. Ignores read-only fields."""

    default_error_messages: ClassVar[dict[str, Any]] = {"unknown": "This field is unknown."}

    def to_internal_value(self, data: Any) -> Any:
        unknown = data.keys() - self.fields.keys() if isinstance(data, Mapping) else None
        if not unknown:
            return super().to_internal_value(data)
        message = ErrorDetail(str(self.error_messages["unknown"]), code="unknown")
        errors: dict[str, Any] = {name: [message] for name in sorted(unknown)[:MAX_UNKNOWN]}
        try:
            super().to_internal_value(data)
        except ValidationError as error:
            errors |= cast("dict[str, Any]", error.detail)
        raise ValidationError(errors)


@extend_schema_serializer(
    examples=[
        OpenApiExample("New task", value=NEW_TASK, request_only=True),
        OpenApiExample("Task", value=TASK, response_only=True),
    ]
)
class TaskSerializer(StrictSerializer, serializers.ModelSerializer[Task]):
    """A task."""

    title = StringField(max_length=TITLE_MAX_LENGTH, help_text="White space at both ends is removed.")
    description = StringField(
        required=False,
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        max_length=settings.TASK_DESCRIPTION_MAX_LENGTH,  # read once
        help_text="Details. Line breaks are kept.",
    )
    completed = StrictBooleanField(required=False)

    class Meta:
        model = Task
        fields = ["id", "user_id", "title", "description", "completed", "priority", "created_at", "updated_at"]
        read_only_fields = ["id", "user_id", "created_at", "updated_at"]


@extend_schema_serializer(examples=[OpenApiExample("Completed", value={"completed": True}, request_only=True)])
class CompletionSerializer(StrictSerializer):
    """The optional body of `complete`. With it `completed` is set, so that a retry is harmless; without it toggled."""

    completed = StrictBooleanField(required=False)


# A serializer without data keeps no state between calls of run_validation(), so one instance serves all requests.
# Building the fields costs more than a request's SQL (docs/performance.md).
@cache
def create_serializer() -> TaskSerializer:
    """Return the validator of a new task."""
    return TaskSerializer()


@cache
def update_serializer() -> TaskSerializer:
    """Return the validator of a change. Absent fields are not changed."""
    return TaskSerializer(partial=True)


@cache
def completion_serializer() -> CompletionSerializer:
    return CompletionSerializer()

"""The JSON of a task, and the strict types of its writable fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, cast

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from tasks.models import MAX_TAGS, TITLE_MAX_LENGTH, Task
from tasks.rows import COLUMNS

MAX_BODIES = 100  # tasks in one array
MAX_UNKNOWN = 20  # unknown fields that one error names
TAG_MAX_LENGTH = 50
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)  # RFC 3339, section 5.6; digits after microseconds are cut off
NEW_TASK = {
    "title": "Buy groceries",
    "description": "Milk, eggs, bread",
    "priority": "high",
    "due_at": "2026-02-01T18:00:00+01:00",
    "tags": ["home"],
    "client_id": "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11",
}
TASK = {
    "id": 7,
    "user_id": "Vt3rBq8LdXc5Yw1ZkPm6NsHj2GfAe4Ru",
    "title": "Buy groceries",
    "description": "Milk, eggs, bread",
    "completed": False,
    "priority": "high",
    "due_at": "2026-02-01T17:00:00Z",
    "tags": ["home"],
    "client_id": "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11",
    "version": 1769848200,
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


class Tag(StringField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=TAG_MAX_LENGTH, **options)


class TagsField(serializers.ListField):
    """An array of tags. A tag that differs from an earlier one only by case is dropped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Tag(), max_length=MAX_TAGS, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        tags: dict[str, str] = {}
        for tag in super().to_internal_value(data):
            tags.setdefault(tag.lower(), tag)
        return list(tags.values())


class OffsetDateTimeField(serializers.DateTimeField):
    """A time of RFC 3339, with an offset. DRF reads a time without one in the server's time zone."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "A time of RFC 3339 is expected, like 2026-01-31T08:30:00Z.",
        "offset": "The time has no offset: add Z, or one like +01:00.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        match = TIME.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.fail("invalid")
        if not match["offset"]:
            self.fail("offset")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")


class ClientIdField(serializers.UUIDField):
    """A UUID in its 36 characters, returned in lower case. DRF takes numbers and other forms too."""

    def to_internal_value(self, data: Any) -> str:  # type: ignore[override]
        if not isinstance(data, str) or not UUID.fullmatch(data):
            self.fail("invalid", value=data)
        return data.lower()


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
    due_at = OffsetDateTimeField(required=False, allow_null=True, help_text="RFC 3339, with an offset.")
    tags = TagsField(required=False, help_text="The same tag in another case is dropped.")
    client_id = ClientIdField(
        required=False,
        allow_null=True,
        help_text="A UUID that the client made up, so that a create can be repeated. It never changes.",
    )

    class Meta:
        model = Task
        fields = list(COLUMNS)
        read_only_fields = ["id", "user_id", "version", "created_at", "updated_at"]


@extend_schema_serializer(
    component_name="Task", examples=[OpenApiExample("Change", value={"due_at": None, "tags": ["home", "urgent"]})]
)
class ChangeSerializer(TaskSerializer):
    """A change of a task."""

    client_id = ClientIdField(read_only=True, allow_null=True, help_text="It never changes.")


@extend_schema_serializer(examples=[OpenApiExample("Completed", value={"completed": True}, request_only=True)])
class CompletionSerializer(StrictSerializer):
    """The optional body of `complete`. With it `completed` is set, so that a retry is harmless; without it toggled."""

    completed = StrictBooleanField(required=False)


class CountsSerializer(serializers.Serializer[Any]):
    """The numbers of tasks that match."""

    all = serializers.IntegerField()
    pending = serializers.IntegerField()
    completed = serializers.IntegerField()
    overdue = serializers.IntegerField(help_text="Pending, and due before now.")


class DeletedTaskSerializer(serializers.Serializer[Any]):
    """What is known of a deleted task."""

    id = serializers.IntegerField()
    client_id = serializers.UUIDField(allow_null=True)


class ChangesSerializer(serializers.Serializer[Any]):
    """Changes of tasks."""

    changed = TaskSerializer(many=True)
    deleted = DeletedTaskSerializer(many=True)
    next = serializers.CharField(help_text="Opaque. Send it as `since`.")
    more = serializers.BooleanField(help_text="More changes follow: ask again at once.")


class ManyTasks(serializers.ListSerializer[Any]):
    """An array of new tasks. An error names the place: `3.title`."""

    def to_internal_value(self, data: Any) -> list[Any]:
        try:
            tasks: list[Any] = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(error.detail, list):
                raise
            raise ValidationError({str(place): item for place, item in enumerate(error.detail) if item}) from None
        self.refuse_repeated_keys(tasks)
        return tasks

    def refuse_repeated_keys(self, tasks: list[Any]) -> None:
        seen: set[str] = set()
        for place, task in enumerate(tasks):
            if (key := task.get("client_id")) in seen:
                error = ErrorDetail("This client_id is in the array twice.", code="unique")
                raise ValidationError({f"{place}.client_id": [error]})
            seen |= {key} if key else set()


def idempotency_key(header: str | None, body: Any) -> dict[str, str]:
    """Return the client id that the header Idempotency-Key holds, as a field of the task; {} without the header.

    Raise ValidationError when it is no UUID, when the body has another client id, or when the body is an array.
    """
    if header is None:
        return {}
    key = header.strip().strip('"').lower()
    in_body = body.get("client_id") if isinstance(body, Mapping) else None
    if isinstance(body, list):
        message = "An array takes a client_id in each task, not this header."
    elif not UUID.fullmatch(key):
        message = "A UUID is expected."
    elif in_body is not None and str(in_body).lower() != key:
        message = "The body has another client_id."
    else:
        return {"client_id": key}
    raise ValidationError({"Idempotency-Key": [message]}, code="invalid")


# A serializer without data keeps no state between calls of run_validation(), so one instance serves all requests.
# Building the fields costs more than a request's SQL (docs/performance.md).
@cache
def create_serializer() -> TaskSerializer:
    """Return the validator of a new task."""
    return TaskSerializer()


@cache
def create_many_serializer() -> ManyTasks:
    """Return the validator of an array of new tasks."""
    return ManyTasks(child=TaskSerializer(), allow_empty=False, max_length=MAX_BODIES)


@cache
def update_serializer() -> ChangeSerializer:
    """Return the validator of a change. Absent fields are not changed."""
    return ChangeSerializer(partial=True)


@cache
def completion_serializer() -> CompletionSerializer:
    return CompletionSerializer()

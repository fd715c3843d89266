"""The OpenAPI description of the task operations: ids, summaries, tags, and the headers of successes."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from tasks.serializers import MAX_BODIES, TaskSerializer

ACTIONS = {"partial_update": "patch", "retrieve": "get", "destroy": "delete"}

USER_ID = OpenApiParameter(
    "user_id",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^/]+$"},
    OpenApiParameter.PATH,
    description="The caller's id: the `sub` of the token.",
)
ID = OpenApiParameter(
    "id",
    {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "uuid"}]},
    OpenApiParameter.PATH,
    description="The task's id, or its `client_id`.",
)
LINK = OpenApiParameter(
    "Link",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description='The address of the next page, `<…>; rel="next"`, when more tasks follow.',
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[201], description="The address of a single new task."
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="Send it as If-None-Match, that of a task also as If-Match.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description='Do it only if the task has this version, like `"7"`; otherwise 412.',
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of an earlier response: 304 when it is current.",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    UUID,
    OpenApiParameter.HEADER,
    description="The new task's `client_id`. A repetition with the same key creates nothing and returns the task. "
    "Not with an array.",
)

EXPORTED = {
    (200, "application/json"): TaskSerializer(many=True),
    (200, "text/csv"): str,
    (200, "text/calendar"): str,
}
IDS = {"type": "array", "items": {"type": "integer"}}
# action -> status, and the operations that follow with the parameters that they take from the response
THIS_TASK = {"id": "$response.body#/id"}
THIS_VERSION = THIS_TASK | {"header.If-Match": "$response.header.ETag"}
WRITES = dict.fromkeys(("update", "patch", "delete", "complete"), THIS_VERSION)
LINKS: dict[str, tuple[str, dict[str, dict[str, str]]]] = {
    "create": ("201", {"get": THIS_TASK} | WRITES),
    "retrieve": ("200", WRITES),
    "changes": ("200", {"changes": {"since": "$response.body#/next"}}),
}
NOT_MODIFIED = {"description": "", "headers": {"ETag": {"schema": {"type": "string"}, "description": "The version."}}}


def one_or_many(media: dict[str, Any]) -> None:
    """Let a body be one task or an array of tasks."""
    media["schema"] = {
        "oneOf": [media["schema"], {"type": "array", "items": media["schema"], "minItems": 1, "maxItems": MAX_BODIES}]
    }


class TaskSchema(AutoSchema):
    """Names operations for generated clients: `tasks_list`, and `user_tasks_list` below a user id."""

    def get_operation_id(self) -> str:
        view: Any = self.view
        return self.operation_id(ACTIONS.get(view.action, view.action))

    def operation_id(self, name: str) -> str:
        return f"{'user_' if self.is_below_user else ''}tasks_{name}"

    def get_override_parameters(self) -> list[Any]:
        return [USER_ID] if self.is_below_user else []

    def get_summary(self) -> str:
        """Return the first sentence of the description."""
        return re.split(r"[.;]", self.get_description())[0].replace("`", "")

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation. A change needs a body, although each of its fields is optional."""
        operation: Any = super().get_operation(*args, **kwargs)
        view: Any = self.view
        if view.action in ("update", "partial_update", "update_many"):
            operation["requestBody"]["required"] = True
        if view.action == "update_many":  # a change of no field is refused
            operation["requestBody"]["content"]["application/json"]["schema"]["minProperties"] = 1
        if view.action in LINKS:
            status, following = LINKS[view.action]
            operation["responses"][status]["links"] = {name: self.link(name, following[name]) for name in following}
        if view.action == "create":
            one_or_many(operation["requestBody"]["content"]["application/json"])
            one_or_many(operation["responses"]["201"]["content"]["application/json"])
        if any(parameter["name"] == "If-None-Match" for parameter in operation.get("parameters", [])):
            operation["responses"]["304"] = NOT_MODIFIED
        return operation

    def link(self, name: str, parameters: dict[str, str]) -> dict[str, Any]:
        """Return the link to an operation for the same user."""
        user = {"user_id": "$request.path.user_id"} if self.is_below_user else {}
        return {"operationId": self.operation_id(name), "parameters": user | parameters}

    def get_tags(self) -> list[str]:
        return ["Tasks of the user in the path" if self.is_below_user else "Tasks of the token's user"]

    @property
    def is_below_user(self) -> bool:
        return "{user_id}" in self.path

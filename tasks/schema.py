"""The OpenAPI description of the task operations: ids, summaries, tags, and the headers of successes."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

ACTIONS = {"partial_update": "patch", "retrieve": "get", "destroy": "delete"}

ID = OpenApiParameter("id", int, OpenApiParameter.PATH, description="The task's id.")
LINK = OpenApiParameter(
    "Link",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description='The address of the next page, `<…>; rel="next"`, when more tasks follow.',
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, required=True, response=[201], description="The address of the new task."
)


class TaskSchema(AutoSchema):
    """Names operations for generated clients: `tasks_list`, and `user_tasks_list` below a user id."""

    def get_operation_id(self) -> str:
        view: Any = self.view
        action = ACTIONS.get(view.action, view.action)
        return f"{'user_' if self.is_below_user else ''}tasks_{action}"

    def get_summary(self) -> str:
        """Return the first clause of the description."""
        return re.split(r"[.;,]", self.get_description())[0].replace("`", "")

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation. A change needs a body, although each of its fields is optional."""
        operation: Any = super().get_operation(*args, **kwargs)
        view: Any = self.view
        if view.action in ("update", "partial_update"):
            operation["requestBody"]["required"] = True
        return operation

    def get_tags(self) -> list[str]:
        return ["Tasks of the user in the path" if self.is_below_user else "Tasks of the token's user"]

    @property
    def is_below_user(self) -> bool:
        return "{user_id}" in self.path

"""The six operations. Each is one SQL statement, and none when the request is refused."""

from __future__ import annotations

import re
from typing import Any

from django.utils.encoding import escape_uri_path
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from tasks.filters import COMPLETED, ListParameters, list_parameters
from tasks.models import Task
from tasks.pagination import decode_cursor, encode_cursor, next_link
from tasks.serializers import CompletionSerializer, TaskSerializer, completion, new_task, task_changes
from tasks.statements import OwnedTasks, Page, Row, owned_by

TASK_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
MAX_TASK_ID = 2**63 - 1
ID = OpenApiParameter("id", int, OpenApiParameter.PATH, description="The task.")


@extend_schema_view(
    list=extend_schema(parameters=[ListParameters]),
    retrieve=extend_schema(parameters=[ID]),
    update=extend_schema(parameters=[ID], request=TaskSerializer(partial=True)),
    partial_update=extend_schema(parameters=[ID], description="Change the fields that are sent, as PUT does."),
    destroy=extend_schema(parameters=[ID]),
    complete=extend_schema(parameters=[ID], request=CompletionSerializer),
    toggle_status=extend_schema(parameters=[ID], request=CompletionSerializer),
)
class TaskViewSet(ModelViewSet[Task]):
    """The caller's tasks, with or without the caller's id in the path."""

    queryset = Task.objects.none()  # for DRF's introspection; a request's rows come from `tasks`
    serializer_class = TaskSerializer
    lookup_value_regex = "[^/]+"  # what is no id is our own 404, after 401 and 403
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    @property
    def user_id(self) -> str:
        """The caller, from the token."""
        caller: Any = self.request.user
        return str(caller.user_id)

    @property
    def tasks(self) -> OwnedTasks:
        """The only door to rows."""
        return owned_by(self.user_id)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """For errors as well: the answer is the caller's own, and no cache may keep it unasked."""
        return {"Cache-Control": "private, no-cache", "Vary": "Authorization, Origin, Accept-Encoding"}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The caller's tasks as an array; a `Link` header leads on when there are more."""
        parameters = list_parameters().run_validation(request.query_params.dict())
        sort, limit, cursor = parameters["sort"], parameters["limit"], parameters.get("cursor")
        page = Page(
            sort=sort,
            limit=limit + 1,  # the one too many tells that a page follows
            completed=COMPLETED[parameters["status"]],
            priority=parameters.get("priority"),
            words=parameters.get("search", "").split(),
            after=decode_cursor(self.user_id, sort, cursor) if cursor else None,
        )
        rows = self.tasks.page(page)
        response = Response(rows)
        if len(rows) > limit:
            del rows[limit:]
            response["Link"] = next_link(request, encode_cursor(self.user_id, sort, rows[-1]))
        return response

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a task; `Location` says where it lives."""
        task = self.tasks.create(new_task().run_validation(request.data))
        location = f"{escape_uri_path(request.path).rstrip('/')}/{task['id']}"
        return Response(task, status=201, headers={"Location": request.build_absolute_uri(location)})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One task."""
        return self.answer(self.tasks.get(self.task_id))

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields that are sent; absent fields stay as they are, for PUT as for PATCH."""
        changes = task_changes().run_validation(request.data)
        if request.stream is None:
            raise ValidationError("A JSON object is expected.", code="required")
        if not changes:
            return self.answer(self.tasks.get(self.task_id))
        return self.answer(self.tasks.update(self.task_id, changes))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a task for good."""
        if not self.tasks.delete(self.task_id):
            raise self.not_found()
        return Response(status=204)

    @action(detail=True, methods=["patch"])
    def complete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Toggle `completed`, or set it to the body's, so that a retry is harmless."""
        changes = completion().run_validation(request.data)
        return self.answer(self.tasks.update(self.task_id, changes) if changes else self.tasks.toggle(self.task_id))

    @action(detail=True, methods=["patch"], url_path="toggle-status")
    def toggle_status(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Another name for `complete`."""
        return self.complete(request, *args, **kwargs)  # type: ignore[arg-type]  # the stubs' @action hides `self`

    @property
    def task_id(self) -> int:
        """The id in the path: a positive 64-bit integer in ASCII digits, anything else is a 404."""
        text = self.kwargs["pk"]
        if not TASK_ID.fullmatch(text) or int(text) > MAX_TASK_ID:
            raise self.not_found()
        return int(text)

    def answer(self, task: Row | None) -> Response:
        """The task, or 404 where the caller has none of that id, whoever else may."""
        if task is None:
            raise self.not_found()
        return Response(task)

    def not_found(self) -> NotFound:
        """The 404 of the id in the path."""
        return NotFound(f"Task {self.kwargs['pk'][:20]} not found")

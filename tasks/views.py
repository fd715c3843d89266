"""The six operations. Each is one SQL statement. A refused request runs none."""

from __future__ import annotations

import re
from typing import Any

from django.utils.encoding import escape_uri_path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from tasks.filters import COMPLETED, ListParameters, list_parameters
from tasks.models import Task, TaskQuerySet
from tasks.pagination import decode_cursor, encode_cursor, next_link
from tasks.schema import ID, LINK, LOCATION, TaskSchema
from tasks.serializers import (
    CompletionSerializer,
    TaskSerializer,
    completion_serializer,
    create_serializer,
    update_serializer,
)
from tasks.statements import OwnedTasks, Row, TaskQuery

TASK_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
MAX_TASK_ID = 2**63 - 1


@extend_schema_view(
    list=extend_schema(parameters=[ListParameters, LINK]),
    create=extend_schema(parameters=[LOCATION]),
    retrieve=extend_schema(parameters=[ID]),
    update=extend_schema(parameters=[ID], request=TaskSerializer(partial=True)),
    partial_update=extend_schema(parameters=[ID], description="Change the fields that are sent, as PUT does."),
    destroy=extend_schema(parameters=[ID]),
    complete=extend_schema(parameters=[ID], request=CompletionSerializer),
    toggle_status=extend_schema(parameters=[ID], request=CompletionSerializer),
)
class TaskViewSet(ModelViewSet[Task]):
    """The caller's tasks, with or without the caller's id in the path.

    Each action is one statement of `OwnedTasks`. So DRF's hooks `perform_create`, `perform_update`, `perform_destroy`,
    `filter_queryset` and `paginate_queryset` are not called: with them a write takes two statements
    (docs/decisions/0006-one-statement-per-request.md). `get_queryset` and `get_object` are scoped to the caller, for an
    action that is added in DRF's way.
    """

    queryset = Task.objects.all()
    serializer_class = TaskSerializer
    schema = TaskSchema()
    lookup_value_regex = "[^/]+"  # an id that is not a number is a 404 of this view, after 401 and 403
    format_kwarg = None  # no format suffixes; DRF's initial() sets it
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check a request in the order of the API's errors: 401, 429, 403, 405, 406. DRF begins with 406."""
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.add_post_render_callback(self.release)
        return final

    def release(self, response: Any) -> None:
        """Break the reference cycles of view, request and response, so that a list's rows are freed at once.

        Without it they stay in memory until the garbage collector runs, which gunicorn.conf.py makes rare.
        """
        self.request.parser_context.clear()
        response.renderer_context.clear()
        del self.request, self.response

    def get_queryset(self) -> TaskQuerySet:
        return Task.objects.owned_by(self.user_id)

    @property
    def user_id(self) -> str:
        """Return the caller's id, from the token."""
        caller: Any = self.request.user
        return str(caller.user_id)

    @property
    def tasks(self) -> OwnedTasks:
        return OwnedTasks(self.user_id)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Return headers for successes and errors: the response is the caller's own, and a cache must revalidate it."""
        return {"Cache-Control": "private, no-cache", "Vary": "Authorization, Origin, Accept-Encoding"}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the caller's tasks as an array. A `Link` header leads to the next page."""
        parameters = list_parameters().run_validation(request.query_params.dict())
        sort, limit, cursor = parameters["sort"], parameters["limit"], parameters.get("cursor")
        query = TaskQuery(
            sort=sort,
            limit=limit + 1,  # one more row shows that another page follows
            completed=COMPLETED[parameters["status"]],
            priority=parameters.get("priority"),
            words=parameters.get("search", ()),
            after=decode_cursor(self.user_id, sort, cursor) if cursor else None,
        )
        rows = self.tasks.select(query)
        response = Response(rows)
        if len(rows) > limit:
            del rows[limit:]
            response["Link"] = next_link(request, encode_cursor(self.user_id, sort, rows[-1]))
        return response

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create a task. `Location` is its address."""
        task = self.tasks.create(create_serializer().run_validation(request.data))
        location = f"{escape_uri_path(request.path).rstrip('/')}/{task['id']}"
        return Response(task, status=201, headers={"Location": request.build_absolute_uri(location)})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get a task."""
        return self.task_response(self.tasks.get(self.task_id))

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields that are sent. Absent fields stay as they are, for PUT as for PATCH."""
        changes = update_serializer().run_validation(request.data)
        if request.stream is None:
            raise ValidationError("A JSON object is expected.", code="required")
        if not changes:
            return self.task_response(self.tasks.get(self.task_id))
        return self.task_response(self.tasks.update(self.task_id, changes))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a task for good."""
        if not self.tasks.delete(self.task_id):
            raise self.not_found()
        return Response(status=204)

    @action(detail=True, methods=["patch"])
    def complete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Toggle `completed`. With a body, set it instead, so that a retry is harmless."""
        changes = completion_serializer().run_validation(request.data)
        task = self.tasks.update(self.task_id, changes) if changes else self.tasks.toggle(self.task_id)
        return self.task_response(task)

    @action(detail=True, methods=["patch"], url_path="toggle-status")
    def toggle_status(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Do the same as `complete`."""
        return self.complete(request, *args, **kwargs)  # type: ignore[arg-type]  # the stubs' @action hides `self`

    @property
    def task_id(self) -> int:
        """Return the id in the path, a positive 64-bit integer in ASCII digits. Raise NotFound for anything else."""
        text = self.kwargs["pk"]
        if not TASK_ID.fullmatch(text) or int(text) > MAX_TASK_ID:
            raise self.not_found()
        return int(text)

    def task_response(self, task: Row | None) -> Response:
        """Return the task. Raise NotFound when the caller has no task with this id, also when another user has one."""
        if task is None:
            raise self.not_found()
        return Response(task)

    def not_found(self) -> NotFound:
        return NotFound(f"Task {self.kwargs['pk'][:20]} not found")

"""The operations on tasks. Each is one SQL statement, an export one for each page. A refused request runs none."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.encoding import escape_uri_path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from tasks.conditions import PreconditionFailed, demanded_versions, digest, is_known, known_version, list_tag, task_tag
from tasks.export import FORMATS
from tasks.filters import (
    BulkParameters,
    ChangesParameters,
    ExportParameters,
    FilterParameters,
    ListParameters,
    bulk_parameters,
    changes_parameters,
    export_parameters,
    filter_parameters,
    filters_of,
    list_parameters,
    task_key,
    validated,
)
from tasks.models import Task, TaskQuerySet
from tasks.negotiation import ExportNegotiation
from tasks.pagination import decode_cursor, encode_cursor, next_link
from tasks.queries import TaskQuery
from tasks.rows import Row
from tasks.schema import ETAG, EXPORTED, ID, IDEMPOTENCY_KEY, IDS, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, TaskSchema
from tasks.serializers import (
    ChangeSerializer,
    ChangesSerializer,
    CompletionSerializer,
    CountsSerializer,
    TaskSerializer,
    completion_serializer,
    create_many_serializer,
    create_serializer,
    idempotency_key,
    update_serializer,
)
from tasks.statements import Key, Outcome, OwnedTasks
from tasks.sync_tokens import SyncExpired, decode_token, encode_token


@extend_schema_view(
    list=extend_schema(parameters=[ListParameters, IF_NONE_MATCH, LINK, ETAG]),
    create=extend_schema(parameters=[IDEMPOTENCY_KEY, LOCATION, ETAG]),
    retrieve=extend_schema(parameters=[ID, IF_NONE_MATCH, ETAG]),
    update=extend_schema(parameters=[ID, IF_MATCH, ETAG], request=ChangeSerializer(partial=True)),
    partial_update=extend_schema(
        parameters=[ID, IF_MATCH, ETAG],
        request=ChangeSerializer(partial=True),
        description="Change the fields that are sent, as PUT does.",
    ),
    destroy=extend_schema(parameters=[ID, IF_MATCH]),
    complete=extend_schema(parameters=[ID, IF_MATCH, ETAG], request=CompletionSerializer),
    toggle_status=extend_schema(parameters=[ID, IF_MATCH, ETAG], request=CompletionSerializer),
    counts=extend_schema(parameters=[FilterParameters, IF_NONE_MATCH, ETAG], responses=CountsSerializer),
    changes=extend_schema(parameters=[ChangesParameters, IF_NONE_MATCH, ETAG], responses=ChangesSerializer),
    export=extend_schema(parameters=[ExportParameters], responses=EXPORTED),
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
    lookup_value_regex = "[^/]+"  # an id of another form is a 404 of this view, after 401 and 403
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
        if isinstance(final, Response):
            final.add_post_render_callback(self.release)
        return final

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response: Any = super().dispatch(request, *args, **kwargs)
        if response.streaming:  # it is not rendered
            self.release(response)
        return response

    def release(self, response: Any) -> None:
        """Break the reference cycles of view, request and response, so that a list's rows are freed at once.

        Without it they stay in memory until the garbage collector runs, which gunicorn.conf.py makes rare.
        """
        self.request.parser_context.clear()
        if not response.streaming:
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
        parameters = validated(list_parameters(), request)
        sort, limit, cursor = parameters["sort"], parameters["limit"], parameters.get("cursor")
        query = TaskQuery(
            sort=sort,
            limit=limit + 1,  # one more row shows that another page follows
            filters=filters_of(parameters),
            after=decode_cursor(self.user_id, sort, cursor) if cursor else None,
        )
        this_list = digest(self.user_id, query)
        rows, version = self.tasks.select(query, known=known_version(request, this_list))
        response = self.tagged(list_tag(version, this_list, is_empty=not rows), lambda: rows[:limit])
        if len(rows) > limit:
            response["Link"] = next_link(request, encode_cursor(self.user_id, sort, rows[limit - 1]))
        return response

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create a task, or up to 100 tasks in an array. With a `client_id` a repetition creates nothing.

        `Location` is the address of a single new task.
        """
        key = idempotency_key(request.headers.get("Idempotency-Key"), request.data)
        if isinstance(request.data, list):
            return Response(self.tasks.create_many(create_many_serializer().run_validation(request.data)), status=201)
        task = self.tasks.create(create_serializer().run_validation(request.data) | key)
        location = f"{escape_uri_path(request.path).rstrip('/')}/{task['id']}"
        headers = {"Location": request.build_absolute_uri(location), "ETag": task_tag(task)}
        return Response(task, status=201, headers=headers)

    @extend_schema(
        parameters=[BulkParameters], request=ChangeSerializer(partial=True), responses=TaskSerializer(many=True)
    )
    def update_many(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change all tasks that match, and return them; at most 1,000.

        At least one filter is demanded; `status=all` stands for all tasks. Repeat it until fewer come back, with a
        filter that no longer matches a changed task.
        """
        changes = update_serializer().run_validation(request.data)
        filters = self.demanded_filters(request)
        if not changes:
            raise ValidationError("A JSON object with a change is expected.", code="required")
        return Response(self.tasks.update_many(filters, changes))

    @extend_schema(parameters=[BulkParameters], responses={200: IDS})
    def destroy_many(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete all tasks that match for good, and return the ids; at most 1,000.

        At least one filter is demanded; `status=all` stands for all tasks. Repeat it until fewer come back.
        """
        return Response(self.tasks.delete_many(self.demanded_filters(request)))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get a task."""
        task = self.found(self.tasks.get(self.task_key))
        return self.tagged(task_tag(task), lambda: task)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields that are sent. Absent fields stay as they are, for PUT as for PATCH."""
        changes = update_serializer().run_validation(request.data)
        if request.stream is None:
            raise ValidationError("A JSON object is expected.", code="required")
        versions = demanded_versions(request)
        if changes:
            return self.outcome(self.tasks.update(self.task_key, changes, versions))
        task = self.tasks.get(self.task_key)
        return self.outcome(Outcome(task, versions is None or (task is not None and task["version"] in versions)))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a task for good."""
        self.done(self.tasks.delete(self.task_key, demanded_versions(request)))
        return Response(status=204)

    @action(detail=True, methods=["patch"])
    def complete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Toggle `completed`. With a body, set it instead, so that a retry is harmless."""
        changes = completion_serializer().run_validation(request.data)
        versions = demanded_versions(request)
        if changes:
            return self.outcome(self.tasks.update(self.task_key, changes, versions))
        return self.outcome(self.tasks.toggle(self.task_key, versions))

    @action(detail=True, methods=["patch"], url_path="toggle-status")
    def toggle_status(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Do the same as `complete`."""
        return self.complete(request, *args, **kwargs)  # type: ignore[arg-type]  # the stubs' @action hides `self`

    @action(detail=False)
    def counts(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Count all, pending, completed and overdue tasks. The filters are those of the list."""
        counts = self.tasks.count(filters_of(validated(filter_parameters(), request)))
        return self.tagged(f'"{digest(self.user_id, counts)}"', lambda: counts)

    @action(detail=False)
    def changes(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get what has changed since `next` of the previous response, or every task. See "Changes" in docs/api.md."""
        parameters = validated(changes_parameters(), request)
        token = parameters.get("since")
        since = decode_token(self.user_id, token) if token else None
        changes = self.tasks.changes(since and since.position, parameters["limit"])
        if changes is None:
            raise SyncExpired
        body = changes._asdict() | {"next": encode_token(self.user_id, changes, since)}
        return self.tagged(f'"{digest(body["next"])}"', lambda: body)

    @action(detail=False, content_negotiation_class=ExportNegotiation)
    def export(self, request: Request, *args: Any, **kwargs: Any) -> StreamingHttpResponse:
        """Get all tasks as JSON, CSV or iCalendar, oldest first. `format` goes before `Accept`."""
        name = validated(export_parameters(), request).get("format")
        if name is None:
            [name] = (key for key, known in FORMATS.items() if known.media_type == request.accepted_media_type)
        chunks = FORMATS[name].chunks(self.user_id)
        first = next(chunks)  # the first page is read before the response begins, so that its error is a problem
        return StreamingHttpResponse(
            chain([first], chunks) if request.method == "GET" else (),
            content_type=FORMATS[name].media_type + ("" if name == "json" else "; charset=utf-8"),
            headers={"Content-Disposition": f'attachment; filename="tasks.{name}"', "Vary": "Accept"},
        )

    @property
    def task_key(self) -> Key:
        """Return the id or the client id in the path. Raise NotFound for other text."""
        key = task_key(self.kwargs["pk"])
        if key is None:
            raise self.not_found()
        return key

    def demanded_filters(self, request: Request) -> Any:
        """Return the filters of a change of many tasks. It has no If-Match, and ignoring one could overwrite."""
        if "If-Match" in request.headers:
            raise ValidationError({"If-Match": ["Change one task at a time with If-Match."]}, code="invalid")
        return filters_of(validated(bulk_parameters(), request))

    def tagged(self, tag: str, body: Callable[[], Any]) -> Response:
        """Return a response with an entity tag, or a 304 when the client has this version."""
        if is_known(self.request, tag):
            return Response(status=304, headers={"ETag": tag})
        return Response(body(), headers={"ETag": tag})

    def outcome(self, outcome: Outcome) -> Response:
        task = self.done(outcome)
        return Response(task, headers={"ETag": task_tag(task)})

    def done(self, outcome: Outcome) -> Row:
        """Return the task that was written. Raise PreconditionFailed when it has another version than demanded."""
        task = self.found(outcome.task)
        if not outcome.is_done:
            raise PreconditionFailed(task)
        return task

    def found(self, task: Row | None) -> Row:
        """Return the task. Raise NotFound when the caller has no task with this id, also when another user has one."""
        if task is None:
            raise self.not_found()
        return task

    def not_found(self) -> NotFound:
        return NotFound(f"Task {self.kwargs['pk'][:36]} not found")

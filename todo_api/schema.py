"""The OpenAPI document's parts that drf-spectacular cannot see: problems, headers, names and examples."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema

from todo_api.exceptions import MEDIA_TYPE, TITLES

Schema = dict[str, Any]
# status -> (code, detail, headers)
PROBLEMS: dict[int, tuple[str, str, list[str]]] = {
    400: ("parse_error", "The body is not JSON: Expecting value: line 1 column 1 (char 0)", []),
    401: ("token_expired", "Token has expired", ["WWW-Authenticate"]),
    403: ("forbidden", "Access denied: cannot access another user's tasks", []),
    404: ("not_found", "Task 7 not found", []),
    405: ("method_not_allowed", 'Method "POST" not allowed.', ["Allow"]),
    406: ("not_acceptable", "Could not satisfy the request Accept header.", []),
    413: ("payload_too_large", "The request body is larger than 64 KiB.", []),
    415: ("unsupported_media_type", 'Unsupported media type "text/plain" in request.', []),
    422: ("validation_error", "title: This field may not be blank.", []),
    429: ("rate_limited", "Request was throttled. Expected available in 43 seconds.", ["Retry-After"]),
    500: ("internal_error", "Something unexpected went wrong. It has been logged.", []),
    503: ("database_unavailable", "The database cannot be reached. Try again in a moment.", ["Retry-After"]),
}
FOR_BODIES = {400, 413, 415}
EVERYWHERE = ("X-Request-ID", "RateLimit-Policy", "RateLimit")
HEADERS: dict[str, Schema] = {
    "X-Request-ID": {"description": "Names this answer in the log.", "schema": {"type": "string"}, "required": True},
    "RateLimit-Policy": {
        "description": 'The limit that this request counts for: `"user";q=600;w=60` is 600 in 60 seconds.',
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'What is left of it, and the seconds until all of it is back: `"user";r=599;t=43`.',
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}, "required": True},
    "Allow": {"description": "The methods that there are.", "schema": {"type": "string"}, "required": True},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "required": True},
    "Location": {"description": "The new task's address.", "schema": {"type": "string"}, "required": True},
    "Link": {
        "description": 'The next page\'s address, `<…>; rel="next"`, when more tasks follow.',
        "schema": {"type": "string"},
    },
}
PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457. `errors` is there for validation alone.",
    "required": ["status", "title", "code", "detail", "request_id"],
    "additionalProperties": False,
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "additionalProperties": False,
                "properties": {
                    "field": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
    },
}
REQUEST_ID = "3f2c9a5be6c14f0b9d1e8a7c5b4d3e2f"
TASK: Schema = {
    "id": 7,
    "user_id": "Vt3rBq8LdXc5Yw1ZkPm6NsHj2GfAe4Ru",
    "title": "Buy groceries",
    "description": "Milk, eggs, bread",
    "completed": False,
    "priority": "medium",
    "created_at": "2026-01-31T08:30:00.123456Z",
    "updated_at": "2026-01-31T08:30:00.123456Z",
}
NEW_TASK: Schema = {"title": "Buy groceries", "description": "Milk, eggs, bread", "priority": "high"}
ACTIONS = {"partial_update": "patch", "retrieve": "get", "destroy": "delete"}


class AutoSchema(SpectacularAutoSchema):
    """Operation ids that read well in a generated client: `tasks_list`, and `user_tasks_list` below a user."""

    def get_operation_id(self) -> str:
        """Unique in the document."""
        view: Any = self.view
        action = ACTIONS.get(view.action, view.action)
        return f"{'user_' if '{user_id}' in self.path else ''}tasks_{action}"

    def get_summary(self) -> str:
        """What a list of operations shows: the first sentence of the description."""
        return re.split(r"[.;,]", self.get_description())[0].replace("`", "")

    def get_tags(self) -> list[str]:
        """Two groups, as the addresses are."""
        return ["Tasks of the user in the path" if "{user_id}" in self.path else "Tasks of the token's user"]


def complete_document(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A POSTPROCESSING_HOOK: adds to every operation what this service answers everywhere."""
    components = result["components"]
    components["schemas"]["Problem"] = PROBLEM
    components["headers"] = HEADERS
    components["responses"] = {f"Problem{status}": problem(status) for status in PROBLEMS}
    components["schemas"]["Task"]["required"] = list(components["schemas"]["Task"]["properties"])
    # The routes take an optional slash; the document names the address without it.
    result["paths"] = {path.rstrip("/"): operations for path, operations in result["paths"].items()}
    for path, operations in result["paths"].items():
        for operation in operations.values():
            complete_operation(path, operation)
    return result


def complete_operation(path: str, operation: Schema) -> None:
    """Headers and examples of the success, and the problems that can happen here."""
    responses = operation["responses"]
    for status, response in responses.items():
        response["headers"] = header_references(*EVERYWHERE, *success_headers(operation, status))
        response["description"] = HTTPStatus(int(status)).phrase
        for media in response.get("content", {}).values():
            media["example"] = [TASK] if media["schema"].get("type") == "array" else TASK
    for media in operation.get("requestBody", {}).get("content", {}).values():
        media["example"] = {"completed": True} if path.endswith(("complete", "toggle-status")) else NEW_TASK
    left_out = set()
    if "requestBody" not in operation:
        left_out |= FOR_BODIES
    if "{user_id}" not in path:
        left_out |= {403}
    if "{id}" not in path:
        left_out |= {404}
    if operation["operationId"].endswith(("_get", "_delete")):
        left_out |= {422}
    for status in PROBLEMS.keys() - left_out:
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = dict(sorted(responses.items()))


def success_headers(operation: Schema, status: str) -> list[str]:
    """What a success carries besides what every answer does."""
    if status == "201":
        return ["Location"]
    return ["Link"] if operation["operationId"].endswith("_list") else []


def problem(status: int) -> Schema:
    """A response object for one status."""
    code, detail, headers = PROBLEMS[status]
    title = TITLES.get(status) or HTTPStatus(status).phrase
    example: Schema = {"status": status, "title": title, "code": code, "detail": detail, "request_id": REQUEST_ID}
    if status == 422:
        example["errors"] = [{"field": "title", "code": "blank", "detail": "This field may not be blank."}]
    return {
        "description": title,
        "headers": header_references(*EVERYWHERE, *headers),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }


def header_references(*names: str) -> Schema:
    """References to the headers of HEADERS."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}

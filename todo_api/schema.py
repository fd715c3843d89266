"""Parts of the OpenAPI document that drf-spectacular cannot see: problems, and headers of every response."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from tasks.serializers import TASK
from todo_api.exceptions import CODES, MEDIA_TYPE
from todo_api.parsers import SEND_JSON
from todo_api.titles import TITLES

Schema = dict[str, Any]
# status -> (example of a detail, headers)
PROBLEMS: dict[int, tuple[str, list[str]]] = {
    400: ("The body is not JSON: Expecting value: line 1 column 1 (char 0)", []),
    401: ("Token has expired", ["WWW-Authenticate"]),
    403: ("Access denied: cannot access another user's tasks", []),
    404: ("Task 7 not found", []),
    405: ('Method "POST" not allowed.', ["Allow"]),
    406: ("Could not satisfy the request Accept header.", []),
    410: ("The changes since this token are no longer known. Read all tasks again.", []),
    412: ("Task 7 has changed: its version is 1769848200.", ["ETag"]),
    413: ("The request body is larger than 64 KiB.", []),
    414: ("The request line is too long.", []),
    415: (SEND_JSON, []),
    422: ("title: This field may not be blank.", []),
    429: ("Request was throttled. Expected available in 43 seconds.", ["Retry-After"]),
    431: ("The request headers are too large.", []),
    500: ("Something unexpected went wrong. It has been logged.", []),
    503: ("The database cannot be reached. Try again in a moment.", ["Retry-After"]),
}
FOR_BODIES = {400, 413, 415}
FOR_PARAMETERS = {410: "since", 412: "If-Match"}
EVERYWHERE = ("X-Request-ID", "RateLimit-Policy", "RateLimit")
HEADERS: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "The request's id in the log.",
        "schema": {"type": "string"},
        "required": True,
    },
    "RateLimit-Policy": {
        "description": 'The limit for this request: `"user";q=600;w=60` is 600 requests in 60 seconds.',
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'The requests that remain, and the seconds until the limit is reset: `"user";r=599;t=43`.',
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}, "required": True},
    "Allow": {"description": "The allowed methods.", "schema": {"type": "string"}, "required": True},
    "ETag": {"description": "The current version.", "schema": {"type": "string"}, "required": True},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "required": True},
}
PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457. `errors` is present when the status is 422, `current` when it is 412.",
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
        "current": {"$ref": "#/components/schemas/Task"},
        "request_id": {"type": "string"},
    },
}
PROBLEM_WITH_TASK = PROBLEM | {"required": [*PROBLEM["required"], "current"]}
# Patterns of strings in requests. \s is not the same in JavaScript, Python and Rust: for the service, which trims as
# Python does, the four information separators and the next line are white space too.
NO_NUL = r"^[^\x00]*$"
NOT_BLANK = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"
REQUEST_ID = "3f2c9a5be6c14f0b9d1e8a7c5b4d3e2f"


def complete_document(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Add the problems and headers of its responses to every operation. One of POSTPROCESSING_HOOKS."""
    components = result["components"]
    complete_schemas(components["schemas"])
    components["schemas"] |= {"Problem": PROBLEM, "ProblemWithTask": PROBLEM_WITH_TASK}
    components["headers"] = HEADERS
    components["responses"] = {f"Problem{status}": problem(status) for status in PROBLEMS}
    # Routes take an optional slash. The document shows paths without it.
    result["paths"] = {path.rstrip("/"): operations for path, operations in result["paths"].items()}
    for path, operations in result["paths"].items():
        for operation in operations.values():
            complete_operation(path, operation)
    return result


def complete_schemas(schemas: Schema) -> None:
    """Say that a response has all its fields, and a body no unknown ones. A read-only field of a body is ignored."""
    for name, schema in schemas.items():
        if name.endswith("Request"):
            response = schemas.get(name.removeprefix("Patched").removesuffix("Request"), {})
            ignored = response.get("properties", {}).keys() - schema["properties"].keys()
            complete_strings(schema)
            schema["properties"] |= {field: {"readOnly": True} for field in sorted(ignored)}
            schema["additionalProperties"] = False
        elif "properties" in schema:
            schema["required"] = list(schema["properties"])


def complete_strings(schema: Schema) -> None:
    """Say of each string in a request that it has no NUL, and, when it may not be empty, that it is not blank."""
    for inner in schema.get("properties", {}).values():
        complete_strings(inner)
    if "items" in schema:
        complete_strings(schema["items"])
    if "string" in schema.get("type", ()) and not schema.keys() & {"enum", "format", "pattern"}:
        schema["pattern"] = NOT_BLANK if schema.get("minLength") else NO_NUL


def complete_operation(path: str, operation: Schema) -> None:
    """Add the headers of every response, and the problems that this operation can return."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            complete_strings(parameter["schema"])
    responses = operation["responses"]
    for status, response in responses.items():
        response["headers"] = header_references(*EVERYWHERE) | response.get("headers", {})
        response["description"] = HTTPStatus(int(status)).phrase
    for status in PROBLEMS.keys() - impossible_problems(path, operation):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = dict(sorted(responses.items()))


def impossible_problems(path: str, operation: Schema) -> set[int]:
    """Return the statuses of problems that this operation never returns."""
    parameters = {parameter["in"] for parameter in operation.get("parameters", [])}
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    statuses = set() if "requestBody" in operation else FOR_BODIES
    if "requestBody" not in operation and "query" not in parameters:
        statuses = statuses | {422}
    statuses = statuses | {status for status, name in FOR_PARAMETERS.items() if name not in names}
    if "{user_id}" not in path:
        statuses = statuses | {403}
    if "{" not in path:  # a value with a slash leads to another path
        statuses = statuses | {404}
    return statuses


def problem(status: int) -> Schema:
    """Return the response object of a problem."""
    detail, headers = PROBLEMS[status]
    code = "token_expired" if status == 401 else CODES[status]
    title = TITLES[status]
    example: Schema = {"status": status, "title": title, "code": code, "detail": detail, "request_id": REQUEST_ID}
    if status == 422:
        example["errors"] = [{"field": "title", "code": "blank", "detail": "This field may not be blank."}]
    if status == 412:
        example["current"] = TASK
    schema = {"$ref": f"#/components/schemas/{'ProblemWithTask' if status == 412 else 'Problem'}"}
    return {
        "description": title,
        "headers": header_references(*EVERYWHERE, *headers),
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }


def header_references(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}

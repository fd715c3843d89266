"""The one error body: application/problem+json (RFC 9457) for every error of the application."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from todo_api.logging import current_request_id, summary
from todo_api.throttling import client_address, count_anonymous
from todo_api.titles import TITLES

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 1  # seconds
# Errors of PostgreSQL while it is not ready: read-only after a failover; a missing table or column before a migration.
NOT_READY = {"25006", "42P01", "42703"}
# The default code of each status. A refused token and a 503 have several codes, which their exceptions name.
CODES = {
    400: "parse_error",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    410: "sync_expired",
    412: "precondition_failed",
    413: "payload_too_large",
    414: "uri_too_long",  # this and 431 are of the server below: server_errors.py
    415: "unsupported_media_type",
    422: "validation_error",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal_error",
    503: "database_unavailable",
}


class PayloadTooLarge(exceptions.APIException):
    """The body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = 413
    default_detail = "The request body is larger than 64 KiB."


class DatabaseUnavailable(exceptions.APIException):
    """The database does not respond, or not in time. See docs/decisions/0002-a-lost-database-is-503.md."""

    status_code = 503
    default_detail = "The database cannot be reached. Try again in a moment."
    default_code = CODES[503]


def problem_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Return the problem of an exception in an API view. DRF's EXCEPTION_HANDLER."""
    request, view = context["request"], context["view"]
    error = translate(exc)
    if error.status_code == 401:  # raised before DRF checks the throttles
        error = throttle_anonymous(error, request, view)
    log(error, exc, request)
    headers = dict(error_headers(error))
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(view.allowed_methods)
    return Response(body(error), status=error.status_code, headers=headers)


def problem_response(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the problem of an exception outside of API views. Django's handler400 and handler403."""
    error = translate(exception)
    log(error, exception, request)
    return HttpResponse(
        orjson.dumps(body(error)),
        status=error.status_code,
        content_type=MEDIA_TYPE,
        headers=dict(error_headers(error)),
    )


def log_exception(request: HttpRequest, exception: Exception) -> None:
    """Log an exception of a response that has begun."""
    log(translate(exception), exception, request)


def translate(exc: Exception) -> exceptions.APIException:
    """Return the APIException whose status and detail the client gets for `exc`."""
    match exc:
        case exceptions.ValidationError():
            exc.status_code = 422
            return exc
        case exceptions.APIException():
            return exc
        case RequestDataTooBig():
            return PayloadTooLarge()
        case OperationalError() | InterfaceError():
            return DatabaseUnavailable()
        case DatabaseError() if getattr(exc.__cause__, "sqlstate", None) in NOT_READY:
            return DatabaseUnavailable()
        case Http404():
            return exceptions.NotFound("There is nothing at this address.")
        case PermissionDenied():
            return exceptions.PermissionDenied(str(exc) or None)
        case SuspiciousOperation() | UnreadablePostError() | BadRequest() | MultiPartParserError():
            return exceptions.ParseError("The request is malformed.")
        case _:
            return exceptions.APIException("Something unexpected went wrong. It has been logged.")


def throttle_anonymous(error: exceptions.APIException, request: Any, view: Any) -> exceptions.APIException:
    """Count a request without a valid token. Return its 401, or a 429 when the limit is exceeded."""
    usage = count_anonymous(request, view)
    return exceptions.Throttled(usage.seconds) if usage and usage.is_over else error


def body(error: exceptions.APIException) -> dict[str, Any]:
    """Return the problem: status, title, code, detail, request_id, errors when the status is 422, and the members that
    the exception adds.
    """
    status = error.status_code
    problem: dict[str, Any] = {"status": status, "title": TITLES[status], "code": code_of(error)}
    if isinstance(error, exceptions.ValidationError):
        problem["errors"] = list(field_errors(error.get_full_details()))
        problem["detail"] = " ".join(sentence(item) for item in problem["errors"])
    else:
        problem["detail"] = str(error.detail)
    return problem | getattr(error, "members", {}) | {"request_id": current_request_id()}


def code_of(error: exceptions.APIException) -> str:
    """Return the stable code: the exception's code where its status has several, else the status's code."""
    if error.status_code == 503 or isinstance(error, exceptions.AuthenticationFailed):
        return str(error.get_codes())
    return CODES[error.status_code]


def field_errors(details: Any, field: str = "") -> Iterator[dict[str, str | None]]:
    """Flatten DRF's nested details to one item per error; `field` is null for the body as a whole."""
    if isinstance(details, list):
        for item in details:
            yield from field_errors(item, field)
    elif "message" in details and "code" in details and isinstance(details["code"], str):
        yield {"field": field or None, "code": details["code"], "detail": encodable(details["message"])}
    else:
        for name, item in details.items():
            inner = "" if name == "non_field_errors" else encodable(name)
            yield from field_errors(item, ".".join(filter(None, [field, inner])))


def encodable(text: Any) -> str:
    """Replace lone surrogates, which a request's body can contain and UTF-8 cannot encode."""
    return str(text).encode(errors="replace").decode()


def sentence(item: Mapping[str, str | None]) -> str:
    return f"{item['field']}: {item['detail']}" if item["field"] else str(item["detail"])


def error_headers(error: exceptions.APIException) -> Iterator[tuple[str, str]]:
    """Yield the exception's own headers, WWW-Authenticate for a 401 (RFC 6750, section 3), Retry-After for 429, 503."""
    yield from getattr(error, "headers", {}).items()
    if error.status_code == 401:
        challenge = getattr(error, "auth_header", 'Bearer realm="api"')
        if isinstance(error, exceptions.AuthenticationFailed):
            description = re.sub(r"[^ !#-\[\]-~]", "", str(error.detail))
            challenge += f', error="invalid_token", error_description="{description}"'
        yield "WWW-Authenticate", challenge
    if error.status_code == 503:
        yield "Retry-After", str(RETRY_AFTER)
    elif isinstance(error, exceptions.Throttled):
        yield "Retry-After", str(error.wait)  # type: ignore[attr-defined]  # missing in the stubs


def log(error: exceptions.APIException, exc: Exception, request: Any) -> None:
    """Log a 401 with its reason, a 503 with its cause and a 500 with its traceback."""
    if error.status_code >= 500:
        unexpected = error.status_code == 500
        cause = summary(exc) if unexpected else first_line(exc)
        logger.error("%s: %s", code_of(error), cause, exc_info=exc if unexpected else None)
    elif error.status_code == 401:
        logger.warning("401 %s: %s", code_of(error), error.detail, extra={"client": client_address(request)})


def first_line(exc: Exception) -> str:
    """Return the message without the lines in which PostgreSQL quotes rows and statements."""
    diagnosis = getattr(exc.__cause__, "diag", None)
    return getattr(diagnosis, "message_primary", None) or str(exc)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return a 404. Django's handler404, and the view of the last URL pattern, so that DEBUG changes no response."""
    return problem_response(request, exception or Http404())


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the problem of an exception of a middleware, which Django is handling. Django's handler500."""
    exception = sys.exception()
    return problem_response(request, exception if isinstance(exception, Exception) else RuntimeError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return a 403 for a form of the admin, because no other form has a CSRF token. CSRF_FAILURE_VIEW."""
    return problem_response(request, PermissionDenied(f"The form could not be verified: {reason}"))

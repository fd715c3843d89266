"""The one error body: application/problem+json (RFC 9457) for every error of every layer."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from todo_api.logging import client_address, current_request_id
from todo_api.throttling import count_refused

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 1  # seconds
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}  # as RFC 9110 has them
CODES = {
    400: "parse_error",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
    422: "validation_error",
    429: "rate_limited",
    500: "internal_error",
}


class PayloadTooLarge(exceptions.APIException):
    """The body is longer than is read (413)."""

    status_code = 413
    default_detail = "The request body is larger than 64 KiB."
    default_code = "payload_too_large"


class DatabaseUnavailable(exceptions.APIException):
    """The database does not answer, or not in time. See decision 2."""

    status_code = 503
    default_detail = "The database cannot be reached. Try again in a moment."
    default_code = "database_unavailable"


def problem_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: every exception of an API view becomes a problem."""
    error = limited(translate(exc), context["request"])
    view = context["view"]
    log(error, exc, context["request"])
    headers = dict(error_headers(error))
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(view.allowed_methods)
    return Response(body(error), status=error.status_code, headers=headers)


def problem_response(request: HttpRequest, exc: Exception) -> HttpResponse:
    """The same for what Django raises outside of DRF's views."""
    error = translate(exc)
    log(error, exc, request)
    return HttpResponse(
        orjson.dumps(body(error)),
        status=error.status_code,
        content_type=MEDIA_TYPE,
        headers=dict(error_headers(error)),
    )


def translate(exc: Exception) -> exceptions.APIException:
    """The APIException that says to the client what `exc` means."""
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
        case Http404():
            return exceptions.NotFound("There is nothing at this address.")
        case PermissionDenied():
            return exceptions.PermissionDenied(str(exc) or None)
        case SuspiciousOperation() | UnreadablePostError() | BadRequest() | MultiPartParserError():
            return exceptions.ParseError("The request is malformed.")
        case _:
            return exceptions.APIException("Something unexpected went wrong. It has been logged.")


def limited(error: exceptions.APIException, request: Request) -> exceptions.APIException:
    """The error of a request that may not have been counted yet; 429 for one 401 too many. See decision 10."""
    usage = count_refused(request) if error.status_code < 500 else None  # what breaks is not the client's doing
    if usage and usage.is_over and error.status_code == 401:
        return exceptions.Throttled(usage.seconds)
    return error


def body(error: exceptions.APIException) -> dict[str, Any]:
    """The problem document: status, title, code, detail, errors (422 alone), request_id."""
    status = error.status_code
    problem: dict[str, Any] = {
        "status": status,
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "code": code_of(error),
    }
    if isinstance(error, exceptions.ValidationError):
        problem["errors"] = list(field_errors(error.get_full_details()))
        problem["detail"] = " ".join(sentence(item) for item in problem["errors"])
    else:
        problem["detail"] = str(error.detail)
    return problem | {"request_id": current_request_id()}


def code_of(error: exceptions.APIException) -> str:
    """The stable word for programs: an error's own where the status has several, else the status's."""
    if error.status_code == 503 or isinstance(error, exceptions.AuthenticationFailed | PayloadTooLarge):
        return str(error.get_codes())
    if isinstance(error, exceptions.NotAuthenticated):
        return "not_authenticated"
    return CODES[error.status_code]


def field_errors(details: Any, field: str = "") -> Iterator[dict[str, str | None]]:
    """Flatten DRF's nested details to one item per error; `field` is null for the body as a whole."""
    if isinstance(details, list):
        for item in details:
            yield from field_errors(item, field)
    elif "message" in details and "code" in details and isinstance(details["code"], str):
        # A message may quote a lone surrogate of the body, which no UTF-8 can hold.
        message = str(details["message"]).encode(errors="replace").decode()
        yield {"field": field or None, "code": details["code"], "detail": message}
    else:
        for name, item in details.items():
            inner = "" if name == "non_field_errors" else str(name)
            yield from field_errors(item, ".".join(filter(None, [field, inner])))


def sentence(item: Mapping[str, str | None]) -> str:
    """One field error as a person reads it."""
    return f"{item['field']}: {item['detail']}" if item["field"] else str(item["detail"])


def error_headers(error: exceptions.APIException) -> Iterator[tuple[str, str]]:
    """WWW-Authenticate for a 401 (RFC 6750, 3), Retry-After where waiting helps."""
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
    """One line for the operator: what was refused, with its reason, and what broke, with its trace."""
    if error.status_code >= 500:
        unexpected = error.status_code == 500
        logger.error("%s: %s", code_of(error), exc, exc_info=exc if unexpected else None)
    elif error.status_code == 401:
        logger.warning("401 %s: %s", code_of(error), error.detail, extra={"client": client_address(request)})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: SuspiciousOperation and its kin."""
    return problem_response(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return problem_response(request, exception)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404, and the last URL pattern, so that DEBUG shows the same answer."""
    return problem_response(request, exception or Http404())


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: what a middleware raised. Django calls it while it handles the exception."""
    exception = sys.exception()
    return problem_response(request, exception if isinstance(exception, Exception) else RuntimeError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW; only the operators' forms are protected by CSRF tokens."""
    return problem_response(request, PermissionDenied(f"The form could not be verified: {reason}"))

"""What happens to every request around its view: its id and its log line, health, errors, operators' sessions."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.encoding import escape_uri_path

from todo_api import health, metrics
from todo_api.exceptions import problem_response
from todo_api.logging import set_request_id
from todo_api.throttling import USAGE

GetResponse = Callable[[HttpRequest], HttpResponseBase]
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
OPERATORS = "/admin/"
WORTH_COMPRESSING = 1024  # bytes

request_log = logging.getLogger("todo_api.request")


def new_request_id() -> str:
    """32 hexadecimal digits. It names a request and guards nothing, so that the system is not asked for randomness."""
    return f"{random.getrandbits(128):032x}"


class RequestMiddleware:
    """Gives the request an id (the caller's if it is a sane one), logs it, counts it, answers for broken views."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response with its X-Request-ID."""
        begin = time.perf_counter()
        asked = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = asked if SANE_REQUEST_ID.fullmatch(asked) else new_request_id()
        set_request_id(request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        if usage := request.META.get(USAGE):
            usage.tell(response)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")  # probes never reach SecurityMiddleware
        seconds = time.perf_counter() - begin
        # The query string stays out of the log: it holds what people search for.
        request_log.info(
            "%s %s %d",
            request.method,
            escape_uri_path(request.path_info),  # a line break in it must not begin a line of the log
            response.status_code,
            extra={"status": response.status_code, "milliseconds": round(seconds * 1000, 2)},
        )
        metrics.observe(request, response, seconds)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        """Problem+json for what a view raised, in DEBUG too."""
        return problem_response(request, exception)


class HealthMiddleware:
    """Answers the probes before anything looks at the Host header: a probe comes with an address of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The probe's answer, or what the rest of the service says."""
        view = health.PROBES.get(request.path_info)
        return view(request) if view else self.get_response(request)


class CompressionMiddleware(GZipMiddleware):
    """Django's gzip for bodies that are worth it; a single task grows by it or gains nothing."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """The response, compressed when it has a whole body of a kilobyte and the client asks for it."""
        worth_it = response.streaming or len(response.content) >= WORTH_COMPRESSING
        return super().process_response(request, response) if worth_it else response


def for_operators(middleware: type[Any]) -> type[Any]:
    """Django's `middleware` for the admin's addresses alone, so that an API call does not pay for it.

    A subclass, because Django's checks look for the admin's middleware by its class.
    """

    class ForOperators(middleware):  # type: ignore[misc]
        def __call__(self, request: HttpRequest) -> Any:
            middle = super().__call__ if request.path_info.startswith(OPERATORS) else self.get_response
            return middle(request)

    return ForOperators


OperatorSessionMiddleware = for_operators(SessionMiddleware)
OperatorAuthenticationMiddleware = for_operators(AuthenticationMiddleware)
OperatorMessageMiddleware = for_operators(MessageMiddleware)

"""Middlewares: request id and request log, health checks, compression, and sessions for the admin."""

from __future__ import annotations

import errno
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.deprecation import MiddlewareMixin

from todo_api import health, metrics, request_log
from todo_api.exceptions import log_exception, problem_response
from todo_api.identity.current_user import current_user
from todo_api.logging import set_request_id
from todo_api.postgresql.time_limit import time_limit
from todo_api.throttling import in_flight

GetResponse = Callable[[HttpRequest], HttpResponseBase]
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
ADMIN_PREFIX = "/admin/"
MIN_COMPRESSED = 1024  # bytes


def new_request_id() -> str:
    """Return 32 hexadecimal digits. The id protects nothing, so it needs no randomness from the operating system."""
    return f"{random.getrandbits(128):032x}"


class RequestMiddleware:
    """Gives each request an id (the client's if it is well-formed), logs and measures it, and handles exceptions."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        client_id = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = client_id if WELL_FORMED_ID.fullmatch(client_id) else new_request_id()
        set_request_id(request_id)
        current_user.set(None)  # that of the request before on this connection
        with ExitStack() as work:
            work.callback(in_flight.finish)
            work.enter_context(metrics.recorder.in_work())
            with time_limit(settings.DB_TIME_LIMIT):
                response = self.get_response(request)
            response["X-Request-ID"] = request_id
            response.headers.setdefault(
                "X-Content-Type-Options", "nosniff"
            )  # SecurityMiddleware does not see health checks
            if request.method == "HEAD" and isinstance(response, HttpResponse):
                response.content = b""  # gunicorn does not send it, and warns of it
            if response.streaming and not hasattr(response, "file_to_stream"):  # a file is sent without Python
                stream: Any = response
                stream.streaming_content = Stream(request, stream, start, work.pop_all())
            else:
                record(request, response, start)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        """Return the problem of what a view raised, with DEBUG too."""
        return problem_response(request, exception)


def record(request: HttpRequest, response: HttpResponseBase, start: float, **details: Any) -> None:
    """Log and measure a request at its end. `start` is a time of time.perf_counter()."""
    seconds = time.perf_counter() - start
    request_log.write(request, response, seconds, **details)
    metrics.recorder.observe(request, response, seconds)


class Stream:
    """The body of a streamed response. The request ends with it, so until then it counts as in work.

    Each part has a time limit for the database. An error, which the client cannot be told any more, ends the connection
    without the end of the body, so that the client does not take the part that it got for the whole.
    """

    def __init__(self, request: HttpRequest, response: StreamingHttpResponse, start: float, work: ExitStack) -> None:
        self.request, self.response, self.start, self.work = request, response, start, work
        self.parts: Iterator[bytes] = iter(response)
        self.sent, self.is_whole = 0, False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        try:
            with time_limit(settings.DB_TIME_LIMIT):
                part = next(self.parts)
        except StopIteration:
            self.is_whole = True
            raise
        except Exception as error:
            log_exception(self.request, error)
            raise BrokenPipeError(errno.EPIPE, "the response has failed") from error  # gunicorn closes the connection
        self.sent += len(part)
        return part

    def close(self) -> None:
        with self.work:
            record(self.request, self.response, self.start, sent=self.sent, cut=not self.is_whole)
        del self.parts, self.response  # a reference cycle


class HealthMiddleware:
    """Answers health checks before the Host header is checked, because a health check names an address of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = health.HEALTH_CHECKS.get(request.path_info)
        return view(request) if view else self.get_response(request)


class CompressionMiddleware(GZipMiddleware):
    """Django's gzip for bodies of a kilobyte or more. A single task becomes larger, or hardly smaller.

    Entity tags stay as they are. Django weakens them, and If-Match compares strongly: W/"5" would never match.
    """

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        if response.status_code == 304:  # CommonMiddleware has set 0; the 200 has another length (RFC 9110, 8.6)
            del response["Content-Length"]
        if not response.streaming and len(response.content) < MIN_COMPRESSED:
            return response
        tag = response.get("ETag")
        response = super().process_response(request, response)
        if tag:
            response["ETag"] = tag
        return response


class AdminOnlyMixin(MiddlewareMixin):
    """Runs a middleware of Django for the admin's paths only, so that API requests are faster."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(ADMIN_PREFIX):
            return super().__call__(request)
        return self.get_response(request)


class AdminSessionMiddleware(AdminOnlyMixin, SessionMiddleware):
    pass


class AdminAuthenticationMiddleware(AdminOnlyMixin, AuthenticationMiddleware):
    pass


class AdminMessageMiddleware(AdminOnlyMixin, MessageMiddleware):
    pass

"""The WSGI application."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todo_api.settings")

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
WORKER_BOOT_ERROR = 3  # the exit status with which a worker makes gunicorn stop


def buffer_chunked(app: WSGIApplication) -> WSGIApplication:
    """Read chunked bodies and set their Content-Length: without one Django treats a body as empty.

    At most one byte over the limit is read. With this byte the parser responds with 413.
    """

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ:  # gunicorn refuses one that does not end in "chunked"
            limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            body = environ["wsgi.input"].read(limit + 1)
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return app(environ, start_response)

    return wrapped


def release_connections(app: WSGIApplication) -> WSGIApplication:
    """Return the database connection to the pool before the response is sent. A slow client reads it for a minute."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = app(environ, start_response)
        close_old_connections()
        return response

    return wrapped


def load() -> WSGIApplication:
    """Return the application; a wrong configuration stops the server with one line."""
    try:
        application = get_wsgi_application()
        prepare()
    except ImproperlyConfigured as error:
        sys.stderr.write(f"The service does not start: {error}\n")
        sys.exit(WORKER_BOOT_ERROR)
    return buffer_chunked(release_connections(application))


def prepare() -> None:
    """Check the configuration, and build once what all requests share. The imports need loaded apps."""
    from todo_api.checks import refuse_to_start_misconfigured
    from todo_api.identity.authentication import token_verifier
    from todo_api.pages import document_bytes
    from todo_api.throttling import rate_limits

    refuse_to_start_misconfigured()  # imports the URLconf too, so that the first request does not wait for it
    for build in (token_verifier, rate_limits, document_bytes):  # before the first requests, which can be parallel
        build()
    connections.close_all()  # a check may have used the database, and workers must not inherit its socket


application = load()

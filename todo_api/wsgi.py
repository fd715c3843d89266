"""What gunicorn runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.urls import get_resolver

from todo_api.checks import refuse_to_start_misconfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todo_api.settings")

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
WORKER_BOOT_ERROR = 3  # the exit status that tells gunicorn not to try again


def buffer_chunked(app: WSGIApplication) -> WSGIApplication:
    """Give chunked bodies the Content-Length without which Django takes them for empty.

    At most one byte over the limit is read; that byte makes the parser answer 413.
    """

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ:  # whatever else it names, gunicorn sees that it ends in "chunked"
            limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            body = environ["wsgi.input"].read(limit + 1)
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return app(environ, start_response)

    return wrapped


def load() -> WSGIApplication:
    """The application; a wrong configuration stops the server with one line."""
    try:
        application = get_wsgi_application()
        refuse_to_start_misconfigured()
        connections.close_all()  # a check may have asked the database, and a worker must not inherit its socket
        get_resolver().url_patterns  # noqa: B018  # imported now, not by the first request
    except ImproperlyConfigured as error:
        sys.stderr.write(f"The service does not start: {error}\n")
        sys.exit(WORKER_BOOT_ERROR)
    return buffer_chunked(application)


application = load()

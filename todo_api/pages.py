"""The pages outside the API: the root, Swagger UI, Redoc, the OpenAPI document, the icon."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import orjson
from csp import constants as csp
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.generators import SchemaGenerator

from todo_api import __version__
from todo_api.methods import safe_only

FAVICON = (Path(__file__).parent / "static/todo_api/favicon.ico").read_bytes()


@safe_only
@vary_on_headers("Accept")
def root(request: HttpRequest) -> HttpResponse:
    """Return a page for a browser; name, version and addresses as JSON for every other client."""
    if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        about = {"version": __version__, "browsable": settings.BROWSABLE_API}
        return render(request, "todo_api/root.html", about)
    addresses = {"docs": "/docs", "schema": "/openapi.json", "health": "/health"}
    return JsonResponse({"name": "Task API", "version": __version__} | addresses)


@safe_only
def swagger(request: HttpRequest) -> HttpResponse:
    return render(request, "todo_api/swagger.html", {"options": settings.SPECTACULAR_SETTINGS["SWAGGER_UI_SETTINGS"]})


@csp_update({"style-src": [csp.UNSAFE_INLINE], "worker-src": ["blob:"]})
@safe_only
def redoc(request: HttpRequest) -> HttpResponse:
    return render(request, "todo_api/redoc.html")


@cache
def document_bytes() -> bytes:
    """Return the OpenAPI document. Not thread-safe, so wsgi.py calls it before the first request."""
    return orjson.dumps(SchemaGenerator().get_schema(public=True))  # type: ignore[no-untyped-call]


@safe_only
def document(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document_bytes(), content_type="application/vnd.oai.openapi+json")


@safe_only
@cache_control(public=True, max_age=86_400)
def favicon(request: HttpRequest) -> HttpResponse:
    """Return the icon. Browsers request this address when a page names no icon."""
    return HttpResponse(FAVICON, content_type="image/x-icon")

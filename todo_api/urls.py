"""Every address of the service."""

from __future__ import annotations

from functools import cache

import orjson
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from todo_api import __version__, exceptions
from todo_api.metrics import metrics


def root(request: HttpRequest) -> JsonResponse:
    """What this is and where to read on."""
    addresses = {"docs": "/docs", "schema": "/openapi.json", "health": "/health"}
    return JsonResponse({"name": "Task API", "version": __version__} | addresses)


@cache
def document_bytes() -> bytes:
    """The OpenAPI document. It changes with a release alone, and building it takes longer than anything else here."""
    return orjson.dumps(SchemaGenerator().get_schema(public=True))  # type: ignore[no-untyped-call]


def document(request: HttpRequest) -> HttpResponse:
    """GET /openapi.json."""
    return HttpResponse(document_bytes(), content_type="application/vnd.oai.openapi+json")


urlpatterns = [
    path("", root, name="root"),
    path("api/", include("tasks.urls")),
    path("openapi.json", document, name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("redoc", SpectacularRedocView.as_view(url_name="schema", template_name="todo_api/redoc.html"), name="redoc"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    re_path("", csrf_exempt(exceptions.page_not_found)),
]

handler400 = handler403 = exceptions.problem_response
handler404 = exceptions.page_not_found
handler500 = exceptions.server_error

admin.site.site_header = admin.site.site_title = "Task API"
admin.site.index_title = "Operations"

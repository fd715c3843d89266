"""Every address of the service."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path, re_path
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerView

from todo_api import __version__, exceptions
from todo_api.metrics import metrics


def root(request: HttpRequest) -> JsonResponse:
    """What this is and where to read on."""
    addresses = {"docs": "/docs", "schema": "/openapi.json", "health": "/health"}
    return JsonResponse({"name": "Task API", "version": __version__} | addresses)


urlpatterns = [
    path("", root, name="root"),
    path("api/", include("tasks.urls")),
    # Building the document takes a tenth of a second; it changes with a release alone.
    path("openapi.json", cache_page(3600)(SpectacularJSONAPIView.as_view()), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("redoc", SpectacularRedocView.as_view(url_name="schema", template_name="todo_api/redoc.html"), name="redoc"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    re_path("", csrf_exempt(exceptions.page_not_found)),
]

handler400 = exceptions.bad_request
handler403 = exceptions.permission_denied
handler404 = exceptions.page_not_found
handler500 = exceptions.server_error

admin.site.site_header = admin.site.site_title = "Task API"
admin.site.index_title = "Operations"

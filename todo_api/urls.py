"""Every address of the service."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from todo_api import exceptions, pages
from todo_api.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.root, name="root"),
    path("api/", include("tasks.urls")),
    path("openapi.json", pages.document, name="schema"),
    path("docs", pages.swagger, name="docs"),
    path("redoc", pages.redoc, name="redoc"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("metrics", metrics, name="metrics"),
    re_path("", csrf_exempt(exceptions.page_not_found)),
]
if settings.ADMIN_ENABLED:
    from django.contrib import admin

    urlpatterns.insert(-1, path("admin/", admin.site.urls))

handler400 = handler403 = exceptions.problem_response
handler404 = exceptions.page_not_found
handler500 = exceptions.server_error

"""DRF's browsable API: HTML pages below /api/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path
from rest_framework import renderers

from todo_api.exceptions import MEDIA_TYPE
from todo_api.renderers import ORJSONRenderer


class IndentedJSONRenderer(ORJSONRenderer):
    """Renders the JSON that a page shows."""

    options = ORJSONRenderer.options | orjson.OPT_INDENT_2


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """Renders pages that keep a pasted token in the browser tab. browsable.js sends it with each request."""

    template = "todo_api/browsable.html"

    def get_default_renderer(self, view: Any) -> renderers.BaseRenderer:
        return IndentedJSONRenderer()

    def get_content(self, renderer: Any, data: Any, accepted_media_type: str | None, renderer_context: Any) -> str:
        """Return the JSON as text. The JSON renderer gets no context, because it would change the page's response."""
        return str(renderer.render(data).decode())

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        """Return DRF's context, with the JSON's media type and a list's rows, and without forms for a 204 or 404.

        A page has no ETag, because its JSON has the same one.
        """
        response = renderer_context["response"]
        patch_vary_headers(response, ["Accept"])
        context: dict[str, Any] = super().get_context(data, accepted_media_type, renderer_context)
        if response.exception:
            context["response_headers"]["Content-Type"] = MEDIA_TYPE
            context["problem"] = data
        if not renderer_context["view"].detail:
            context |= {"links": readable(context["extra_actions"]), "extra_actions": None}
        if isinstance(data, list) and all(isinstance(row, dict) for row in data):
            context |= {"rows": data, "base": escape_uri_path(renderer_context["request"].path.rstrip("/"))}
        response.headers.pop("ETag", None)
        if response.status_code in (204, 404):
            context |= {"display_edit_forms": False, "delete_form": None, "extra_actions": None}
        return context

    def get_breadcrumbs(self, request: Any) -> list[tuple[str, str]]:
        """Return DRF's breadcrumbs without the slash at the end, because the API's addresses have none."""
        return [(name, url.rstrip("/")) for name, url in super().get_breadcrumbs(request)]

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Any) -> Any:
        """Return DRF's form with other content. DRF fills it from a model instance, but here a task is a dict."""
        form = super().get_raw_data_form(data, view, method, request)
        if form:
            form.fields["_content"].initial = self.initial_content(data, view, method)
        return form

    def initial_content(self, data: Any, view: Any, method: str) -> str:
        """Return JSON with the writable fields of the shown task, or with empty fields; "" for an action."""
        if method == "PATCH" and "PUT" not in view.allowed_methods:
            return ""
        fields = [field for field in view.get_serializer().fields.values() if not field.read_only]
        values = {field.field_name: field.get_initial() for field in fields}
        if method != "POST" and isinstance(data, dict) and values.keys() <= data.keys():
            values = {name: data[name] for name in values}
        else:
            values = {name: value for name, value in values.items() if value is not None}
        return orjson.dumps(values, option=IndentedJSONRenderer.options).decode()


def readable(actions: Mapping[str, str] | None) -> dict[str, str]:
    """Return the actions of a list that have a page; an export is a file."""
    return {name: url for name, url in (actions or {}).items() if not url.endswith("/export")}

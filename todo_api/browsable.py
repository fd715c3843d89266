"""DRF's browsable API: pages below /api/ for a browser."""

from __future__ import annotations

from typing import Any

import orjson
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path
from rest_framework import renderers

from todo_api.exceptions import MEDIA_TYPE
from todo_api.renderers import ORJSONRenderer


class IndentedJSONRenderer(ORJSONRenderer):
    """The JSON inside a page."""

    options = ORJSONRenderer.options | orjson.OPT_INDENT_2


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """The pages keep a pasted token in the browser tab; browsable.js sends it with each request."""

    template = "todo_api/browsable.html"

    def get_default_renderer(self, view: Any) -> renderers.BaseRenderer:
        return IndentedJSONRenderer()

    def get_content(self, renderer: Any, data: Any, accepted_media_type: str | None, renderer_context: Any) -> str:
        """The JSON as text. Without a context, so that the JSON renderer does not change the page's response."""
        return str(renderer.render(data).decode())

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        """DRF's context, with the JSON's media type, links to a list's tasks, and no forms for a deleted task."""
        response = renderer_context["response"]
        patch_vary_headers(response, ["Accept"])
        context: dict[str, Any] = super().get_context(data, accepted_media_type, renderer_context)
        if response.exception:
            context["response_headers"]["Content-Type"] = MEDIA_TYPE
            context["problem"] = data
        if isinstance(data, list):
            context |= {"rows": data, "base": escape_uri_path(renderer_context["request"].path.rstrip("/"))}
        if response.status_code in (204, 404):
            context |= {"display_edit_forms": False, "delete_form": None, "extra_actions": None}
        return context

    def get_breadcrumbs(self, request: Any) -> list[tuple[str, str]]:
        """DRF's breadcrumbs. The API's addresses have no slash at the end."""
        return [(name, url.rstrip("/")) for name, url in super().get_breadcrumbs(request)]

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Any) -> Any:
        """DRF's form. DRF fills it from a model instance; here a task is a dict."""
        form = super().get_raw_data_form(data, view, method, request)
        if form:
            form.fields["_content"].initial = self.proposal(data, view, method)
        return form

    def proposal(self, data: Any, view: Any, method: str) -> str:
        """The form's first content: the fields that PUT may change, or empty fields; nothing for an action."""
        if method == "PATCH" and "PUT" not in view.allowed_methods:
            return ""
        fields = [field for field in view.get_serializer().fields.values() if not field.read_only]
        values = {field.field_name: field.get_initial() for field in fields}
        if method != "POST" and isinstance(data, dict) and values.keys() <= data.keys():
            values = {name: data[name] for name in values}
        else:
            values = {name: value for name, value in values.items() if value is not None}
        return orjson.dumps(values, option=IndentedJSONRenderer.options).decode()

"""JSON responses, and pages of the browsable API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path
from rest_framework import renderers

from todo_api.exceptions import MEDIA_TYPE


class ORJSONRenderer(renderers.JSONRenderer):
    """JSON by orjson. Datetimes are written in UTC with `Z`; naive datetimes (of SQLite) are UTC already."""

    options = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return `data` as JSON. The media type of an error is application/problem+json."""
        response = (renderer_context or {}).get("response")
        if response is not None and response.exception:
            response["Content-Type"] = MEDIA_TYPE
        return b"" if data is None else orjson.dumps(data, option=self.options)


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """DRF's pages for a person with a browser; the token is pasted once and kept in that browser tab."""

    template = "todo_api/browsable.html"

    def get_default_renderer(self, view: Any) -> renderers.BaseRenderer:
        """The JSON shown inside the page, indented."""
        return IndentedJSONRenderer()

    def get_content(self, renderer: Any, data: Any, accepted_media_type: str | None, renderer_context: Any) -> str:
        """The JSON as text. It gets no context: it would label the page as JSON, and empty what is still needed."""
        return str(renderer.render(data).decode())

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        """DRF's, as the JSON answer would be labelled, with links to a list's rows and no forms for what is gone."""
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
        """DRF's, with the addresses that the documentation has: no slash at the end."""
        return [(name, url.rstrip("/")) for name, url in super().get_breadcrumbs(request)]

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Any) -> Any:
        """DRF's, which fills it in from model instances; a row is a dict."""
        form = super().get_raw_data_form(data, view, method, request)
        if form:
            form.fields["_content"].initial = self.proposal(data, view, method)
        return form

    def proposal(self, data: Any, view: Any, method: str) -> str:
        """A body to begin with: what PUT may change of a row, or empty fields. An action needs none."""
        if method == "PATCH" and "PUT" not in view.allowed_methods:
            return ""
        fields = [field for field in view.get_serializer().fields.values() if not field.read_only]
        values = {field.field_name: field.get_initial() for field in fields}
        if method != "POST" and isinstance(data, dict) and values.keys() <= data.keys():
            values = {name: data[name] for name in values}
        else:
            values = {name: value for name, value in values.items() if value is not None}
        return orjson.dumps(values, option=IndentedJSONRenderer.options).decode()


class IndentedJSONRenderer(ORJSONRenderer):
    """For people."""

    options = ORJSONRenderer.options | orjson.OPT_INDENT_2

"""Rows and problems to bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework import renderers

from todo_api.exceptions import MEDIA_TYPE


class ORJSONRenderer(renderers.JSONRenderer):
    """JSON by orjson, which writes datetimes itself: UTC with `Z`, naive ones (SQLite's) being UTC already."""

    options = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The bytes of `data`; errors are labelled as problem+json."""
        context: Any = renderer_context or {}
        response = context.get("response")
        if response is not None and response.exception:
            response["Content-Type"] = MEDIA_TYPE
        # The context refers to the response and the response to the context; without this a thousand rows would stay
        # in memory until the garbage collector comes by.
        context.clear()
        return b"" if data is None else orjson.dumps(data, option=self.options)


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """DRF's pages for a person with a browser; the token is pasted once and kept in that browser tab."""

    template = "todo_api/browsable.html"

    def get_default_renderer(self, view: Any) -> renderers.BaseRenderer:
        """The JSON shown inside the page, indented."""
        return IndentedJSONRenderer()


class IndentedJSONRenderer(ORJSONRenderer):
    """For people."""

    options = ORJSONRenderer.options | orjson.OPT_INDENT_2

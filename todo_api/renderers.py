"""The renderer of JSON responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework import renderers

from todo_api.exceptions import MEDIA_TYPE


class ORJSONRenderer(renderers.JSONRenderer):
    """Renders JSON with orjson. Datetimes are written in UTC with `Z`; naive datetimes (of SQLite) are UTC already."""

    options = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return `data` as JSON. The media type of an error is application/problem+json."""
        response = (renderer_context or {}).get("response")
        if response is not None and response.exception:
            response["Content-Type"] = MEDIA_TYPE
        return b"" if data is None else orjson.dumps(data, option=self.options)

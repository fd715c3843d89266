"""The choice of an export's format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from tasks.export import FORMATS


class ExportNegotiation(DefaultContentNegotiation):
    """Chooses the media type of an export. The renderer is always that of JSON, because it renders only errors."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """Return the renderer, and the media type that Accept names. The parameter `format` goes before Accept."""
        [first, *_] = renderers
        if "format" in request.query_params or not request.META.get("HTTP_ACCEPT"):
            return first, first.media_type
        formats: Any = FORMATS.values()
        chosen, _ = super().select_renderer(request, formats, format_suffix)
        return first, chosen.media_type

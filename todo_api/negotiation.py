"""Which renderer a client gets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JSONFirstNegotiation(DefaultContentNegotiation):
    """DRF's own, after a short cut for what nearly every client sends."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """The renderer and the media type; NotAcceptable (406) when nothing fits."""
        [first, *_] = renderers
        if request.META.get("HTTP_ACCEPT", "*/*") in ("", "*/*", first.media_type):
            return first, first.media_type
        return super().select_renderer(request, renderers, format_suffix)

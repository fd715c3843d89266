"""Which parser reads a body, and which renderer a client gets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from todo_api.parsers import SEND_JSON


class JSONFirstNegotiation(DefaultContentNegotiation):
    """DRF's own, after short cuts for what nearly every client sends."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> Any:
        """The parser; UnsupportedMediaType (415) when there is none for the body's type."""
        [first, *_] = parsers
        if request.content_type == first.media_type:
            return first
        parser = super().select_parser(request, parsers)
        if parser is None:
            raise UnsupportedMediaType(request.content_type, SEND_JSON)
        return parser

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """The renderer and the media type; NotAcceptable (406) when nothing fits."""
        [first, *_] = renderers
        if request.META.get("HTTP_ACCEPT", "*/*") in ("", "*/*", first.media_type):
            return first, first.media_type
        return super().select_renderer(request, renderers, format_suffix)

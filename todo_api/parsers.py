"""The parser of request bodies: strict JSON in UTF-8."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser

SEND_JSON = 'Send the body as JSON, with the header "Content-Type: application/json".'


class StrictJSONParser(JSONParser):
    """Refuses other charsets, compressed or incomplete bodies, infinities and deep nesting. DRF's parser accepts them.

    It is a subclass because DRF limits the size of a body only for subclasses of its own parser. It does not use
    orjson for the reasons in docs/decisions/0005-the-standard-library-reads-json.md.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the body's value. Raise ParseError (400) or UnsupportedMediaType (415)."""
        meta: Mapping[str, str] = (parser_context or {})["request"].META
        _refuse_other_encodings(media_type or "", meta.get("HTTP_CONTENT_ENCODING", "identity"))
        raw = stream.read()
        if len(raw) < int(meta.get("CONTENT_LENGTH") or 0):
            raise ParseError("The body ended before its announced length.")
        try:
            return DECODER.decode(raw.decode("utf-8"))
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from error


def _refuse_other_encodings(media_type: str, content_encoding: str) -> None:
    charset = parse_header_parameters(media_type)[1].get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, "The body must be JSON in UTF-8.")
    if content_encoding.lower() != "identity":
        raise UnsupportedMediaType(media_type, "The body must not be compressed.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is out of range")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts; its message names a Python function
        raise ValueError("a number is out of range") from None


DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer)

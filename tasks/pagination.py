"""Keyset pages. A page starts after a row, not at an offset, so that no row is skipped or repeated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core import signing
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from tasks.queries import SORTS_BY_NAME
from tasks.rows import Row

CURSOR = "cursor"


def encode_cursor(user_id: str, sort: str, last: Row) -> str:
    """Return the position after `last` in the user's list, signed, so that a client cannot forge it."""
    value = last[SORTS_BY_NAME[sort.removeprefix("-")][0]]
    return signing.dumps(
        [sort, value.isoformat() if isinstance(value, datetime) else value, last["id"]],
        salt=_salt(user_id),
        compress=True,
    )


def decode_cursor(user_id: str, sort: str, cursor: str) -> tuple[Any, int]:
    """Return the sort's value and the id of the last row of the previous page. Raise ValidationError for other text."""
    try:
        cursor_sort, value, task_id = signing.loads(cursor, salt=_salt(user_id))
    except signing.BadSignature:
        raise ValidationError({CURSOR: ["This is not a cursor of this list."]}, code="invalid") from None
    if cursor_sort != sort:
        raise ValidationError({CURSOR: ["This cursor belongs to another sort."]}, code="invalid")
    column, _ = SORTS_BY_NAME[sort.removeprefix("-")]
    return (datetime.fromisoformat(value) if value and column.endswith("_at") else value), task_id


def next_link(request: Request, cursor: str) -> str:
    """Return the Link header (RFC 8288) with the address of the next page."""
    return f'<{replace_query_param(request.build_absolute_uri(), CURSOR, cursor)}>; rel="next"'


def _salt(user_id: str) -> str:
    return f"tasks.cursor:{user_id}"

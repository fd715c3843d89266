"""Finds statements of a request that reach rows of another user than the token's.

conftest.py lets every request of a test client to /api/ pass through `checked`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from typing import Any

import jwt
from django.apps import apps
from django.db import connection

BETTER_AUTHS_TABLE = "user"
GROUP = re.compile(r"\(([^()]*)\)")
SUBQUERY = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b")
# In WHERE or ON, joined by AND: the owner is the token's user, or that of a row of the outer query.
OWNED = re.compile(r"\b(?:WHERE|AND|ON)\s+\[*(?:\w+\.)?user_id = (?::user\b|\w+\.user_id\b)")
OWNED_ROW = r"\[:user,[^\]]*\]"
INSERTED = re.compile(rf"INTO tasks \[user_id,[^\]]*\] (?:SELECT :user,|VALUES {OWNED_ROW}(?:, {OWNED_ROW})* [OR])")
KNOWN_USER = "FROM user WHERE CAST[id AS text] = :user"


def foreign_parts(sql: str, values: Sequence[Any] | None, user_id: str | None) -> list[str]:
    """Return the queries of a statement that do not name the owner of each table that they read or write."""
    return _foreign_parts(sql, tuple(value == user_id for value in values or ()))


@lru_cache(maxsize=1000)
def _foreign_parts(sql: str, is_user: tuple[bool, ...]) -> list[str]:
    marks = iter(is_user)
    text = re.sub("%%|%s", lambda match: "%" if match[0] == "%%" else (":value", ":user")[next(marks)], sql)
    return [part for part in parts(text.replace('"', "")) if not is_owned(part)]


def parts(text: str) -> Iterator[str]:
    """Yield the queries of a statement, each without its subqueries. Other parentheses become [ ]."""
    while group := GROUP.search(text):
        begin, end = group.span()
        if SUBQUERY.match(group[1]):
            yield from group[1].split(" UNION ALL ")
            text = f"{text[:begin]}SUBQUERY{text[end:]}"
        else:  # a condition within OR does not have to hold
            inner = "" if re.search(r"\bOR\b", group[1]) else re.sub(r"\[[^\[\]]*\]", "", group[1])
            text = f"{text[:begin]}[{inner}]{text[end:]}"
    yield from text.split(" UNION ALL ")


def is_owned(part: str) -> bool:
    """Return whether each table of a query has a condition for its owner."""
    tables = table_names().findall(part)
    if "INTO" in part:
        return tables == ["tasks"] and bool(INSERTED.search(part))
    if tables == [BETTER_AUTHS_TABLE]:
        return KNOWN_USER in part
    return not tables or (len(OWNED.findall(part)) >= len(tables) and not re.search(r"\bOR\b", part))


@cache
def table_names() -> re.Pattern[str]:
    names = {BETTER_AUTHS_TABLE, "django_migrations", *(model._meta.db_table for model in apps.get_models())}
    return re.compile(rf"(?:\b(?:FROM|JOIN|UPDATE|INTO)|,)\s+({'|'.join(sorted(names))})(?![.\w])")


def token_user(environ: dict[str, Any]) -> str | None:
    """Return the `sub` of a request's token, which may be invalid; None without one."""
    try:
        token = str(environ.get("HTTP_AUTHORIZATION", "")).split()[1]
        return jwt.decode(token, options={"verify_signature": False}).get("sub")
    except (IndexError, ValueError, jwt.PyJWTError):
        return None


@contextmanager
def only_rows_of(user_id: str | None) -> Iterator[None]:
    """Fail at the end of the block if one of its statements reaches rows of another user."""
    found: list[str] = []

    def execute(send: Callable[..., Any], sql: str, values: Any, many: bool, context: Any) -> Any:
        found.extend(foreign_parts(sql, values, user_id))
        return send(sql, values, many, context)

    with connection.execute_wrapper(execute):
        yield
    assert not found, f"statements without the owner {user_id!r}: {found}"


def checked(send: Callable[..., Any]) -> Callable[..., Any]:
    """Return `Client.request`, which fails when a statement of a request to /api/ reaches rows of another user."""

    def request(self: Any, **environ: Any) -> Any:
        if not environ["PATH_INFO"].startswith("/api/"):
            return send(self, **environ)
        user_id = token_user(environ)
        with only_rows_of(user_id):
            response = send(self, **environ)
        if response.streaming:
            response.streaming_content = iter(partial(next_chunk, iter(response.streaming_content), user_id), None)
        return response

    return request


def next_chunk(chunks: Iterator[bytes], user_id: str | None) -> bytes | None:
    with only_rows_of(user_id):
        return next(chunks, None)

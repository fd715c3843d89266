"""All tasks of a user as JSON, CSV or iCalendar, in bounded memory. See docs/decisions/0026-exports.md."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
from django.db import close_old_connections, connection

from tasks.queries import TaskQuery
from tasks.rows import COLUMNS, Row
from tasks.statements import OwnedTasks

BATCH = 1000
# A spreadsheet runs a cell that begins with one of these as a formula (OWASP, "CSV Injection"). Such a cell gets an
# apostrophe, as does one that begins with an apostrophe, so that a reader who removes one has the original.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
CONTROLS = dict.fromkeys([*range(9), *range(10, 32), 127])  # iCalendar has none in text, except tabs
ESCAPES = CONTROLS | str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": "\\n"})
PRIORITIES = {"high": 1, "medium": 5, "low": 9}
LINE = 75  # octets of a line of iCalendar


@dataclass(frozen=True)
class Format:
    """How an export is written: page by page, with `separator` between the pages."""

    media_type: str
    write: Callable[[list[Row]], bytes]
    head: bytes = b""
    separator: bytes = b""
    tail: bytes = b""

    def chunks(self, user_id: str) -> Iterator[bytes]:
        begin = self.head
        for page in pages(user_id):
            yield begin + self.write(page)
            begin = self.separator
        yield self.tail


def pages(user_id: str) -> Iterator[list[Row]]:
    """Yield the user's tasks, oldest first, each page from one statement. The first page may be empty.

    A server-side cursor would need a transaction for the whole export, and a pooler in transaction mode has none.
    The connection is returned to the pool before a page is sent, because a client may read it slowly.
    """
    after = None
    while True:
        rows = OwnedTasks(user_id).select(TaskQuery(sort="created", limit=BATCH, after=after)).rows
        if not connection.in_atomic_block:
            close_old_connections()
        if rows or after is None:
            yield rows
        if len(rows) < BATCH:
            return
        after = rows[-1]["created_at"], rows[-1]["id"]


def as_json(row: Row) -> bytes:
    """Return the task as the API does: times in UTC with `Z`; naive ones (of SQLite) are UTC already."""
    return orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)


def as_items(rows: list[Row]) -> bytes:
    return b",\n".join(map(as_json, rows))


def as_lines(rows: list[Row]) -> bytes:
    return b"".join(as_json(row) + b"\n" for row in rows)


def as_csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([cell(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue().encode()


def cell(value: Any) -> Any:
    """Return the text of a cell. None and an empty text are both empty."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, (bool, list)):
        return orjson.dumps(value).decode()
    return f"{utc(value)}Z" if isinstance(value, datetime) else value


def utc(value: datetime) -> str:
    """Return a time without its offset. Connections are in UTC; the times of SQLite are naive."""
    return value.replace(tzinfo=None).isoformat()


def as_todos(rows: list[Row]) -> bytes:
    return b"".join(fold(line) for row in rows for line in todo(row))


def todo(row: Row) -> Iterator[str]:
    """Yield the lines of a VTODO (RFC 5545). COMPLETED is missing, because that time is not known."""
    updated = stamp(row["updated_at"])
    yield "BEGIN:VTODO"
    yield f"UID:{row['client_id'] or unique_id(row)}"
    yield f"DTSTAMP:{updated}"
    yield f"CREATED:{stamp(row['created_at'])}"
    yield f"LAST-MODIFIED:{updated}"
    yield f"SUMMARY:{escaped(row['title'])}"
    if row["description"]:
        yield f"DESCRIPTION:{escaped(row['description'])}"
    if row["due_at"]:
        yield f"DUE:{stamp(row['due_at'])}"
    if row["tags"]:
        yield f"CATEGORIES:{','.join(map(escaped, row['tags']))}"
    yield f"PRIORITY:{PRIORITIES[row['priority']]}"
    yield f"STATUS:{'COMPLETED' if row['completed'] else 'NEEDS-ACTION'}"
    yield "END:VTODO"


def unique_id(row: Row) -> str:
    """Return the same UUID for the same task. An id alone is unique in one database only."""
    return str(uuid5(NAMESPACE_URL, f"{row['user_id']}/tasks/{row['id']}"))


def stamp(value: datetime) -> str:
    """Return a time in seconds, like 20260131T083000Z."""
    return utc(value.replace(microsecond=0)).replace("-", "").replace(":", "") + "Z"


def escaped(text: str) -> str:
    return text.replace("\r\n", "\n").translate(ESCAPES)


def fold(line: str) -> bytes:
    """Return the line in lines of at most 75 octets, and no character in two of them."""
    octets, size, begin, parts = line.encode(), LINE, 0, []
    while len(octets) - begin > size:
        end = begin + size
        while octets[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        parts.append(octets[begin:end])
        begin, size = end, LINE - 1  # the other lines begin with a space
    return b"\r\n ".join([*parts, octets[begin:]]) + b"\r\n"


CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Task API//Tasks//EN\r\n"
FORMATS = {
    "json": Format("application/json", as_items, b"[", b",\n", b"]\n"),
    "csv": Format("text/csv", as_csv, head=",".join(COLUMNS).encode() + b"\r\n"),
    "ics": Format("text/calendar", as_todos, head=CALENDAR, tail=b"END:VCALENDAR\r\n"),
}
LINES = Format("application/x-ndjson", as_lines)

"""What a list asks for: filters, an order and a size, and their SQL conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from tasks.rows import client_id_parameter, parameter

Condition = tuple[str, Sequence[Any]]  # SQL, and the values of its parameters

# SQLite stores times as text, with three decimals (its clock) or six or none (Python). Without trailing zeros, equal
# times are equal texts and a later time is a greater text.
TIMES = {"postgresql": "{}", "sqlite": "RTRIM({}, '0.')"}
NO_DUE_DATE_LAST = {
    "postgresql": "COALESCE({}::timestamptz, 'infinity')",
    "sqlite": "COALESCE(RTRIM({}, '0.'), '~')",
}
TITLE = "LOWER({})"
PRIORITY = "CASE {} WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END"
# sort -> its column, and for each vendor the SQL expression that orders the column's values
SORTS_BY_NAME = {
    "created": ("created_at", TIMES),
    "updated": ("updated_at", TIMES),
    "title": ("title", {"postgresql": TITLE, "sqlite": TITLE}),
    "priority": ("priority", {"postgresql": PRIORITY, "sqlite": PRIORITY}),
    "due": ("due_at", NO_DUE_DATE_LAST),
}
SORTS = (*SORTS_BY_NAME, *(f"-{name}" for name in SORTS_BY_NAME))
LOWERED = "LOWER(title || ' ' || COALESCE(description, ''))"  # a word has no space, so it occurs in one of the two
# vendor -> the searched text, and the condition for one word. See docs/decisions/0016-search-reads-each-task-once.md.
SEARCHES = {
    "postgresql": (f"CONVERT_TO({LOWERED}, 'UTF8')", "POSITION(CONVERT_TO(LOWER(%s), 'UTF8') IN text) > 0"),
    "sqlite": (LOWERED, "INSTR(text, LOWER(%s)) > 0"),
}
HAS_TAG = {
    "postgresql": "EXISTS (SELECT 1 FROM JSONB_ARRAY_ELEMENTS_TEXT(tags) AS tag WHERE LOWER(tag) = LOWER(%s))",
    "sqlite": "EXISTS (SELECT 1 FROM JSON_EACH(tags) WHERE LOWER(value) = LOWER(%s))",
}


@dataclass(frozen=True)
class Filters:
    """Which tasks. A filter that is None or empty matches every task; all others have to match."""

    completed: bool | None = None
    priority: str | None = None
    tags: Sequence[str] = ()
    due_before: datetime | None = None
    due_after: datetime | None = None
    words: Sequence[str] = ()
    ids: Sequence[int] = ()
    client_ids: Sequence[str] = ()

    def conditions(self) -> Iterator[Condition]:
        vendor = connection.vendor
        if self.completed is not None:
            yield "completed = %s", [self.completed]
        if self.priority is not None:
            yield "priority = %s", [self.priority]
        for tag in self.tags:
            yield HAS_TAG[vendor], [tag]
        for time, operator in ((self.due_before, "<"), (self.due_after, ">")):
            if time is not None:
                key = TIMES[vendor]
                yield f"{key.format('due_at')} {operator} {key.format('%s')}", [parameter("due_at", time)]
        if self.words:
            yield _search(len(self.words), vendor), self.words
        if self.ids or self.client_ids:
            yield _is_one_of(self.ids, self.client_ids)


@dataclass(frozen=True)
class TaskQuery:
    """A page of a list.

    `after` is the position of the last row of the previous page: the value of the sort's column, and the id.
    """

    sort: str
    limit: int
    filters: Filters = Filters()
    after: tuple[Any, int] | None = None

    @property
    def order(self) -> str:
        direction = "DESC" if self.sort.startswith("-") else "ASC"
        column, key = self._key()
        return f"{key.format(column)} {direction}, id {direction}"

    def conditions(self) -> Iterator[Condition]:
        yield from self.filters.conditions()
        if self.after is not None:
            column, key = self._key()
            value, task_id = self.after
            beyond = "<" if self.sort.startswith("-") else ">"
            # A row comparison, so that an index finds the start of the page.
            yield f"({key.format(column)}, id) {beyond} ({key.format('%s')}, %s)", [parameter(column, value), task_id]

    def _key(self) -> tuple[str, str]:
        column, keys = SORTS_BY_NAME[self.sort.removeprefix("-")]
        return column, keys[connection.vendor]


@cache
def _search(words: int, vendor: str) -> str:
    """Return the condition that a task has so many words. LIMIT prevents that the text is computed for each word."""
    text, found = SEARCHES[vendor]
    every = " AND ".join([found] * words)
    return f"EXISTS (SELECT 1 FROM (SELECT {text} AS text LIMIT 1) AS searched WHERE {every})"


def _is_one_of(ids: Sequence[int], client_ids: Sequence[str]) -> Condition:
    parts = [("id", ids), ("client_id", [client_id_parameter(key) for key in client_ids])]
    conditions = [f"{column} IN ({', '.join(['%s'] * len(values))})" for column, values in parts if values]
    return f"({' OR '.join(conditions)})", [*ids, *parts[1][1]]


def where(user_id: str, conditions: Iterator[Condition] | Sequence[Condition]) -> tuple[str, list[Any]]:
    """Return the SQL of all conditions and the owner's, and the values of its parameters."""
    parts = [("user_id = %s", [user_id]), *conditions]
    return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]

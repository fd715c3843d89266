"""Random tasks, changes and filters. Values come from small sets, so that filters match and sorts have ties."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tasks.queries import SORTS

TIMES_MORE = int(os.environ.get("TIMES", "1"))  # `make model TIMES=100`: random examples, a hundred times as many
KEYS = [f"0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c1{digit}" for digit in "abcd"]
WORDS = ["milk", "MILK", "Été", "été", "e\u0301", "МОЛОКО", "молоко", "100%", "a_b", "\\", "'", '"', "%s", "🥛", "ok\n"]
PARTS = [
    "a",
    "AB",
    "milk",
    "IL",
    "É",
    "é",
    "t",
    "\u0301",
    "ОЛ",
    "ко",
    "%",
    "_",
    "a_",
    "0%",
    "\\",
    "'",
    '"',
    "🥛",
    "ok\tm",
]
TAGS = ["home", "HOME", " home", "work", "été", "ÉTÉ", "a,b", "%", '"', "🥛"]
# Far from now, because `overdue` compares with the clock.
TIMES = [
    "2001-01-31T12:00:00Z",
    "2001-01-31T13:00:00.5+01:00",
    "2001-01-31T12:00:00.500001Z",
    "2001-01-31T06:30:00.000001-05:30",
    "2090-01-31T12:00:00.120Z",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00Z",
]

# Letters of ASCII alone, because each database orders others by its own locale.
titles = st.text("abcABC", min_size=1, max_size=2) | st.text("aB", min_size=200, max_size=200)
descriptions = st.none() | st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
tags = st.lists(st.sampled_from(TAGS), max_size=3)
times = st.sampled_from(TIMES)
priorities = st.sampled_from(["low", "medium", "high"])
fields = {
    "title": st.tuples(st.sampled_from(["", " ", "\n"]), titles, st.sampled_from(["", " "])).map("".join),
    "description": descriptions,
    "completed": st.booleans(),
    "priority": priorities,
    "due_at": st.none() | times,
    "tags": tags,
}
without_title = {name: strategy for name, strategy in fields.items() if name != "title"}
changes = st.fixed_dictionaries({}, optional=fields)
keys = st.sampled_from([None, *KEYS, *(key.upper() for key in KEYS)])
new_tasks = st.fixed_dictionaries({"title": fields["title"]}, optional=without_title | {"client_id": keys})
sorts = st.sampled_from(SORTS)
limits = st.sampled_from([1, 2, 3, 1000])
filters = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["all", "pending", "completed"]),
        "priority": priorities,
        "tag": st.lists(st.sampled_from(TAGS), min_size=1, max_size=2),
        "due_before": times,
        "due_after": times,
        "search": st.lists(st.sampled_from(PARTS), max_size=3).map(" ".join),
    },
)


def examples(count: int, **options: object) -> settings:
    """Return the settings of a property. In CI each run tries the same examples, so that a failure is of the change."""
    return settings(
        max_examples=count * TIMES_MORE,
        derandomize=TIMES_MORE == 1,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        **options,
    )

"""The text of CSV and iCalendar, for any task."""

import csv
import io
import re
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from tasks.export import FORMATS, FORMULA, fold

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
TIME = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def task(**values):
    return {
        "id": 7, "user_id": "alice", "title": "Paint", "description": None, "completed": False, "priority": "low",
        "due_at": None, "tags": [], "client_id": None, "version": 8, "created_at": TIME, "updated_at": TIME,
    } | values  # fmt: skip


def written(name, *tasks):
    chosen = FORMATS[name]
    return chosen.head + chosen.write(list(tasks)) + chosen.tail


@given(TEXT, TEXT)
@example("=1+1", "'=1+1")
def test_a_csv_cell_is_lossless_and_no_formula(title, description):
    [_, row] = csv.reader(io.StringIO(written("csv", task(title=title, description=description)).decode(), newline=""))

    assert not row[2].startswith(FORMULA[:-1])
    assert [cell.removeprefix("'") for cell in row[2:4]] == [title, description]


@given(TEXT, TEXT, st.lists(TEXT, min_size=1, max_size=3))
@example("a\r\nb", "a\\nb;c,d\r", ["\\,", ";"])
@example("x" * 300, "🛒" * 100, ["é" * 50])
def test_a_todo_has_the_text_without_control_characters(title, description, tags):
    [todo] = Calendar.from_ical(written("ics", task(title=title, description=description, tags=tags))).walk("VTODO")

    clean = [CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")) for text in (title, description, *tags)]
    assert [str(todo["summary"]), str(todo.get("description", "")), *map(str, todo["categories"].cats)] == clean


@given(TEXT)
def test_a_folded_line_has_at_most_75_octets_of_whole_characters(text):
    line = re.sub(r"[\r\n]", "", text)

    first, *others, end = [part.decode() for part in fold(line).split(b"\r\n")]

    assert end == ""
    assert first + "".join(other.removeprefix(" ") for other in others) == line
    assert max(len(part.encode()) for part in (first, *others)) <= 75


def test_the_first_time_of_the_calendar_has_four_digits_of_the_year():
    assert b"DUE:00010101T000000Z\r\n" in written("ics", task(due_at=datetime(1, 1, 1, tzinfo=UTC)))

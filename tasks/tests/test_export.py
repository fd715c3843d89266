"""GET /api/{user_id}/tasks/export."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from icalendar import Calendar

from tasks import export
from tasks.models import Task

KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
CREATED = datetime(2026, 1, 31, 8, 30, 0, 123456, tzinfo=UTC)
DUE = datetime(2026, 2, 1, 17, tzinfo=UTC)
FORMATS = {"json": "application/json", "csv": "text/csv", "ics": "text/calendar"}
JSON_LISTS = ["*/*", "", "application/json", "application/*", "text/html, application/xhtml+xml, */*;q=0.8"]


@pytest.fixture
def make_tasks(db):
    def make(count, **overrides):
        Task.objects.bulk_create(Task(user_id="alice", **{"title": f"Task {n}"} | overrides) for n in range(count))

    return make


@pytest.fixture
def full_task(make_task):
    return make_task(
        title="Grüße; an, alle",
        description="two\nlines",
        completed=True,
        priority="high",
        due_at=DUE,
        tags=["home", "a,b"],
        client_id=KEY,
        created_at=CREATED,
        updated_at=CREATED,
    )


def rows(response):
    return list(csv.DictReader(io.StringIO(response.getvalue().decode(), newline="")))


def todos(response):
    return Calendar.from_ical(response.getvalue()).walk("VTODO")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/tasks/export", "/api/alice/tasks/export", "/api/tasks/export/"])
def test_an_export_is_json(alice, full_task, make_task, path):
    make_task()
    make_task(user_id="bob")

    response = alice.get(path)

    assert response["Content-Type"] == "application/json"
    assert json.loads(response.getvalue()) == alice.get("/api/tasks").json()


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMATS)
def test_the_parameter_chooses_the_format(alice, name):
    response = alice.get(f"/api/tasks/export?format={name}", headers={"accept": "image/png"})

    assert response.status_code == 200
    assert response["Content-Type"].split(";")[0] == FORMATS[name]
    assert response["Content-Disposition"] == f'attachment; filename="tasks.{name}"'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        *((accept, FORMATS["json"]) for accept in JSON_LISTS),
        ("text/csv", "text/csv"),
        ("text/calendar; charset=utf-8", "text/calendar"),
        ("text/calendar, */*", "text/calendar"),
    ],
)
def test_the_accept_header_chooses_the_format(alice, accept, media_type):
    response = alice.get("/api/tasks/export", headers={"accept": accept})

    assert response["Content-Type"].split(";")[0] == media_type


@pytest.mark.django_db
def test_an_export_has_the_headers_of_every_response_with_tasks(alice):
    response = alice.get("/api/tasks/export")

    assert response["Cache-Control"] == "private, no-cache"
    assert {"Accept", "Authorization", "Origin", "Accept-Encoding"} <= set(response["Vary"].split(", "))
    assert response["X-Request-ID"]


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/pdf, text/plain"])
def test_an_accept_header_without_a_format_is_406(alice, accept):
    response = alice.get("/api/tasks/export", headers={"accept": accept})  # without the `db` fixture a query fails

    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("query", "field"), [("format=xml", "format"), ("format=", "format"), ("status=all", "status")]
)
@pytest.mark.parametrize("accept", ["text/csv", "*/*"])
def test_an_unknown_format_or_parameter_is_422(alice, query, field, accept):
    response = alice.get(f"/api/tasks/export?{query}", headers={"accept": accept})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("accept", FORMATS.values())
def test_an_error_is_a_problem_in_every_format(anonymous, alice, accept):
    for response in (
        anonymous.get("/api/tasks/export", headers={"accept": accept}),
        alice.get("/api/bob/tasks/export", headers={"accept": accept}),
        alice.delete("/api/tasks/export?format=csv", headers={"accept": accept}),
    ):
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "body"), [("json", "[]\n"), ("csv", ",".join(export.COLUMNS) + "\r\n")])
def test_an_export_without_tasks_is_whole(alice, name, body):
    assert alice.get(f"/api/tasks/export?format={name}").getvalue().decode() == body


@pytest.mark.django_db
def test_a_calendar_without_tasks_is_whole(alice):
    assert todos(alice.get("/api/tasks/export?format=ics")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMATS)
def test_a_head_request_has_the_same_headers_and_no_body(alice, name):
    got, head = (getattr(alice, method)(f"/api/tasks/export?format={name}") for method in ("get", "head"))

    own = {"X-Request-ID"}
    assert head.getvalue() == b""
    assert {n: v for n, v in head.items() if n not in own} == {n: v for n, v in got.items() if n not in own}


@pytest.mark.django_db
def test_a_head_request_reads_one_page(alice, make_tasks, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("django.test.client.conditional_content_removal", lambda request, response: response)
    make_tasks(2001)

    with django_assert_num_queries(1):
        assert alice.head("/api/tasks/export").getvalue() == b""


def test_a_page_is_one_statement(alice, make_tasks, django_assert_num_queries):
    make_tasks(2001)

    with django_assert_num_queries(3):
        response = alice.get("/api/tasks/export")

    assert len({task["id"] for task in json.loads(response.getvalue())}) == 2001


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000])
def test_every_task_is_there_once_at_the_edge_of_a_page(alice, make_tasks, count):
    make_tasks(count)

    assert [task["title"] for task in json.loads(alice.get("/api/tasks/export").getvalue())] == [
        f"Task {n}" for n in range(count)
    ]
    assert len(rows(alice.get("/api/tasks/export?format=csv"))) == count
    assert alice.get("/api/tasks/export?format=ics").getvalue().count(b"BEGIN:VTODO\r\n") == count


def test_a_csv_row_has_every_field(alice, full_task):
    [row] = rows(alice.get("/api/tasks/export?format=csv"))

    task = alice.get(f"/api/tasks/{full_task.pk}").json()
    texts = {name: str(value) for name, value in task.items()}
    assert row == texts | {"completed": "true", "tags": '["home","a,b"]'}


def test_csv_lines_end_with_a_carriage_return(alice, make_task):
    make_task(title='say "hi", then go', description=None)

    lines = alice.get("/api/tasks/export?format=csv").getvalue().split(b"\r\n")

    assert len(lines) == 3
    assert b',"say ""hi"", then go",,false,' in lines[1]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "'", "'="])
def test_a_csv_cell_is_no_formula_and_can_be_restored(alice, make_task, begin):
    text = f"{begin}HYPERLINK(1)"
    make_task(description=text)

    [row] = rows(alice.get("/api/tasks/export?format=csv"))

    assert row["description"] == f"'{text}"


def test_a_todo_has_every_field(alice, full_task):
    [todo] = todos(alice.get("/api/tasks/export?format=ics"))

    assert {name: todo.decoded(name) for name in ("due", "created", "dtstamp", "last-modified")} == {
        "due": DUE,
        **dict.fromkeys(("created", "dtstamp", "last-modified"), CREATED.replace(microsecond=0)),
    }
    assert (str(todo["uid"]), str(todo["summary"]), str(todo["description"])) == (KEY, "Grüße; an, alle", "two\nlines")
    assert (str(todo["status"]), int(todo["priority"])) == ("COMPLETED", 1)
    assert [str(tag) for tag in todo["categories"].cats] == ["home", "a,b"]


def test_a_todo_of_a_plain_task_has_no_empty_properties(alice, make_task):
    make_task()

    [todo] = todos(alice.get("/api/tasks/export?format=ics"))

    assert not {"DUE", "DESCRIPTION", "CATEGORIES", "COMPLETED"} & set(todo)
    assert (str(todo["status"]), int(todo["priority"])) == ("NEEDS-ACTION", 5)


def test_the_uid_of_a_todo_stays_and_is_its_own(alice, make_task):
    make_task()
    make_task()

    first, second = ([str(todo["uid"]) for todo in todos(alice.get("/api/tasks/export?format=ics"))] for _ in range(2))

    assert first == second
    assert len(set(first)) == 2


@pytest.fixture
def fail_at(monkeypatch):
    """`fail_at(2)`: the second page cannot be read."""

    def fail_at(number):
        select, calls = export.OwnedTasks.select, []

        def select_or_fail(owned, query):
            calls.append(query)
            if len(calls) == number:
                raise OperationalError("the connection was lost")
            return select(owned, query)

        monkeypatch.setattr(export.OwnedTasks, "select", select_or_fail)

    return fail_at


@pytest.mark.parametrize("name", FORMATS)
def test_an_error_of_the_first_page_is_a_problem(alice, fail_at, name):
    fail_at(1)

    response = alice.get(f"/api/tasks/export?format={name}")

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert "Content-Disposition" not in response


def test_an_error_of_a_later_page_ends_the_body_with_an_exception(alice, make_tasks, fail_at, caplog):
    make_tasks(1001)
    fail_at(2)

    with pytest.raises(BrokenPipeError):
        alice.get("/api/tasks/export")

    assert "database_unavailable: the connection was lost" in caplog.messages

"""The log: JSON lines with request ids, and text that is never logged."""

import json
import logging
import sys

import pytest
from django.db import connection
from django.test import Client
from rest_framework.response import Response

from todo_api.logging import JsonFormatter, RequestFilter, set_request_id
from todo_api.request_log import written_ids

REQUEST_LOG = "todo_api.request"


def line(message, *args, **extra):
    record = logging.getLogger("todo_api.tests").makeRecord(
        "todo_api.tests", logging.WARNING, __file__, 1, message, args, None, extra=extra
    )
    RequestFilter().filter(record)
    return JsonFormatter().format(record)


@pytest.fixture
def entries(caplog):
    """`entries()`: the records of the request log."""
    caplog.set_level(logging.INFO)
    return lambda: [record for record in caplog.records if record.name == REQUEST_LOG]


def test_a_line_is_one_json_object():
    set_request_id("a-request")

    entry = json.loads(line("%d things", 3, client="192.0.2.1"))

    assert entry.keys() == {"time", "level", "logger", "message", "request_id", "client"}
    assert entry["time"][-5:] == "+0000"
    assert (entry["level"], entry["logger"]) == ("WARNING", "todo_api.tests")
    assert (entry["message"], entry["request_id"], entry["client"]) == ("3 things", "a-request", "192.0.2.1")


@pytest.mark.parametrize("text", ["two\nlines", "a\rb", "\x1b[31mred", "\u2028", 'a "quote"', "emoji 🛒", "\x00"])
def test_any_text_is_logged_in_one_line(text):
    written = line("%s", text)

    assert written.isprintable() or "\u2028" in written
    assert "\n" not in written
    assert json.loads(written)["message"] == text


def test_a_line_that_cannot_be_encoded_is_not_lost():
    assert json.loads(line("%s", "lone \ud800 surrogate"))["message"].startswith("lone ")


def test_a_line_outside_of_a_request_has_a_dash_as_request_id():
    record = logging.makeLogRecord({"msg": "start"})

    set_request_id("-")
    RequestFilter().filter(record)

    assert record.request_id == "-"


@pytest.mark.django_db
def test_each_request_is_one_line(alice, entries):
    response = alice.get("/api/alice/tasks?search=milk", REMOTE_ADDR="192.0.2.7")

    [entry] = entries()
    assert entry.getMessage() == "GET /api/{user_id}/tasks 200"
    assert (entry.method, entry.route, entry.status) == ("GET", "/api/{user_id}/tasks", 200)
    assert (entry.user_id, entry.client, entry.bytes) == ("alice", "192.0.2.7", len(response.content))
    assert entry.request_id == response["X-Request-ID"]
    assert 0 < entry.milliseconds < 10_000
    assert not hasattr(entry, "ids")


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [("/health", "/health", 200), ("/nothing", "none", 404), ("/api/tasks/7/", "/api/tasks/{pk}", 401)],
)
def test_health_checks_and_errors_are_logged(anonymous, entries, path, route, status):
    anonymous.get(path)

    [entry] = entries()
    assert entry.getMessage() == f"GET {route} {status}"
    assert not hasattr(entry, "user_id")


def test_the_user_of_a_refused_request_is_that_of_the_token(alice, entries):
    alice.get("/api/bob/tasks")

    assert [(entry.status, entry.user_id) for entry in entries()] == [(403, "alice")]


def test_a_path_is_not_logged(anonymous, caplog, token_for):
    caplog.set_level(logging.DEBUG)
    token = token_for("alice")

    for path in (f"/api/{token}/tasks", f"/{token}", f"/api/tasks/{token}"):
        anonymous.get(path)

    assert token not in caplog.text


@pytest.mark.django_db
def test_creations_changes_and_deletions_are_logged_with_the_id(alice, entries):
    task = alice.post("/api/tasks", {"title": "Paint"}).json()["id"]
    alice.put(f"/api/tasks/{task}", {"title": "Draw"})
    alice.patch(f"/api/alice/tasks/{task}/complete")
    alice.delete(f"/api/alice/tasks/{task}")

    assert [(entry.method, entry.status, entry.ids) for entry in entries()] == [
        ("POST", 201, [task]), ("PUT", 200, [task]), ("PATCH", 200, [task]), ("DELETE", 204, [task])
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_write_that_fails_is_logged_without_an_id(alice, entries):
    alice.delete("/api/tasks/7")
    alice.post("/api/tasks", {"title": ""})

    assert [entry.status for entry in entries() if not hasattr(entry, "ids")] == [404, 422]


@pytest.mark.parametrize(
    ("data", "ids"), [([{"id": 1}, {"id": 2}], [1, 2]), ([7, 8], [7, 8]), ({"id": 3}, [3]), ([], [])]
)
def test_the_ids_of_many_tasks_are_read_from_the_response(rf, data, ids):
    assert written_ids(rf.post("/"), Response(data)) == ids


@pytest.mark.django_db
def test_at_most_50_ids_are_logged_and_their_number(alice, make_task, entries):
    tasks = [make_task() for _ in range(51)]
    alice.patch("/api/tasks?status=all", {"completed": True})

    assert (entries()[0].ids, entries()[0].tasks) == ([task.id for task in tasks[:50]], 51)


def test_a_response_to_head_has_no_bytes(anonymous, entries):
    anonymous.head("/docs")

    assert [entry.bytes for entry in entries()] == [0]


def test_a_compressed_response_counts_what_is_sent(client, entries):
    response = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})

    assert entries()[0].bytes == len(response.content) == int(response["Content-Length"])


@pytest.mark.django_db
def test_the_log_reads_no_operator_from_the_database(client, entries, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/admin/login/")

    assert [(entry.route, hasattr(entry, "user_id")) for entry in entries()] == [("/admin/login", False)]


def test_a_401_is_logged_with_its_reason_and_the_address_and_without_the_token(client_for, token_for, caplog):
    token = token_for("alice", exp=1)

    response = client_for(token=token).get("/api/tasks", REMOTE_ADDR="192.0.2.7")

    [entry] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert entry.getMessage() == "401 token_expired: Token has expired"
    assert entry.client == "192.0.2.7"
    assert entry.request_id == response["X-Request-ID"]
    assert token not in caplog.text


@pytest.mark.django_db
def test_the_text_of_users_is_not_logged(alice, caplog):
    caplog.set_level(logging.INFO)

    alice.post("/api/tasks", {"title": "my secret"})
    alice.post("/api/tasks", {"title": "my secret" * 100})
    alice.get("/api/tasks?search=my+secret")

    assert "secret" not in caplog.text


def test_the_line_of_an_exception_holds_no_text_of_users():
    text = "my secret"
    try:
        raise ValueError(text) from KeyError(text)
    except ValueError:
        record = logging.makeLogRecord({"msg": "broken", "exc_info": sys.exc_info()})

    entry = json.loads(JsonFormatter().format(record))

    assert text not in json.dumps(entry)
    assert entry["exc_info"].startswith("KeyError")
    assert "ValueError\n" in entry["exc_info"]
    assert "in test_the_line_of_an_exception" in entry["exc_info"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's errors hold no values")
def test_an_error_of_the_database_is_logged_without_the_row(alice, make_task, caplog):
    make_task(title="my secret")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tasks ADD CONSTRAINT lonely EXCLUDE (user_id WITH =)")
    response = alice.post("/api/tasks", {"title": "another secret"})

    [entry] = [record for record in caplog.records if record.levelno == logging.ERROR]
    line = JsonFormatter().format(entry)
    assert response.status_code == 500
    assert entry.getMessage() == "internal_error: IntegrityError 23P01 lonely"
    assert "secret" not in line
    assert "statements.py" in line


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's errors hold no values")
def test_a_missing_column_is_logged_without_the_statement(alice, db, caplog):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tasks DROP COLUMN priority CASCADE")
    response = alice.post("/api/tasks", {"title": "my secret"})

    assert response.status_code == 503
    assert "column" in caplog.text
    assert "secret" not in caplog.text


def test_a_refused_form_is_logged_without_its_address(caplog):
    Client(enforce_csrf_checks=True).post("/admin/login/?a=secret", {"b": "secret"}, HTTP_REFERER="http://c/secret")

    assert "secret" not in "".join(JsonFormatter().format(record) for record in caplog.records)


def test_a_lost_database_is_one_line_without_a_traceback(alice, unreachable_database, caplog):
    alice.get("/api/tasks")

    [entry] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert entry.getMessage().startswith("database_unavailable: ")
    assert entry.exc_info is None

"""The log: JSON lines with request ids, and text that is never logged."""

import json
import logging

import pytest

from todo_api.logging import JsonFormatter, RequestFilter, set_request_id

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
    response = alice.get("/api/tasks?search=milk")

    [entry] = entries()
    assert entry.getMessage() == "GET /api/tasks 200"
    assert entry.status == 200
    assert entry.request_id == response["X-Request-ID"]
    assert 0 < entry.milliseconds < 10_000


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/nothing", 404), ("/api/tasks", 401)])
def test_health_checks_and_errors_are_logged(anonymous, entries, path, status):
    anonymous.get(path)

    assert [entry.getMessage() for entry in entries()] == [f"GET {path} {status}"]


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


def test_a_lost_database_is_one_line_without_a_traceback(alice, unreachable_database, caplog):
    alice.get("/api/tasks")

    [entry] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert entry.getMessage().startswith("database_unavailable: ")
    assert entry.exc_info is None

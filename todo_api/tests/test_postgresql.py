"""Our PostgreSQL backend: how it finds a dead connection, and how timestamps come back."""

from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection

from tasks.models import Task
from todo_api.wsgi import application

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")


@pytest.fixture(autouse=True)
def fresh_connection(transactional_db):
    """Whatever a test does to its connection, the next one gets another."""
    connection.ensure_connection()
    yield
    connection.close()


@pytest.fixture
def operator():
    """Another connection to the same database, as an operator has it."""
    place = connection.get_connection_params()
    with psycopg.connect(
        **{name: place[name] for name in ("host", "port", "dbname", "user") if name in place}
    ) as other:
        other.autocommit = True
        yield other


def terminate(operator):
    """End our connection from outside, and wait until the server has closed it."""
    pid = connection.connection.info.backend_pid
    operator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    return pid


def ask(client, path):
    """The status of a request through the WSGI application, which checks connections as in production."""
    statuses = []
    environ = client._base_environ(PATH_INFO=path, **client._credentials)
    list(application(environ, lambda status, headers: statuses.append(int(status[:3]))))
    return statuses[0]


def test_it_is_the_backend_in_use():
    assert connection.settings_dict["ENGINE"] == "todo_api.postgresql"


def test_an_open_connection_is_usable_without_a_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert connection.is_usable()


def test_it_is_usable_after_a_statement_and_after_a_failed_one():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        after_a_statement = connection.is_usable()
        with pytest.raises(Exception, match="does not exist"):
            cursor.execute("SELECT nothing")

    assert after_a_statement
    assert connection.is_usable()


def test_a_connection_that_the_server_closed_is_not_usable(operator):
    terminate(operator)

    assert not connection.is_usable()


def test_a_connection_that_we_closed_is_not_usable():
    connection.connection.close()

    assert not connection.is_usable()


def test_no_connection_is_not_usable():
    connection.close()

    assert not connection.is_usable()


def test_a_connection_in_a_failed_transaction_is_not_usable():
    connection.connection.autocommit = False
    with pytest.raises(psycopg.errors.UndefinedColumn):
        connection.connection.execute("SELECT nothing")

    assert not connection.is_usable()


def test_no_request_fails_when_its_connection_was_terminated_between_requests(alice, operator):
    first = ask(alice, "/api/tasks")
    pid = terminate(operator)
    second = ask(alice, "/api/tasks")

    assert (first, second) == (200, 200)
    assert connection.connection.info.backend_pid != pid


def test_a_connection_is_kept_between_requests(alice):
    ask(alice, "/api/tasks")
    pid = connection.connection.info.backend_pid
    ask(alice, "/api/tasks")

    assert connection.connection.info.backend_pid == pid


def test_a_connection_that_ends_within_a_request_is_503(alice, operator):
    terminate(operator)

    response = alice.get("/api/tasks")  # the test client does not check connections between requests

    assert response.status_code == 503
    assert response["Retry-After"] == "1"


@pytest.mark.parametrize("sql", ["SELECT now()", "SELECT TIMESTAMPTZ '2026-01-31 10:30:00.123456+02'"])
def test_a_timestamp_is_aware_and_in_utc(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        [value] = cursor.fetchone()

    assert isinstance(value, datetime)
    assert value.utcoffset() == timedelta(0)


def test_a_timestamp_keeps_its_microseconds():
    with connection.cursor() as cursor:
        cursor.execute("SELECT TIMESTAMPTZ '2026-01-31 10:30:00.123456+02'")
        [value] = cursor.fetchone()

    assert value.isoformat() == "2026-01-31T08:30:00.123456+00:00"


def test_the_orm_reads_aware_timestamps_too(make_task):
    task = Task.objects.get(pk=make_task().pk)

    assert task.created_at.utcoffset() == timedelta(0)


def test_a_named_cursor_still_works(make_task):
    make_task()

    with connection.chunked_cursor() as cursor:
        cursor.execute("SELECT title FROM tasks")
        rows = cursor.fetchall()

    assert rows == [("Buy groceries",)]


def test_a_statement_is_given_up_at_its_limit():
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")

        assert cursor.fetchone() == ("5s",)

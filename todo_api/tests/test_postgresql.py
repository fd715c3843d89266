"""The PostgreSQL backend: closed connections, repeated statements, timestamps."""

import socket
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection

from tasks.models import Task
from todo_api.postgresql import pool
from todo_api.postgresql.connection import Connection
from todo_api.wsgi import application

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose"),
    pytest.mark.usefixtures("fresh_connection"),
]


def pid_in_pool():
    """Return the server process of the connection that the next request gets."""
    return connection.pool.slots[-1].info.backend_pid


def terminate(other_session, pid=None):
    """End a connection of the service, and wait until the server has closed it."""
    pid = pid or connection.connection.info.backend_pid
    other_session.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    return pid


def get_status(client, path):
    """Return the status of a GET through the WSGI application, which checks connections as in production."""
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


def test_a_connection_that_the_server_closed_is_not_usable(other_session):
    terminate(other_session)

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


def test_no_request_fails_when_its_connection_was_terminated_between_requests(alice, other_session):
    first = get_status(alice, "/api/tasks")
    pid = terminate(other_session, pid_in_pool())
    second = get_status(alice, "/api/tasks")

    assert (first, second) == (200, 200)
    assert pid_in_pool() != pid


def test_a_connection_is_kept_between_requests(alice):
    get_status(alice, "/api/tasks")
    pid = pid_in_pool()
    get_status(alice, "/api/tasks")

    assert pid_in_pool() == pid


# The test client does not check the connection before a request, so these requests use the connection that was lost.


@pytest.mark.parametrize(("method", "body"), [("get", None), ("put", {"title": "Sell"}), ("delete", None)])
def test_a_request_on_a_terminated_connection_is_repeated(alice, make_task, other_session, method, body):
    url = f"/api/tasks/{make_task().pk}"
    terminate(other_session)

    assert getattr(alice, method)(url, body).status_code in (200, 204)


def test_a_create_on_a_terminated_connection_makes_one_task(alice, other_session):
    terminate(other_session)

    assert alice.post("/api/tasks", {"title": "Buy milk"}).status_code == 201
    assert Task.objects.count() == 1


def cut_connection():
    """Close the socket's two directions, so that no message of the server arrives."""
    with socket.fromfd(connection.connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("get", "/counts", None),
        ("get", "/changes", None),
        ("get", "/{}", None),
        ("put", "/{}", {"title": "Sell"}),
        ("post", "", {"title": "x", "client_id": "0191e7a8-3c5e-7b1a-9f60-2d4c8a1b3e5f"}),
    ],
)
def test_a_repeatable_request_on_a_cut_connection_is_repeated(alice, make_task, method, path, body):
    url = f"/api/tasks{path.format(make_task().pk)}"
    cut_connection()

    assert getattr(alice, method)(url, body).status_code == (201 if method == "post" else 200)


def test_a_conditional_write_on_a_cut_connection_is_503(alice, make_task):
    task = make_task()
    cut_connection()

    response = alice.put(f"/api/tasks/{task.pk}", {"title": "Sell"}, HTTP_IF_MATCH=f'"{task.version}"')

    connection.close()
    assert response.status_code == 503
    assert Task.objects.get().title == task.title


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "", {"title": "x"}),
        ("patch", "/{}/complete", None),
        ("delete", "/{}", None),
        ("patch", "?status=pending", {"completed": True}),
        ("delete", "?status=pending", None),
    ],
)
def test_any_other_write_on_a_cut_connection_is_503(alice, make_task, method, path, body):
    url = f"/api/tasks{path.format(make_task().pk)}"
    cut_connection()

    response = getattr(alice, method)(url, body)

    connection.close()
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert Task.objects.filter(completed=False).count() == 1


def test_a_write_to_a_read_only_database_is_503_and_the_next_one_connects_anew(alice, read_only_database):
    response = alice.post("/api/tasks", {"title": "x"})

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert not connection.is_usable()


def test_a_missing_column_is_503(alice, other_session):
    other_session.execute("ALTER TABLE tasks RENAME COLUMN priority TO lost")
    response = alice.get("/api/tasks")
    other_session.execute("ALTER TABLE tasks RENAME COLUMN lost TO priority")

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")


def test_a_connection_that_the_server_ends_early_is_made_again(alice, monkeypatch):
    errors = [psycopg.OperationalError("terminating connection due to administrator command")]
    connect = Connection.connect
    monkeypatch.setattr(Connection, "connect", lambda **params: fail(errors.pop()) if errors else connect(**params))
    connection.close()
    pool.close_all()

    assert alice.post("/api/tasks", {"title": "Buy milk"}).status_code == 201
    assert not errors


def fail(error):
    raise error


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


def test_statements_have_a_timeout():
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")

        assert cursor.fetchone() == ("4s",)

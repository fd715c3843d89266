"""The time that a request may wait for PostgreSQL: for statements, for locks, and for connections."""

import time

import psycopg
import pytest
from django.db import OperationalError, connection

from todo_api.postgresql import pool
from todo_api.postgresql.connection import connect
from todo_api.postgresql.time_limit import remaining_seconds, time_limit

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has a timeout of its own"),
    pytest.mark.usefixtures("fresh_connection"),
]


def test_a_statement_ends_with_the_time_limit_and_its_connection_is_not_used_again():
    with time_limit(0.1), connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_sleep(5)")

    assert remaining_seconds() is None
    assert not connection.is_usable()


@pytest.mark.parametrize(("method", "body"), [("put", {"title": "Sell"}), ("delete", None)])
def test_a_request_on_a_locked_table_is_503_at_the_time_limit(
    configured, alice, make_task, other_session, method, body
):
    url = f"/api/tasks/{make_task().pk}"
    begin = time.monotonic()
    with configured(DB_TIME_LIMIT=0.3), other_session.transaction():
        other_session.execute("LOCK TABLE tasks")
        response = getattr(alice, method)(url, body)

    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert 0.3 <= time.monotonic() - begin < 3
    connection.close()


def test_a_connection_to_a_hanging_database_ends_with_the_time_limit(hanging_database):
    begin = time.monotonic()
    with time_limit(1.6), pytest.raises(OperationalError):
        connection.ensure_connection()

    assert time.monotonic() - begin < 4


def test_two_hosts_that_hang_share_the_time_limit(hanging_database):
    host, port = hanging_database.getsockname()
    begin = time.monotonic()
    with time_limit(4.5), pytest.raises(psycopg.errors.ConnectionTimeout):
        connect(host=f"{host},{host}", port=f"{port},{port}", connect_timeout=3)

    assert 4 <= time.monotonic() - begin < 5


def test_no_connection_begins_shortly_before_the_time_limit():
    connection.close()
    pool.close_all()

    with time_limit(1), pytest.raises(OperationalError, match="no time left"):
        connection.ensure_connection()

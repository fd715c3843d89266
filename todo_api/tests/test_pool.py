"""The pool of connections."""

import os
import threading
import time

import psycopg
import pytest
from django.db import connection

from todo_api.postgresql.pool import Connection, Pool, resolved

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite needs no pool")


@pytest.fixture
def make_pool(transactional_db):
    """`make_pool(size=2)`: a pool of connections to the tests' database."""
    made = []

    def make(**options):
        params = connection.get_connection_params()
        pool = Pool(
            lambda: Connection.connect(**params, autocommit=True), **{"size": 1, "wait": 0.2, "max_age": 60} | options
        )
        made.append(pool)
        return pool

    yield make
    for pool in made:
        pool.close()


def test_a_connection_that_came_back_is_used_again(make_pool):
    pool = make_pool(size=2)
    first = pool.getconn()
    pool.putconn(first)

    assert pool.getconn() is first
    pool.putconn(first)


def test_a_connection_that_the_server_closed_is_replaced(make_pool):
    pool = make_pool()
    first = pool.getconn()
    pool.putconn(first)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first.info.backend_pid])

    second = pool.getconn()

    assert second.execute("SELECT 1").fetchone() == (1,)
    pool.putconn(second)


def test_a_connection_that_is_too_old_is_replaced(make_pool):
    pool = make_pool(max_age=0)
    first = pool.getconn()
    pool.putconn(first)

    second = pool.getconn()

    assert second is not first
    assert first.closed
    pool.putconn(second)


def test_a_connection_in_a_transaction_is_closed_when_it_comes_back(make_pool):
    pool = make_pool()
    first = pool.getconn()
    first.execute("BEGIN")

    pool.putconn(first)

    assert first.closed


def test_nobody_waits_for_ever(make_pool):
    pool = make_pool()
    first = pool.getconn()
    begin = time.monotonic()

    with pytest.raises(psycopg.OperationalError, match="in use"):
        pool.getconn()

    assert 0.2 <= time.monotonic() - begin < 5
    pool.putconn(first)


def test_who_waits_longest_is_next(make_pool):
    pool, order = make_pool(wait=5), []
    first = pool.getconn()

    def take(name):
        taken = pool.getconn()
        order.append(name)
        pool.putconn(taken)

    threads = []
    for name in range(3):
        threads.append(threading.Thread(target=take, args=[name]))
        threads[-1].start()
        while len(pool.waiting) <= name:
            time.sleep(0.001)
    pool.putconn(first)
    for thread in threads:
        thread.join(5)

    assert order == [0, 1, 2]


def test_an_outage_is_an_error_at_once_and_takes_no_slot(make_pool):
    pool = make_pool()
    right, pool.connect = pool.connect, lambda: Connection.connect("host=127.0.0.1 port=1")

    for _ in range(3):
        with pytest.raises(psycopg.OperationalError, match="refused"):
            pool.getconn()
    pool.connect = right

    pool.putconn(pool.getconn())


def test_a_child_process_inherits_no_idle_connection(make_pool):
    pool = make_pool()
    first = pool.getconn()
    pool.putconn(first)

    if not (child := os.fork()):
        os._exit(0)
    os.waitpid(child, 0)

    assert first.closed


def test_a_host_name_is_resolved_before_libpq_sees_it():
    params = resolved({"host": "localhost", "dbname": "tasks"})

    assert "127.0.0.1" in params["hostaddr"].split(",")
    assert set(params["host"].split(",")) == {"localhost"}


@pytest.mark.parametrize("host", ["", "/run/postgresql", "one,two"])
def test_a_socket_or_a_list_of_hosts_is_left_alone(host):
    assert resolved({"host": host}) == {"host": host}

"""Threads that use the database at the same moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

from django.db import connection


@contextmanager
def in_thread(function, *arguments):
    """Run a function in a thread during the block. Yield its future."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(_closing, function, *arguments)


def at_once(*functions):
    """Call the functions at the same moment, each in its thread. Return their results."""
    barrier = Barrier(len(functions), timeout=30)

    def call(function):
        barrier.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(lambda function: _closing(call, function), functions))


def _closing(function, *arguments):
    try:
        return function(*arguments)
    finally:
        connection.close()


def wait_for_a_lock():
    """Wait until another session waits for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    for _ in range(2000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees the sessions of its first look
            cursor.execute(waiting)
            if cursor.fetchall():
                return
        time.sleep(0.01)
    raise AssertionError("no session waits for a lock")

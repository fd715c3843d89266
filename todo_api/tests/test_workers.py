"""How connections are shared out among the workers."""

import os
import socket
import time
from contextlib import closing

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from todo_api.workers import HEAD_START, EvenThreadWorker


class Worker(EvenThreadWorker):
    """One that serves nobody."""

    def enqueue_req(self, conn):
        conn.close()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def seconds_to_accept(listener, connections):
    """What it takes a worker with so many connections to take one more: the least of many times."""
    worker = Worker(1, os.getppid(), [listener], None, 30, Config(), Logger(Config()))
    seconds = []
    with closing(worker.tmp):
        for _ in range(20):
            worker.nr_conns = connections
            with socket.create_connection(listener.getsockname(), timeout=10):
                begin = time.perf_counter()
                worker.accept(listener)
                seconds.append(time.perf_counter() - begin)
            assert worker.nr_conns == connections + 1
    return min(seconds)


def test_an_idle_worker_takes_a_connection_before_a_busy_one(listener):
    idle, busy = seconds_to_accept(listener, 0), seconds_to_accept(listener, 1)

    assert idle < HEAD_START <= busy


def test_it_is_the_worker_in_use(server):
    assert "Using worker: todo_api.workers.EvenThreadWorker" in server.log

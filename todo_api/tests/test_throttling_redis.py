"""Limits that are counted in Redis, and limits while Redis is down."""

import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from todo_api import throttling
from todo_api.tests.counting import ADDRESS, NO_TASK, hit_at_once, remaining, statuses
from todo_api.tests.server import Server, free_port
from todo_api.tests.tokens import make_token
from todo_api.throttling import Limit, RedisCounts, rate

DOWN, UP = "Redis does not respond", "Redis responds again"


class RedisServer:
    """A Redis server that is empty at each start. The timeout is long, because this machine may be busy."""

    def __init__(self):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0?socket_timeout=5&socket_connect_timeout=5"

    def start(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            **quiet,
        )
        deadline = time.monotonic() + 10
        while not self.responds():
            assert time.monotonic() < deadline

    def responds(self):
        with closing(Redis(port=self.port, retry=Retry(NoBackoff(), 0))) as client:
            try:
                return client.ping()
            except RedisError:
                return False

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture
def redis():
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not on PATH (apt-get install redis-server)")
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def silent_server():
    """The port of a listener that accepts connections and sends nothing, and the accepted connections."""
    accepted = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            while True:
                try:
                    accepted.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1], accepted
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in accepted:
        connection.close()


@pytest.fixture
def warnings(caplog):
    """`warnings()`: the messages of throttling.py."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "todo_api.throttling"]


def test_threads_count_exactly_in_redis(redis):
    assert hit_at_once(Limit("user", rate("50/day"), RedisCounts(redis.url))) == 50


def test_workers_share_one_count_in_redis(alice, limited, redis):
    with limited(RATE_LIMIT="3/day", REDIS_URL=redis.url, WEB_CONCURRENCY=4):
        assert statuses(alice, 2) == [404, 404]
    with limited(RATE_LIMIT="3/day", REDIS_URL=redis.url, WEB_CONCURRENCY=4):  # new objects, as in another process
        assert statuses(alice, 2) == [404, 429]


def test_counts_in_redis_expire(redis):
    Limit("user", rate("3/minute"), RedisCounts(redis.url)).hit("alice")

    with closing(Redis(port=redis.port, decode_responses=True)) as client:
        [key] = client.keys()
        assert key.startswith("todo_api:")
        assert 0 < client.ttl(key) <= 60


def test_without_redis_requests_pass_and_one_line_is_logged(alice, limited, warnings):
    with limited(RATE_LIMIT="1/day", REDIS_URL=f"redis://127.0.0.1:{free_port()}"):
        assert statuses(alice, 5) == [404] * 5
        assert remaining(alice.get(NO_TASK)) == 1

    [line] = warnings()
    assert line.startswith("Redis does not respond. Requests are not limited: ")


def test_each_loss_and_return_of_redis_is_logged_once(alice, limited, redis, warnings, monkeypatch):
    monkeypatch.setattr(throttling, "REDIS_PAUSE", 0)
    with limited(RATE_LIMIT="2/day", REDIS_URL=redis.url):
        assert statuses(alice, 3) == [404, 404, 429]
        redis.stop()
        assert statuses(alice, 3) == [404, 404, 404]
        redis.start()
        assert statuses(alice, 3) == [404, 404, 429]
        redis.stop()
        assert statuses(alice, 3) == [404, 404, 404]
        redis.start()

    assert [line.split(".")[0] for line in warnings()] == [DOWN, UP, DOWN]


def test_a_restart_of_redis_between_requests_is_not_logged(alice, limited, redis, warnings):
    with limited(RATE_LIMIT="2/day", REDIS_URL=redis.url):
        statuses(alice, 1)
        redis.stop()
        redis.start()
        assert statuses(alice, 3) == [404, 404, 429]

    assert warnings() == []


def test_a_redis_that_hangs_delays_one_request_only(silent_server):
    port, accepted = silent_server
    limit = Limit("user", rate("1/day"), RedisCounts(f"redis://127.0.0.1:{port}"))

    begin = time.monotonic()
    used = [limit.hit("alice").used for _ in range(1000)]

    assert time.monotonic() - begin < 10  # one timeout of 0.1 s
    assert used == [0] * 1000
    assert len(accepted) == 1


def test_after_a_pause_one_request_tries_redis(silent_server, monkeypatch):
    port, accepted = silent_server
    counts = RedisCounts(f"redis://127.0.0.1:{port}")
    counts.hit("alice", 1, 60)
    monkeypatch.setattr(counts, "down_until", time.monotonic())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: counts.hit("alice", 1, 60), range(100))) == {0}

    assert len(accepted) == 2


def get_often(server, token):
    """Return the sorted statuses of 20 requests from 4 clients at once. The id is invalid, so they need no database."""
    with ThreadPoolExecutor(4) as pool:
        statuses_of_all = pool.map(lambda _: server.get("/api/tasks/x", Authorization=f"Bearer {token}")[0], range(20))
        return sorted(statuses_of_all)


@pytest.mark.parametrize("shared", [False, True], ids=["one worker", "two workers and Redis"])
def test_gunicorn_limits_requests(tmp_path, request, shared):
    variables = {"REDIS_URL": request.getfixturevalue("redis").url, "WEB_CONCURRENCY": "2"} if shared else {}
    server = Server(tmp_path, RATE_LIMIT="5/day", RATE_LIMIT_ANON="3/day", **variables)
    try:
        assert get_often(server, make_token("alice")) == [404] * 5 + [429] * 15
        assert get_often(server, "x") == [401] * 3 + [429] * 17
    finally:
        server.stop()


def test_a_user_id_that_looks_like_an_address_has_its_own_count(client_for, anonymous, limited, redis):
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day", REDIS_URL=redis.url):
        assert statuses(client_for(ADDRESS), 2) == [404, 429]
        assert statuses(anonymous, 2, REMOTE_ADDR=ADDRESS) == [401, 429]

"""The rate limit: per user, per address without a valid token, in the process and in Redis."""

import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.test import RequestFactory
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.views import TaskViewSet
from todo_api import throttling
from todo_api.checks import check_settings
from todo_api.tests.server import Server, free_port
from todo_api.tests.test_settings import read_settings
from todo_api.tests.tokens import make_token
from todo_api.throttling import Limit, ProcessCounts, RateLimitThrottle, RedisCounts, client_address, rate

NO_TASK = "/api/tasks/x"  # a 404 that needs no query, so that no test of counting needs a database
LOST, FOUND = "Redis does not respond", "Redis responds again"
EVIL = "203.0.113.66"


@pytest.fixture
def limited(configured, monkeypatch):
    """`with limited(RATE_LIMIT="5/day"): …`, in one worker."""
    monkeypatch.setattr(TaskViewSet, "throttle_classes", [RateLimitThrottle])
    return lambda **values: configured(**{"WEB_CONCURRENCY": 1} | values)


@pytest.fixture
def hasty_threads():
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


class RedisServer:
    """A Redis of its own, empty at each start; its timeout is generous, because this machine may be busy."""

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
        while not self.answers():
            assert time.monotonic() < deadline

    def answers(self):
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
    """A Redis that runs."""
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not on PATH (apt-get install redis-server)")
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def silent():
    """A listener that takes connections and says nothing; the list of those it took."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1], taken
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in taken:
        connection.close()


@pytest.fixture
def warnings(caplog):
    """What the throttling has said."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "todo_api.throttling"]


def left(response):
    """What `RateLimit` says is left."""
    return int(re.search(r";r=(\d+);", response["RateLimit"])[1])


def statuses(client, times, path=NO_TASK, **headers):
    return [client.get(path, **headers).status_code for _ in range(times)]


@pytest.mark.django_db
def test_an_answer_says_what_the_limit_is_and_what_is_left(alice, limited):
    with limited(RATE_LIMIT="5/day"):
        response = alice.get("/api/tasks")

    assert response.status_code == 200
    assert response["RateLimit-Policy"] == '"user";q=5;w=86400'
    limit, seconds = response["RateLimit"].split(";t=")
    assert limit == '"user";r=4'
    assert 1 <= int(seconds) <= 86_400


def test_one_too_many_is_a_429(alice, limited):
    with limited(RATE_LIMIT="2/hour"):
        statuses(alice, 2)
        response = alice.get(NO_TASK)

    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response["Content-Type"] == "application/problem+json"
    assert response["RateLimit"] == f'"user";r=0;t={response["Retry-After"]}'
    assert 1 <= int(response["Retry-After"]) <= 3600
    assert f"{response['Retry-After']} second" in response.json()["detail"]


def test_it_can_be_read_by_the_front_end(alice, limited):
    with limited(RATE_LIMIT="1/hour"):
        statuses(alice, 1)
        response = alice.get("/api/tasks", HTTP_ORIGIN="http://localhost:3000")

    assert response.status_code == 429
    assert response["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
        response["Access-Control-Expose-Headers"].split(", ")
    )


def test_each_user_has_a_limit_of_their_own(alice, bob, limited):
    with limited(RATE_LIMIT="2/day"):
        assert statuses(alice, 3) == [404, 404, 429]
        assert statuses(bob, 3) == [404, 404, 429]


def test_a_user_has_one_limit_with_every_token(client_for, limited, token_for):
    with limited(RATE_LIMIT="2/day"):
        found = [statuses(client_for("alice", token=token_for("alice", n=n)), 1) for n in range(3)]

    assert found == [[404], [404], [429]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/tasks", "", 200),
        ("HEAD", "/api/tasks", "", 200),
        ("POST", "/api/tasks", "{", 400),
        ("GET", "/api/bob/tasks", "", 403),
        ("GET", "/api/tasks/7", "", 404),
        ("POST", "/api/tasks/7", "", 405),
        ("OPTIONS", "/api/tasks", "", 405),
        ("POST", "/api/tasks", " " * 65_537, 413),
        ("POST", "/api/tasks", "{}", 422),
    ],
)
def test_every_answer_counts_once(alice, limited, method, path, body, status):
    with limited(RATE_LIMIT="5/day"):
        first, second = (alice.generic(method, path, body, "application/json") for _ in range(2))

    assert first.status_code == second.status_code == status
    assert (left(first), left(second)) == (4, 3)


@pytest.mark.parametrize("path", ["/api/bob/tasks", "/api/alice/tasks"])
def test_the_limit_comes_before_the_path_owner(alice, limited, path):
    with limited(RATE_LIMIT="1/day"):
        statuses(alice, 1)
        response = alice.get(path)  # without the `db` fixture a query fails

    assert response.status_code == 429
    assert left(response) == 0


@pytest.mark.django_db
def test_without_a_limit_nothing_is_said(alice, anonymous):
    for response in (alice.get("/api/tasks"), anonymous.get("/api/tasks")):
        assert "RateLimit" not in response
        assert "RateLimit-Policy" not in response


def test_the_default_is_600_and_60_in_a_minute():
    module = read_settings(RATE_LIMIT=None, RATE_LIMIT_ANON=None)

    assert (module["RATE_LIMIT"], module["RATE_LIMIT_ANON"]) == ("600/minute", "60/minute")
    assert module["REST_FRAMEWORK"]["DEFAULT_THROTTLE_CLASSES"] == ["todo_api.throttling.RateLimitThrottle"]


@pytest.mark.parametrize("empty", ["", " "])
def test_without_a_limit_no_throttle_runs(empty):
    assert read_settings(RATE_LIMIT=empty)["REST_FRAMEWORK"]["DEFAULT_THROTTLE_CLASSES"] == []


@pytest.mark.parametrize("token", [None, "x", make_token(exp=1)])
def test_requests_without_a_valid_token_count_for_their_address(client_for, limited, token):
    client = client_for(token=token)
    with limited(RATE_LIMIT_ANON="2/hour"):
        found = [client.get("/api/alice/tasks", REMOTE_ADDR=EVIL) for _ in range(3)]

    assert [response.status_code for response in found] == [401, 401, 429]
    assert [left(response) for response in found] == [1, 0, 0]
    assert found[2]["RateLimit-Policy"] == '"anonymous";q=2;w=3600'
    assert found[2]["RateLimit"].endswith(f";t={found[2]['Retry-After']}")
    assert "WWW-Authenticate" not in found[2]


def test_each_address_has_a_limit_of_its_own(anonymous, limited):
    with limited(RATE_LIMIT_ANON="1/day"):
        assert statuses(anonymous, 2, REMOTE_ADDR=EVIL) == [401, 429]
        assert statuses(anonymous, 2, REMOTE_ADDR="203.0.113.7") == [401, 429]


def test_the_limit_of_an_address_is_not_a_users(alice, anonymous, limited):
    with limited(RATE_LIMIT="3/day", RATE_LIMIT_ANON="1/day"):
        assert statuses(anonymous, 2) == [401, 429]
        assert statuses(alice, 3) == [404, 404, 404]
        assert statuses(anonymous, 1) == [429]


def test_either_limit_can_be_alone(alice, anonymous, limited):
    with limited(RATE_LIMIT="1/day"):
        assert statuses(anonymous, 2) == [401, 401]
        assert statuses(alice, 2) == [404, 429]
    with limited(RATE_LIMIT_ANON="1/day"):
        assert statuses(anonymous, 2) == [401, 429]
        assert statuses(alice, 2) == [404, 404]


def test_a_request_that_is_not_acceptable_counts_for_its_user(alice, limited):
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="5/day"):
        found = [alice.get("/api/tasks", HTTP_ACCEPT="application/xml") for _ in range(2)]

    assert [response.status_code for response in found] == [406, 429]
    assert {response["RateLimit-Policy"] for response in found} == {'"user";q=1;w=86400'}


def test_the_stock_middleware_of_django_users_changes_nothing(alice, anonymous, limited):
    stock = ["sessions.middleware.SessionMiddleware", "auth.middleware.AuthenticationMiddleware"]
    middleware = settings.MIDDLEWARE + [f"django.contrib.{name}" for name in stock]
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day", MIDDLEWARE=middleware):
        found = [client.get("/api/tasks", HTTP_ACCEPT="image/png") for client in (alice, alice, anonymous, anonymous)]

    assert [response.status_code for response in found] == [406, 429, 401, 429]


def test_an_issuer_that_is_away_uses_up_nothing(client_for, limited):
    token = make_token(secret=Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "1"})
    with limited(RATE_LIMIT_ANON="1/day", JWT_ALGORITHM="EdDSA", JWKS_URL=f"http://127.0.0.1:{free_port()}"):
        assert statuses(client_for(token=token), 3) == [503, 503, 503]
        assert statuses(client_for(), 2) == [401, 429]


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json", "/nothing"])
def test_what_is_open_is_not_limited(anonymous, limited, path):
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day"):
        found = [anonymous.get(path) for _ in range(3)]

    assert len({response.status_code for response in found}) == 1
    assert not any("RateLimit" in response for response in found)


def test_a_preflight_is_not_limited(client, limited):
    headers = {"HTTP_ORIGIN": "http://localhost:3000", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day"):
        found = {client.options("/api/tasks", **headers).status_code for _ in range(3)}

    assert found == {200}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, None, "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "invented, 203.0.113.9", "203.0.113.9"),
        (1, "invented,2001:db8::1 ", "2001:db8::1"),
        (1, "203.0.113.9, ", "192.0.2.1"),
        (2, "invented, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
    ],
)
def test_the_address_is_what_the_trusted_proxies_have_seen(configured, proxies, forwarded, address):
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", **headers)

    with configured(TRUSTED_PROXIES=proxies):
        assert client_address(request) == address


def test_behind_a_proxy_each_client_has_a_limit_of_its_own(anonymous, limited):
    with limited(RATE_LIMIT_ANON="1/day", TRUSTED_PROXIES=1):
        assert statuses(anonymous, 2, HTTP_X_FORWARDED_FOR=f"1, {EVIL}") == [401, 429]
        assert statuses(anonymous, 1, HTTP_X_FORWARDED_FOR=f"2, {EVIL}") == [429]
        assert statuses(anonymous, 1, HTTP_X_FORWARDED_FOR=f"{EVIL}, 203.0.113.9") == [401]


@pytest.mark.parametrize(
    ("text", "workers", "quota"),
    [("600/minute", 1, 600), ("600/minute", 2, 300), ("5/minute", 2, 2), ("1/minute", 4, 1)],
)
def test_each_worker_allows_its_share(alice, limited, text, workers, quota):
    with limited(RATE_LIMIT=text, WEB_CONCURRENCY=workers):
        assert alice.get(NO_TASK)["RateLimit-Policy"] == f'"user";q={quota};w=60'


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("600/minute", 600, 60), ("10 per 2 hours", 10, 7200), ("1/second", 1, 1), (" 5/day ", 5, 86_400)],
)
def test_a_rate_is_a_number_and_a_period(text, amount, seconds):
    item = rate(text)

    assert (item.amount, item.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize("variable", ["RATE_LIMIT", "RATE_LIMIT_ANON"])
@pytest.mark.parametrize("text", ["600", "0/minute", "-1/minute", "1/fortnight", "minute", "1/second; 9/minute"])
def test_a_wrong_rate_is_found_at_the_start(configured, variable, text):
    with configured(**{variable: text}):
        [message] = check_settings(None)

    assert (message.id, message.msg) == ("todo_api.E006", f"{variable} is {text!r}, which is not a rate.")
    assert message.hint


@pytest.mark.parametrize("url", ["localhost:6379", "http://:hunter2@h", "redis://:hunter2@h:port", "redis://h?db=x"])
def test_a_wrong_address_of_redis_is_found_at_the_start_and_not_shown(configured, url):
    with configured(REDIS_URL=url):
        [message] = check_settings(None)

    assert message.id == "todo_api.E007"
    assert message.hint
    assert "hunter2" not in message.msg


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p@h:6380/1", "unix:///run/redis.sock"])
def test_a_redis_need_not_answer_at_the_start(configured, url):
    with configured(REDIS_URL=url, RATE_LIMIT="600/minute"):
        assert check_settings(None) == []


def test_a_new_window_forgets_the_last_one():
    counts = ProcessCounts()

    assert [counts.hit(key, 1, 60) for key in ("alice", "alice", "bob")] == [1, 2, 1]
    assert counts.hit("alice", 2, 60) == 1
    assert counts.counts.keys() == {"alice"}


def hit_at_once(limit, times=400):
    """How many of so many hits of 8 threads pass."""
    with ThreadPoolExecutor(8) as pool:
        return [usage.is_over for usage in pool.map(lambda _: limit.hit("alice"), range(times))].count(False)


def test_exactly_so_many_at_once_pass_in_a_process(hasty_threads):
    assert hit_at_once(Limit("user", rate("50/day"), ProcessCounts()), times=4000) == 50


def test_exactly_so_many_at_once_pass_in_redis(redis):
    assert hit_at_once(Limit("user", rate("50/day"), RedisCounts(redis.url))) == 50


@pytest.mark.parametrize(("limit", "refusal"), [("RATE_LIMIT", 404), ("RATE_LIMIT_ANON", 401)])
def test_exactly_so_many_requests_at_once_pass(client_for, limited, hasty_threads, limit, refusal):
    clients = [client_for("alice" if limit == "RATE_LIMIT" else None) for _ in range(8)]

    with limited(**{limit: "50/day"}), ThreadPoolExecutor(8) as pool:
        found = [status for answers in pool.map(lambda client: statuses(client, 20), clients) for status in answers]

    assert (found.count(refusal), found.count(429)) == (50, 110)


def test_redis_counts_for_all_and_divides_nothing(alice, limited, redis):
    with limited(RATE_LIMIT="3/day", REDIS_URL=redis.url, WEB_CONCURRENCY=4):
        assert statuses(alice, 2) == [404, 404]
    with limited(RATE_LIMIT="3/day", REDIS_URL=redis.url, WEB_CONCURRENCY=4):  # another process, so to speak
        assert statuses(alice, 2) == [404, 429]


def test_a_user_whose_id_is_an_address_is_not_that_address(client_for, anonymous, limited, redis):
    with limited(RATE_LIMIT="1/day", RATE_LIMIT_ANON="1/day", REDIS_URL=redis.url):
        assert statuses(client_for(EVIL), 2) == [404, 429]
        assert statuses(anonymous, 2, REMOTE_ADDR=EVIL) == [401, 429]


def test_what_is_counted_in_redis_goes_away(redis):
    Limit("user", rate("3/minute"), RedisCounts(redis.url)).hit("alice")

    with closing(Redis(port=redis.port, decode_responses=True)) as client:
        [key] = client.keys()
        assert key.startswith("todo_api:")
        assert 0 < client.ttl(key) <= 60


def test_without_redis_requests_pass_and_one_line_says_so(alice, limited, warnings):
    with limited(RATE_LIMIT="1/day", REDIS_URL=f"redis://127.0.0.1:{free_port()}"):
        assert statuses(alice, 5) == [404] * 5
        assert left(alice.get(NO_TASK)) == 1

    [line] = warnings()
    assert line.startswith("Redis does not respond. Requests are not limited: ")


def test_a_redis_that_is_lost_and_comes_back_and_is_lost_again(alice, limited, redis, warnings, monkeypatch):
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

    assert [line.split(".")[0] for line in warnings()] == [LOST, FOUND, LOST]


def test_a_restarted_redis_goes_unnoticed(alice, limited, redis, warnings):
    with limited(RATE_LIMIT="2/day", REDIS_URL=redis.url):
        statuses(alice, 1)
        redis.stop()
        redis.start()
        assert statuses(alice, 3) == [404, 404, 429]

    assert warnings() == []


def test_a_redis_that_hangs_is_asked_once_and_not_waited_for(silent):
    port, taken = silent
    limit = Limit("user", rate("1/day"), RedisCounts(f"redis://127.0.0.1:{port}"))

    begin = time.monotonic()
    used = [limit.hit("alice").used for _ in range(1000)]

    assert time.monotonic() - begin < 2  # one timeout of 0.1 s
    assert used == [0] * 1000
    assert len(taken) == 1


def test_after_a_pause_one_request_asks_redis(silent, monkeypatch):
    port, taken = silent
    counts = RedisCounts(f"redis://127.0.0.1:{port}")
    counts.hit("alice", 1, 60)
    monkeypatch.setattr(counts, "down_until", time.monotonic())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: counts.hit("alice", 1, 60), range(100))) == {0}

    assert len(taken) == 2


def get_often(server, token):
    """The statuses of 20 requests for a task that cannot be, which need no database, from 4 clients at once."""
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: server.get("/api/tasks/x", Authorization=f"Bearer {token}")[0], range(20))
        return sorted(answers)


@pytest.mark.parametrize("shared", [False, True], ids=["one worker", "two workers and Redis"])
def test_the_real_server_limits(tmp_path, request, shared):
    over_all = {"REDIS_URL": request.getfixturevalue("redis").url, "WEB_CONCURRENCY": "2"} if shared else {}
    server = Server(tmp_path, RATE_LIMIT="5/day", RATE_LIMIT_ANON="3/day", **over_all)
    try:
        assert get_often(server, make_token("alice")) == [404] * 5 + [429] * 15
        assert get_often(server, "x") == [401] * 3 + [429] * 17
    finally:
        server.stop()

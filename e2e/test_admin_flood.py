"""The admin's sign-in under attack: other requests go on being answered."""

import http.client
import itertools
import multiprocessing
import statistics
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from e2e.processes import SECRET, Service
from todo_api.tests.tokens import make_token

CLIENTS = 64
SECONDS = 10
PAUSE = 0.5  # seconds between two requests of an attacker: the machine that attacks is the one that serves
CSRF = "a" * 32
FORM = f"csrfmiddlewaretoken={CSRF}&username=operator&password=wrong"


@pytest.fixture
def service(start, database_url):
    return start(Service, DATABASE_URL=database_url, WEB_CONCURRENCY="2", TRUSTED_PROXIES="1")


def requests_until(end, port, pause, method, path, body=None, **headers):
    """The status and the seconds of each request on one connection, until the end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    found = []
    while (begin := time.monotonic()) < end:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        found.append((response.status, time.monotonic() - begin))
        time.sleep(pause)
    connection.close()
    return found


def others(service, seconds):
    """What four users see who read their tasks: the 99th percentile in milliseconds, and the statuses."""
    end = time.monotonic() + seconds

    def read(number):
        token = make_token(f"user {number}", secret=SECRET)
        return requests_until(end, service.port, 0.02, "GET", "/api/tasks", Authorization=f"Bearer {token}")

    with ThreadPoolExecutor(4) as pool:
        found = [request for requests in pool.map(read, range(4)) for request in requests]
    p99 = statistics.quantiles((seconds for _, seconds in found), n=100)[98] * 1000
    return p99, Counter(status for status, _ in found)


def attack(port, addresses):
    """In a process of their own: 64 clients who try to sign in; they return the statuses that they saw."""
    end = time.monotonic() + SECONDS
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={CSRF}"}

    def post(address):
        return requests_until(
            end, port, PAUSE, "POST", "/admin/login/", FORM, **headers, **{"X-Forwarded-For": address}
        )

    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(status for found in pool.map(post, addresses) for status, _ in found)


@pytest.mark.parametrize("addresses", [1, CLIENTS], ids=["one address", "64 addresses"])
def test_64_clients_at_the_sign_in_slow_nobody_down(service, addresses):
    clients = list(itertools.islice(itertools.cycle(f"203.0.113.{number}" for number in range(addresses)), CLIENTS))
    before, _ = others(service, SECONDS / 2)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as attackers:
        attackers.submit(attack, service.port, []).result()  # the process has started
        attempts = attackers.submit(attack, service.port, clients)
        during, statuses = others(service, SECONDS)
    after, _ = others(service, SECONDS / 2)

    print(f"\nattempts {dict(attempts.result())}, others {dict(statuses)}")
    print(f"p99 of the others: before {before:.0f} ms, during {during:.0f} ms, after {after:.0f} ms")
    assert set(statuses) == {200}
    assert set(attempts.result()) <= {200, 429}
    assert 0 < attempts.result()[200] <= 60
    assert during <= 3 * max(before, after)

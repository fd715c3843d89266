"""Faults of the database while clients send requests. `make faults` runs them for longer.

Each test prints how many requests were sent, how they were answered, and how many acknowledged writes were lost.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from e2e.database import Network, port_that_never_accepts
from e2e.processes import SECRET, Service, wait_until
from e2e.report import assert_within, percentile, slowest
from todo_api.tests.tokens import make_token

LONG = "E2E_SECONDS" in os.environ
SECONDS = int(os.environ.get("E2E_SECONDS", "5"))
# More threads than clients, so that a client waits for the database and not for a thread.
VARIABLES = {"WEB_CONCURRENCY": "2", "USER_CONCURRENCY": "8"}
LONGEST = 5  # seconds until each request is answered

pytestmark = [pytest.mark.alone, pytest.mark.timeout(12 * SECONDS + 120)]


@pytest.fixture(scope="module")
def service(logs, own_database):
    with Service(logs, DATABASE_URL=own_database.url, **VARIABLES).running() as service:
        yield service


def assert_only_503(answers):
    """Every response that is not a success is a 503 with Retry-After."""
    assert {(answer.status, answer.retry_after) for answer in answers} <= {(503, "1")}


def assert_quick(answers, usual):
    """Each answer comes within 100 ms, and one of a hundred within a second: the clients use the same processors."""
    assert {answer.status for answer in answers} <= {200, 201}
    busy = 3 * percentile(usual, 0.99) if usual else 0  # other programs use the machine
    assert_within(max(0.1, busy), percentile(answers, 0.99))
    assert_within(max(1, busy), slowest(answers))


def assert_alive(report, begin, end):
    """/health does not wait for the database."""
    usual = [answer for answer in report.health if answer.end < begin]
    assert_quick([answer for answer in report.health if begin < answer.begin < end], usual)


def assert_ready_in_time(report):
    """/health/ready waits for the database for almost 2 seconds."""
    assert_within(2, percentile(report.ready, 0.5))
    assert_within(2.5, slowest(report.ready))


def terminate_connections(database):
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )


def test_terminated_connections_fail_only_writes_that_cannot_be_repeated(service, own_database, load):
    clients = load(service, SECONDS + 2)
    end, times = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        time.sleep(1)  # longer than a request, because a request is repeated only once
        terminate_connections(own_database)
        times += 1
    report = clients.report(own_database)

    report.print("all connections terminated", times=times, failed=str([answer.kind for answer in report.refused]))
    assert_only_503(report.refused)
    assert {answer.kind for answer in report.refused} <= {"create", "toggle"}
    assert report.lost == 0


def test_a_restart_of_the_database_is_503_until_it_is_back(service, own_database, load):
    clients = load(service, SECONDS + 2)
    time.sleep(2)
    own_database.stop()
    time.sleep(2)
    own_database.start()
    back = time.monotonic()
    report = clients.report(own_database)

    report.print("database restarted", first_success=report.first_success(back))
    assert report.statuses[503]
    assert_only_503(report.refused)
    assert report.lost == 0
    assert_within(1, slowest(report.refused))
    assert_within(1, report.first_success(back))


@contextmanager
def locked_table(database):
    with database.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE tasks")
        yield


@contextmanager
def paused(database):
    with database.paused():
        yield


@pytest.mark.parametrize("hang", [paused, locked_table])
def test_a_database_that_hangs_is_503_within_5_seconds(service, own_database, load, hang):
    duration = 20 if LONG else 6
    clients = load(service, duration + 4)
    time.sleep(2)
    with hang(own_database):
        begin = time.monotonic()
        time.sleep(duration)
    back = time.monotonic()
    report = clients.report(own_database)

    not_ready = min(answer.end for answer in report.ready if answer.end > begin and answer.status == 503) - begin
    report.print(f"database hangs: {hang.__name__}", not_ready=not_ready, first_success=report.first_success(back))
    assert report.statuses[503]
    assert_only_503(report.refused)
    assert report.lost == 0
    assert_alive(report, begin, back)
    assert_within(LONGEST, slowest(report.requests))
    assert_ready_in_time(report)
    assert_within(2 + 1, not_ready)  # the result of a check is kept for a second
    assert_within(1, report.first_success(back))


@pytest.fixture
def network(own_database):
    network = Network(own_database.port)
    yield network
    network.close()


def test_a_network_that_forwards_nothing_is_503_within_5_seconds(start, own_database, network, load):
    service = start(Service, DATABASE_URL=own_database.url_at(network.port), **VARIABLES)
    clients = load(service, 11)
    time.sleep(2)
    with network.cut():
        begin = time.monotonic()
        time.sleep(6)
    back = time.monotonic()
    report = clients.report(own_database)

    report.print("network forwards nothing", first_success=report.first_success(back))
    assert report.statuses[503]
    assert_only_503(report.refused)
    assert 503 in {answer.status for answer in report.ready if begin < answer.begin < back}
    assert report.lost == 0
    assert_alive(report, begin, back)
    assert_within(LONGEST, slowest(report.requests))
    assert_ready_in_time(report)
    assert_within(1, report.first_success(back))


def test_a_request_waits_for_a_database_that_needs_two_seconds_to_start(start, own_database, network):
    """Neon starts a suspended database with the first connection."""
    service = start(Service, DATABASE_URL=own_database.url_at(network.port), **VARIABLES)
    token = make_token("alice", secret=SECRET)

    with ThreadPoolExecutor(4) as clients, network.cut():
        answers = [clients.submit(service.call, token, "GET", "/api/tasks") for _ in range(4)]
        time.sleep(2)
        network.forwards.set()
        statuses = [answer.result().status_code for answer in answers]

    assert statuses == [200] * 4


def test_a_host_that_never_accepts_is_503_within_5_seconds(start, own_database, load):
    with port_that_never_accepts() as port:
        service = start(Service, DATABASE_URL=own_database.url_at(port), **VARIABLES)
        begin = time.monotonic()
        report = load(service, 6).report()

    report.print("connections are never accepted")
    assert report.statuses.keys() == {503}
    assert_only_503(report.requests)
    assert {answer.status for answer in report.ready} == {503}
    assert_alive(report, begin, begin + 6)
    assert_within(LONGEST, slowest(report.requests))
    assert_ready_in_time(report)


def timed_call(service, token, method, path):
    begin = time.monotonic()
    response = service.call(token, method, path)
    return response.status_code, time.monotonic() - begin


def test_a_locked_row_affects_only_its_owner(service, own_database, load):
    alice = make_token("alice", secret=SECRET)
    task_id = service.call(alice, "POST", "/api/tasks", {"title": "Buy milk"}).json()["id"]
    rounds = 3 if LONG else 1  # each takes 4 seconds
    clients = load(service, 4 + 4 * rounds, clients=4)
    wait_until(lambda: own_database.execute("SELECT count(*) FROM tasks WHERE user_id <> 'alice'")[0][0] > 4)
    with own_database.connect() as connection, connection.transaction(), ThreadPoolExecutor(40) as pool:
        connection.execute("SELECT FROM tasks WHERE id = %s FOR UPDATE", [task_id])
        begin, path, answers = time.monotonic(), f"/api/tasks/{task_id}/complete", []
        for _ in range(rounds):
            toggles = [pool.submit(timed_call, service, alice, "PATCH", path) for _ in range(40)]
            answers += [toggle.result() for toggle in toggles]
    report = clients.report(own_database)

    statuses, times = zip(*answers, strict=True)
    owner = f"{statuses.count(429)} of 429, {statuses.count(503)} of 503"
    report.print("a locked row, requests of other users", owner=owner, slowest_of_owner=max(times))
    assert set(statuses) == {429, 503}
    assert statuses.count(503) <= rounds * 2 * 8  # USER_CONCURRENCY in each worker
    assert_within(LONGEST, max(times))
    usual = [answer for answer in report.requests if answer.end < begin]
    assert_quick([answer for answer in report.requests if answer.end > begin], usual)


def test_a_primary_that_becomes_read_only_is_503_for_writes(service, own_database, load):
    clients = load(service, SECONDS + 2)
    time.sleep(2)
    own_database.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    terminate_connections(own_database)
    begin = time.monotonic()
    time.sleep(3)
    own_database.execute("BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT")
    back = time.monotonic()
    report = clients.report(own_database)

    writes = {"create", "put", "toggle"}
    between = [answer for answer in report.requests if answer.begin > begin + 0.1 and answer.end < back]
    first_write = min(a.end for a in report.requests if a.begin > back and a.kind in writes and a.status < 300) - back
    report.print("primary becomes read-only", first_write=first_write)
    assert {answer.status for answer in between if answer.kind in writes} == {503}
    assert {answer.status for answer in between if answer.kind not in writes} == {200}
    assert_only_503(report.refused)
    assert {answer.status for answer in report.ready if begin + 1.5 < answer.begin and answer.end < back} == {503}
    assert report.lost == 0
    assert_within(1, first_write)

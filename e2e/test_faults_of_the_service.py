"""Faults of the service's processes and of its machine, and its usual load."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from e2e.processes import Service, wait_until
from e2e.report import assert_within, percentile, slowest

SECONDS = int(os.environ.get("E2E_SECONDS", "5"))
VARIABLES = {"WEB_CONCURRENCY": "2", "USER_CONCURRENCY": "8"}

pytestmark = [pytest.mark.alone, pytest.mark.timeout(12 * SECONDS + 120)]


def workers(service):
    return {child.pid for child in psutil.Process(service.process.pid).children()}


def test_a_killed_worker_fails_only_its_own_requests(start, own_database, load):
    service = start(Service, DATABASE_URL=own_database.url, **VARIABLES)
    wait_until(lambda: len(workers(service)) == 2)
    clients = load(service, SECONDS)
    time.sleep(2)
    killed = min(workers(service))
    os.kill(killed, signal.SIGKILL)
    begin = time.monotonic()
    wait_until(lambda: len(workers(service) - {killed}) == 2)
    replaced = time.monotonic() - begin
    report = clients.report(own_database)

    report.print("worker killed", new_worker=replaced)
    assert {answer.status for answer in report.refused} <= {0}
    assert all(answer.begin < begin + 0.5 for answer in report.refused)  # the kernel closes the connections a bit later
    assert len(report.refused) <= 24  # one request of each client
    assert report.lost == 0
    assert_within(2, replaced)


def test_a_reload_fails_no_request(start, own_database, load):
    service = start(Service, DATABASE_URL=own_database.url, **VARIABLES)
    wait_until(lambda: len(workers(service)) == 2)
    before = workers(service)
    clients = load(service, SECONDS)
    time.sleep(2)
    os.kill(service.process.pid, signal.SIGHUP)
    wait_until(lambda: not workers(service) & before)
    report = clients.report(own_database)

    report.print("SIGHUP")
    assert not report.refused
    assert report.lost == 0


def test_workers_that_are_replaced_fail_no_request(start, own_database, load):
    arguments = "--max-requests 100 --max-requests-jitter 50"
    service = start(Service, DATABASE_URL=own_database.url, GUNICORN_CMD_ARGS=arguments, **VARIABLES)
    before = workers(service)
    report = load(service, SECONDS).report(own_database)

    report.print("max_requests", replaced=len(before - workers(service)))
    assert before - workers(service)
    assert not report.refused
    assert report.lost == 0


class ServiceWithoutSpace(Service):
    """The disk of its log is full."""

    command = ["sh", "-c", f"exec {sys.executable} -m gunicorn >/dev/full 2>&1"]


def test_a_full_disk_of_the_log_stops_nothing(start, own_database, load):
    service = start(ServiceWithoutSpace, DATABASE_URL=own_database.url, **VARIABLES)
    report = load(service, 4).report(own_database)

    report.print("disk of the log is full")
    assert not report.refused
    assert report.lost == 0


class ServiceWithoutWrites(Service):
    """Its file system is read-only, except for /dev/shm and /tmp as in a container with --read-only --tmpfs /tmp."""

    command = [
        *("unshare", "--mount", "sh", "-c"),
        f"mount --bind / / && mount -o remount,bind,ro / && exec {sys.executable} -m gunicorn",
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
def test_a_read_only_file_system_stops_nothing(start, own_database, load):
    allowed = subprocess.run(["unshare", "--mount", "mount", "--bind", "/", "/"], check=False).returncode == 0
    if not allowed:
        pytest.skip("mounting is not allowed here")
    service = start(ServiceWithoutWrites, DATABASE_URL=own_database.url, METRICS_TOKEN="m" * 32, **VARIABLES)
    report = load(service, 4).report(own_database)

    report.print("read-only file system")
    assert not report.refused
    assert report.lost == 0


def test_100_users_at_once(start, own_database, load):
    service = start(Service, DATABASE_URL=own_database.url, **VARIABLES)
    report = load(service, SECONDS + 2, clients=100, pause=1).report(own_database)

    begin = report.requests[0].begin + 2  # 100 connections have been made
    requests = [answer for answer in report.requests if answer.begin > begin]
    report.print("100 users", p95=percentile(requests, 0.95), slowest=slowest(requests))
    assert not report.refused
    assert report.lost == 0
    assert_within(0.5, percentile(requests, 0.95))

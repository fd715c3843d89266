"""Slow clients beside others. `make slow-clients` runs the long version: 1,000 of each kind."""

import json
import os
import subprocess
import sys
from functools import partial

import psycopg
import pytest
from django.conf import settings

from e2e.processes import SECRET, Service
from e2e.report import assert_within
from e2e.slow_clients import STARTS
from todo_api.tests.tokens import make_token

COUNT = int(os.environ.get("SLOW_CLIENTS", "200"))
SECONDS = int(os.environ.get("SLOW_SECONDS", "13"))
# From the connection on.
CUT_BY = {"silent": 12, "request line": 12, "header": 12, "body": 33, "chunked": 33, "reading": 64}  # seconds
TASKS = """INSERT INTO tasks (user_id, title, description)
           SELECT 'alice', 'A task', repeat('x', 500) FROM generate_series(1, 1000)"""


pytestmark = [pytest.mark.alone, pytest.mark.timeout(6 * SECONDS + 60)]


@pytest.fixture(scope="module")
def database_with_tasks(new_database):
    url = new_database("slow_clients")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TASKS)
    return url


@pytest.fixture(scope="module")
def service(logs, database_with_tasks):
    with Service(logs, DATABASE_URL=database_with_tasks).running() as service:
        yield service


def clients(port, kind, count, seconds, token=""):
    """A process of such clients."""
    token = token or make_token("alice", secret=SECRET)
    command = [sys.executable, "-m", "e2e.slow_clients", port, token, seconds, kind, count]
    return subprocess.Popen([str(part) for part in command], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True)


def p99(took):
    """Seconds, of a sorted list."""
    return took[int(0.99 * (len(took) - 1))]


def report(kind, took, cut):
    """One line for the reader of the test's output."""
    milliseconds = [1000 * took[int(part * (len(took) - 1))] for part in (0.5, 0.99, 1)]
    times = sorted(seconds for seconds in cut if seconds is not None)
    when = f"{times[0]:.1f} to {times[-1]:.1f} s" if times else "none yet"
    print(
        f"{kind:13} {len(took):5} requests of others: p50 {milliseconds[0]:.1f} p99 {milliseconds[1]:.1f} "
        f"max {milliseconds[2]:.1f} ms; {len(times)} of {len(cut)} slow connections cut after {when}"
    )


def waits(*processes):
    """What each process has printed."""
    return [json.loads(process.communicate()[0]) for process in processes]


# A request line has the time limit of the headers, so the short version leaves it out.
KINDS = [kind for kind in STARTS if kind != "request line" or "SLOW_SECONDS" in os.environ]


@pytest.mark.parametrize("kind", KINDS)
def test_others_are_answered_at_once_and_slow_clients_are_cut(service, kind):
    run = partial(clients, service.port)
    [quiet] = waits(run("others", 20, 1))

    seconds = SECONDS if CUT_BY[kind] < SECONDS else min(SECONDS, 8)
    others, slow = waits(run("others", 20, seconds), run(kind, COUNT, seconds))

    report("without", quiet["took"], [])
    report(kind, others["took"], slow["cut"])
    assert_within(max(0.1, 3 * p99(quiet["took"])), p99(others["took"]))  # a busy machine is slow without them too
    if CUT_BY[kind] < seconds:
        assert all(slow["cut"])
        assert_within(CUT_BY[kind], max(slow["cut"]))

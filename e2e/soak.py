"""A long run with a mixed load and faults at random moments. `make soak` runs this; `make e2e` does not.

It prints each fault when it happens, and writes soak.md with its pictures into the folder SOAK_REPORT.
"""

import os
import sqlite3
import time
import uuid
from contextlib import closing

import pytest

from e2e.people import Person
from e2e.processes import BetterAuth, Service, wait_until
from e2e.report import Clients, Report
from e2e.soak_faults import LONG, Faults
from e2e.soak_memory import FLATNESS, Memory
from e2e.soak_report import Run
from e2e.test_faults_of_the_service import workers
from e2e.test_slow_clients import TASKS
from todo_api.tests.server import METRICS_TOKEN
from todo_api.tests.test_throttling_redis import RedisServer

SECONDS = int(os.environ.get("SOAK_SECONDS", "60"))
USERS = int(os.environ.get("SOAK_USERS", "1000"))
RATE = int(os.environ.get("SOAK_RATE", "60"))  # requests per second
SEED = os.environ.get("SOAK_SEED", "1")
LIFE = 900 if SECONDS >= LONG else 180  # seconds that a token is valid
PRODUCTION = dict.fromkeys(["RATE_LIMIT", "RATE_LIMIT_ANON", "USER_CONCURRENCY", "DRAIN_SECONDS"])  # the defaults
STATUSES = {200, 201, 204, 304, 403, 404, 412}  # 403, 404 and 412 where the clients expect them
WRITES = {"toggle", "update", "conditional", "create", "create many", "update many", "delete", "delete many"}
MUST_BE_0 = [
    "of these lost",
    "tasks of another user in a response",
    "responses that the contract does not allow",
    "rows of the table that no user knows",
    "keys with two tasks",
]
REPLACED = "all workers replaced"
FOLDER = os.environ.get("SOAK_REPORT")
COMMAND = f"make soak SECONDS={SECONDS} USERS={USERS} RATE={RATE} SEED={SEED}"

pytestmark = pytest.mark.timeout(2 * SECONDS + 1200)


@pytest.fixture
def redis():
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def issuer(start):
    return start(BetterAuth, JWT_ALGORITHM="EdDSA", TOKEN_EXPIRES_IN=f"{LIFE}s")


@pytest.fixture
def service(start, own_database, redis, issuer):
    service = start(
        Service,
        DATABASE_URL=own_database.url,
        REDIS_URL=f"redis://127.0.0.1:{redis.port}/0",
        JWT_ALGORITHM="EdDSA",
        BETTER_AUTH_URL=issuer.address,
        METRICS_TOKEN=METRICS_TOKEN,
        WEB_CONCURRENCY="2",
        **PRODUCTION,
    )
    wait_until(lambda: len(workers(service)) == 2)
    return service


@pytest.fixture
def person(issuer, own_database):
    """A user with a long list, for slow readers and for the flood."""
    person = Person(issuer, "flood")
    own_database.execute(TASKS.replace("alice", person.id))
    return person


@pytest.fixture
def faults(running, service, own_database, redis, issuer, person):
    faults = Faults(SEED, service, own_database, redis, issuer, person)
    running.callback(faults.stop)
    return faults


@pytest.fixture
def sessions(issuer, person):
    """{user id: session token}: copies of one user in the tables of Better Auth. Passwords take a second each."""
    copies = {uuid.uuid4().hex: uuid.uuid4().hex for _ in range(USERS)}
    with closing(sqlite3.connect(issuer.database)) as users, users:
        users.row_factory = sqlite3.Row
        user, session = (dict(users.execute(f"SELECT * FROM {table}").fetchone()) for table in ("user", "session"))
        insert(users, "user", [user | {"id": user_id, "email": f"{user_id}@example.com"} for user_id in copies])
        insert(
            users,
            "session",
            [session | {"id": token, "token": token, "userId": user_id} for user_id, token in copies.items()],
        )
    return copies


def insert(connection, table, rows):
    names, values = ", ".join(f'"{name}"' for name in rows[0]), ", ".join(f":{name}" for name in rows[0])
    connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({values})", rows)


@pytest.fixture
def clients(running, service, issuer, sessions):
    """`clients()`: all users begin."""

    def begin():
        arguments = [service.port, issuer.url, LIFE, SECONDS, USERS / RATE, SEED]
        clients = Clients("e2e.soak_clients", *arguments, tokens=sessions)
        running.callback(clients.stop)
        return clients

    return begin


def figures(outcome, report, database, sessions):
    """Return the figures of the page's first table."""
    counts = dict.fromkeys(["lost", "foreign", "twice", "problems"], 0) | outcome["counts"]
    tasks = database.execute("SELECT id::text, client_id FROM tasks WHERE user_id = ANY (%s)", [list(sessions)])
    keys = [client_id for _, client_id in tasks if client_id]
    return {
        "requests": len(report.requests),
        "acknowledged writes": sum(answer.kind in WRITES and 200 <= answer.status < 300 for answer in report.requests),
        "of these lost": counts["lost"] + report.lost,
        "comparisons of a response with what the user knows": counts["comparisons"],
        "tasks of another user in a response": counts["foreign"],
        "responses that the contract does not allow": counts["problems"],
        "tasks at the end": len(report.tasks),
        "rows of the table that no user knows": len({task_id for task_id, _ in tasks} - report.tasks.keys()),
        "keys of creates": counts["keys"],
        "keys with two tasks": counts["twice"] + len(keys) - len(set(keys)),
        "creates without a response, repeated with their keys": counts.get("creates without an answer, repeated", 0),
        "acknowledged creates repeated": counts.get("acknowledged creates repeated", 0),
        "tokens fetched": counts["tokens"],
    }


def lost_connections(report, faults, begin):
    """Return the lost connections that no killed worker explains. A busy client notices them later.

    While all workers are replaced, idle connections are closed, and a client may send a request at the same moment.
    """
    replaced = [(begin + event.begin, begin + event.end + 10) for event in faults.events if event.name == REPLACED]
    explained = [(at, at + 5) for at in faults.killed_at] + replaced
    lost = [answer for answer in report.requests if answer.status == 0]
    return [answer for answer in lost if not any(at < answer.end and answer.begin < end for at, end in explained)]


def refused_without_reason(report, rotated_at):
    """Return the requests with a status that no part of the contract explains."""
    return [
        answer
        for answer in report.requests
        if answer.status not in STATUSES
        and not (answer.status in (429, 503) and answer.retry_after)
        and not (answer.status == 401 and any(at < answer.begin < at + 60 for at in rotated_at))
        and answer.status != 0
    ]


def test_nothing_is_lost_and_the_memory_is_flat(own_database, service, sessions, faults, clients):
    print(f"\n{COMMAND}", flush=True)
    load, begin = clients(), time.monotonic()
    with Memory(service, begin) as memory:
        faults.run(begin, SECONDS)
        outcome = load.outcome()
    outcome["answers"] += faults.flood
    report = Report(outcome, own_database)
    figures_of_run = figures(outcome, report, own_database, sessions)
    lives = [life for life in memory.lives.values() if life.end_at(SECONDS)]
    run = Run(COMMAND, SECONDS, USERS, SEED, begin, report, figures_of_run, faults.events, lives)

    if FOLDER:
        run.write(FOLDER)
    report.print("long run with faults", **figures_of_run)
    print(*outcome["problems"][:20], sep="\n")
    assert not outcome["problems"]
    assert not [name for name in MUST_BE_0 if figures_of_run[name]]
    assert not refused_without_reason(report, faults.rotated_at)
    assert not lost_connections(report, faults, begin)
    long = [life for life in lives if life.is_long]
    assert long or SECONDS < LONG
    assert max((life.growth() for life in long), default=0) <= FLATNESS

"""Versions, changes, keys and If-Match under parallel writers. `make sync` runs the long version.

Each test prints its counts.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

import psycopg
import pytest
from django.conf import settings
from psycopg.rows import dict_row

from e2e.cut_clients import create_with_cuts
from e2e.processes import SECRET, Service
from e2e.sync_clients import SyncClient
from todo_api.tests.server import clean_environment
from todo_api.tests.tokens import make_token

LONG = "SYNC_SECONDS" in os.environ
SECONDS = int(os.environ.get("SYNC_SECONDS", "50"))
STATEMENT_SECONDS = min(SECONDS, 600) if LONG else 4
ROUNDS = 1000 if LONG else 100
KEYS = 2000 if LONG else 200
USERS = [f"user-{number}" for number in range(12)]
TIMES = ("due_at", "created_at", "updated_at")
# A table of all versions that the triggers gave.
GIVEN = """
CREATE UNLOGGED TABLE given (user_id text, version bigint);
CREATE FUNCTION note_version() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO given VALUES (NEW.user_id, NEW.version); RETURN NULL; END $$;
CREATE TRIGGER given AFTER INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION note_version();
CREATE TRIGGER given AFTER INSERT OR UPDATE ON deleted_tasks FOR EACH ROW EXECUTE FUNCTION note_version();
"""

pytestmark = pytest.mark.timeout(2 * SECONDS + 300)


def tokens_of(users):
    return {user: make_token(user, secret=SECRET, exp=int(time.time()) + SECONDS + 3600) for user in users}


@pytest.fixture(scope="module")
def database_url(new_database):
    """A database that notes all versions."""
    url = new_database("sync")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(GIVEN)
    return url


@pytest.fixture
def database(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE given")
        yield connection


@pytest.fixture(scope="module")
def service(database_url, logs):
    with Service(logs, DATABASE_URL=database_url, WEB_CONCURRENCY="2").running() as service:
        yield service


@pytest.fixture
def begin(running, database_url):
    """`begin("e2e.sync_sessions", "others", 10, "alice")`: a process that is killed at the end of the test."""

    def begin(module, *arguments, tokens=None):
        environment = clean_environment(DATABASE_URL=database_url, DJANGO_SETTINGS_MODULE="todo_api.settings")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        command = [sys.executable, "-m", module, *map(str, arguments)]
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, start_new_session=True, **pipes)
        running.callback(kill, process)
        process.stdin.write(json.dumps(tokens))
        process.stdin.close()
        process.stdin = None
        return process

    return begin


def kill(process):
    """Kill the process and its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def outcome_of(process):
    """Wait for the end, and return the JSON that the process has printed."""
    output, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(output)


def figures_of(connection):
    """Return what the database counted."""
    connection.execute("SELECT pg_stat_clear_snapshot()")
    changes, different, deadlocks = connection.execute(
        "SELECT COUNT(*), COUNT(DISTINCT (user_id, version)),"
        " (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) FROM given"
    ).fetchone()
    return {"changes": changes, "versions given twice": changes - different, "deadlocks": deadlocks}


def table_of(connection, user):
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute("SELECT *, client_id::text FROM tasks WHERE user_id = %s", [user]).fetchall()
    return {row["id"]: row for row in rows}


def as_rows(tasks):
    """Return the tasks of a picture with times instead of texts."""
    times = [{name: task[name] and datetime.fromisoformat(task[name]) for name in TIMES} for task in tasks]
    return {task["id"]: task | converted for task, converted in zip(tasks, times, strict=True)}


def test_readers_of_changes_miss_nothing(service, database, database_url, begin):
    tokens = tokens_of(USERS)

    readers = begin("e2e.sync_clients", "readers", service.port, database_url, tokens=tokens)
    writers = [begin("e2e.sync_clients", "writers", service.port, SECONDS, tokens=tokens) for _ in range(2)]
    others = outcome_of(begin("e2e.sync_sessions", "others", SECONDS, *USERS[:3]))
    outcomes = [outcome_of(writer) for writer in writers]
    readers.send_signal(signal.SIGTERM)
    read = outcome_of(readers)

    answers = [answer for outcome in [*outcomes, read] for answer in outcome["answers"]]
    statuses = Counter(answer[3] for answer in answers)
    figures = figures_of(database) | read["counts"]
    print(
        f"\n{SECONDS} s: {figures}; {others['transactions']} transactions of other sessions; {len(answers)} requests,"
    )
    print(f"by status {dict(statuses)}, slowest {max(answer[2] for answer in answers):.1f} s")
    assert statuses.keys() <= {200, 201, 204, 304, 404, 412}
    assert others.keys() == {"transactions"}
    assert (figures["missed"], figures["versions given twice"], figures["deadlocks"]) == (0, 0, 0)
    assert figures["received"] > 100
    for user, picture in read["pictures"]:
        assert as_rows(picture) == table_of(database, user)


def test_the_statements_of_the_api_never_deadlock(database, begin):
    counts = outcome_of(begin("e2e.sync_sessions", "statements", STATEMENT_SECONDS, *USERS[:5]))

    figures = figures_of(database)
    rate = figures["changes"] / STATEMENT_SECONDS
    print(f"\n{STATEMENT_SECONDS} s, 16 connections, 5 users: {counts}, {figures}, {rate:.0f} versions per second")
    assert counts.keys() == {"transactions"}
    assert (figures["versions given twice"], figures["deadlocks"]) == (0, 0)


def test_creates_with_keys_over_cut_connections_make_one_task_for_each_key(service, database):
    keys, cuts = [str(uuid.uuid4()) for _ in range(KEYS)], Counter()

    made = run_in_thread(create_with_cuts(service.port, tokens_of(["carol"]), keys, cuts))

    table = table_of(database, "carol")
    print(f"\n{KEYS} keys, {len(table)} tasks, connections cut: {dict(cuts)}")
    assert {row["client_id"]: row["id"] for row in table.values()} == made
    assert len(table) == len(keys) == len(made)


def run_in_thread(coroutine):
    """Run a coroutine in another thread. In this one, the browser of other tests has an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def race(clients, task, versions):
    """All clients change the task with the same If-Match. Return the statuses."""
    tag = f'"{versions[-1]}"'
    answers = await asyncio.gather(
        *(
            client.send("dave", "", "PATCH", f"/{task}", {"title": str(number)}, If_Match=tag)
            for number, client in enumerate(clients)
        )
    )
    versions += [answer["version"] for status, answer in answers if status == 200]
    return [status for status, _ in answers]


async def increment(client, task, times):
    """Add one to the number in the description, again when another client was faster."""
    _, current = await client.send("dave", "", "GET", f"/{task}")
    while times:
        body = {"description": str(int(current["description"]) + 1)}
        tag = f'"{current["version"]}"'
        status, answer = await client.send("dave", "", "PUT", f"/{task}", body, If_Match=tag)
        times -= status == 200
        current = answer if status == 200 else answer["current"]


def run(action, clients):
    """Run a coroutine, then close the connections of the clients. Return its result."""

    async def main():
        result = await action
        await asyncio.gather(*(client.end() for client in clients))
        return result

    return run_in_thread(main())


@pytest.fixture
def eight(service):
    """Eight clients of one user."""
    return [SyncClient(service.port, tokens_of(["dave"]), []) for _ in range(8)]


@pytest.fixture
def task(service):
    token = tokens_of(["dave"])["dave"]
    return service.call(token, "POST", "/api/tasks", {"title": "A", "description": "0"}).json()


def test_of_eight_writers_with_one_version_one_wins(eight, task):
    versions = [task["version"]]

    async def rounds():
        return [await race(eight, task["id"], versions) for _ in range(ROUNDS)]

    outcomes = Counter(tuple(sorted(statuses)) for statuses in run(rounds(), eight))

    print(f"\n{ROUNDS} rounds: {dict(outcomes)}")
    assert outcomes == {(200, *[412] * 7): ROUNDS}


def test_increments_with_if_match_lose_no_update(eight, task, database):
    times = ROUNDS // 8

    async def increments():
        await asyncio.gather(*(increment(client, task["id"], times) for client in eight))

    run(increments(), eight)

    row = table_of(database, "dave")[task["id"]]
    refused = sum(answer[3] == 412 for client in eight for answer in client.answers)
    print(f"\n{8 * times} increments by 8 clients, counted {row['description']}, {refused} of 412")
    assert row["description"] == str(8 * times)

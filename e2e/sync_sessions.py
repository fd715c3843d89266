"""Sessions of the database that write the tasks of the same users, in processes of their own.

    python -m e2e.sync_sessions others SECONDS USER…      plain SQL with slow commits, and the admin's actions
    python -m e2e.sync_sessions statements SECONDS USER…  the API's statements without HTTP, on 16 connections

DATABASE_URL names the database. The output is one JSON object: the number of transactions, and of each error.
"""

import json
import multiprocessing
import random
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import django

django.setup()

from django.db import DatabaseError, connection, transaction  # noqa: E402

from tasks.models import Task  # noqa: E402
from tasks.queries import Filters  # noqa: E402
from tasks.statements import OwnedTasks  # noqa: E402

MANY = 60  # tasks of a user, beyond which a session deletes
LONGEST = 1.0  # seconds that a slow transaction stays open
LOCKED = "id = ANY(ARRAY(SELECT id FROM tasks WHERE user_id = %s ORDER BY id LIMIT 5 FOR UPDATE))"
SLOW = {
    "insert": "INSERT INTO tasks (user_id, title) VALUES (%s, 'of a slow session')",
    "update": f"UPDATE tasks SET title = title || '.' WHERE {LOCKED} AND LENGTH(title) < 200",
    "delete": f"DELETE FROM tasks WHERE {LOCKED}",
}


def slow(users):
    """Write and insert in a transaction that stays open. New rows have no lock that another session may hold."""
    user = random.choice(users)
    seconds = random.uniform(0, LONGEST)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(random.choice(list(SLOW.values())), [user])
        time.sleep(seconds / 2)
        cursor.execute(SLOW["insert"], [user])
        time.sleep(seconds / 2)
    time.sleep(2 * seconds)  # the others' turn: they wait for this session


def operator(users):
    chosen = Task.objects.filter(user_id__in=random.sample(users, min(3, len(users))))
    if random.random() < 0.8:
        chosen.mark(completed=random.random() < 0.5)
    else:
        ids = list(chosen.order_by("?").values_list("id", flat=True)[:10])
        Task.objects.filter(id__in=ids).delete_locked()
    time.sleep(random.uniform(0, 0.4))


def statements(users):
    """Run one statement of the API, single or bulk."""
    tasks = OwnedTasks(random.choice(users))
    ids = sorted(Task.objects.owned_by(tasks.user_id).values_list("id", "version").order_by("?")[:MANY])
    if len(ids) >= MANY:
        return tasks.delete_many(Filters(ids=[task_id for task_id, _ in ids[: MANY // 2]]))
    if len(ids) < MANY // 3:
        return tasks.create_many([{"title": "New", "client_id": str(uuid.uuid4())} for _ in range(10)])
    task_id, version = random.choice(ids)
    return random.choice(
        [
            lambda: tasks.create({"title": "New"}),
            lambda: tasks.update(task_id, {"title": uuid.uuid4().hex}),
            lambda: tasks.update(task_id, {"title": uuid.uuid4().hex}, [version]),
            lambda: tasks.toggle(task_id),
            lambda: tasks.delete(task_id),
            lambda: tasks.update_many(Filters(completed=random.random() < 0.5), {"priority": "high"}),
            lambda: tasks.update_many(Filters(ids=[task_id for task_id, _ in ids]), {"completed": True}),
            lambda: tasks.delete_many(Filters(ids=[task_id for task_id, _ in random.sample(ids, 3)])),
        ]
    )()


# For each process the actions of its threads. Each thread has a connection of its own.
ROLES = {"others": [[slow, slow, operator]], "statements": [[statements] * 4] * 4}


def session(users, end, act):
    """Act until `end`, and count."""
    counts = Counter()
    while time.monotonic() < end:
        try:
            act(users)
            counts["transactions"] += 1
        except DatabaseError as error:
            counts[str(error).partition("\n")[0]] += 1
    connection.close()
    return counts


def process(users, end, acts):
    with ThreadPoolExecutor(len(acts)) as pool:
        return sum(pool.map(partial(session, users, end), acts), Counter())


def main(role, seconds, users):
    end = time.monotonic() + seconds
    with multiprocessing.get_context("fork").Pool(len(ROLES[role])) as pool:
        return sum(pool.map(partial(process, users, end), ROLES[role]), Counter())


if __name__ == "__main__":
    role, seconds, *users = sys.argv[1:]
    print(json.dumps(main(role, float(seconds), users)))

"""Clients that write tasks and clients that follow their changes, in processes of their own.

    python -m e2e.sync_clients writers PORT SECONDS < tokens.json
    python -m e2e.sync_clients readers PORT DATABASE_URL < tokens.json

`tokens.json` maps user ids to tokens. Half of the writers write for its first user alone. A reader follows one user.
At SIGTERM readers read what is left, and end. The output is one JSON object:

    answers   [kind, begin (time.monotonic), seconds, status, Retry-After], status 0: the connection was lost
    pictures  [user id, tasks] of each reader
    counts    received: changes; repeated: known before; missed: in the table before a request, and not in its responses
"""

import asyncio
import json
import random
import signal
import sys
import uuid
from collections import Counter
from contextlib import suppress

import psycopg

from e2e.load import Client

WRITERS, READERS = 8, 8
MANY = 60  # tasks of a user, beyond which writers delete
TAGS = ["home", "work", "shop"]


class SyncClient(Client):
    """A client of several users that keeps the latest entity tag."""

    def __init__(self, port, tokens, answers):
        super().__init__(port, "", answers)
        self.lines = {user: f"Host: localhost\r\nAuthorization: Bearer {tokens[user]}\r\n" for user in tokens}
        self.tag = None

    async def send(self, user, kind, method, path="", body=None, **headers):
        extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.headers = self.lines[user] + extra
        return await self.ask(kind, method, f"/api/{user}/tasks{path}", body)

    async def exchange(self, request):
        status, headers, data = await super().exchange(request)
        self.tag = headers.get("etag")
        return status, headers, data

    async def end(self):
        """Close the connection, and wait until it is closed."""
        if self.connection:
            _, writer = self.connection
            self.close()
            with suppress(OSError):
                await writer.wait_closed()


def new_task(**fields):
    keys = {"client_id": str(uuid.uuid4())} if random.random() < 0.5 else {}
    return {"title": uuid.uuid4().hex, "tags": random.sample(TAGS, random.randrange(3))} | keys | fields


class Writer(SyncClient):
    """Sends writes of all kinds, one after the other."""

    def __init__(self, port, tokens, answers, known):
        super().__init__(port, tokens, answers)
        self.known = known  # user -> the ids of tasks that this process has seen

    async def run(self, stop):
        users = list(self.lines)
        while not stop.is_set():
            user = random.choice(users)
            kinds = [self.remove_many] if len(self.known[user]) > MANY else [self.create, self.create_many]
            if self.known[user]:
                kinds += [self.change, self.change, self.toggle, self.change_if, self.remove, self.change_many]
            await random.choice(kinds)(user)
        self.close()

    def some(self, user):
        return random.choice(list(self.known[user]))

    async def create(self, user):
        status, task = await self.send(user, "create", "POST", "", new_task())
        if status == 201:
            self.known[user].add(task["id"])

    async def create_many(self, user):
        new_tasks = [new_task() for _ in range(random.randint(1, 10))]
        status, tasks = await self.send(user, "create many", "POST", "", new_tasks)
        if status == 201:
            self.known[user] |= {task["id"] for task in tasks}

    async def change(self, user):
        await self.one(user, "change", "PUT", "", {"title": uuid.uuid4().hex, "priority": "high"})

    async def change_if(self, user):
        """Read a task, and change it if nobody else has. Every second time the tag is wrong."""
        status, task = await self.one(user, "get", "GET")
        if status == 200:
            tag = f'"{task["version"] - random.randrange(2)}"'
            await self.one(user, "change if", "PATCH", "", {"description": "changed"}, task["id"], If_Match=tag)

    async def toggle(self, user):
        await self.one(user, "toggle", "PATCH", "/complete")

    async def remove(self, user):
        await self.one(user, "remove", "DELETE")

    async def one(self, user, kind, method, path="", body=None, task_id=None, **headers):
        """Send a request for one task."""
        task_id = task_id or random.choice(list(self.known[user]))
        status, answer = await self.send(user, kind, method, f"/{task_id}{path}", body, **headers)
        if status in (204, 404):
            self.known[user].discard(task_id)
        return status, answer

    async def change_many(self, user):
        filters = random.choice(["status=pending", f"tag={random.choice(TAGS)}", "priority=medium"])
        await self.send(user, "change many", "PATCH", f"?{filters}", {"completed": random.random() < 0.5})

    async def remove_many(self, user):
        chosen = set(random.sample(sorted(self.known[user]), MANY // 2))
        self.known[user] -= chosen
        await self.send(user, "remove many", "DELETE", f"?ids={','.join(map(str, chosen))}")


class Reader(SyncClient):
    """Follows the changes of one user, and compares what it was told with the table."""

    def __init__(self, port, user, token, answers, counts, database):
        super().__init__(port, {user: token}, answers)
        self.user, self.counts, self.database = user, counts, database
        self.next = None

    async def run(self, stop):
        while not stop.is_set():
            if self.next is None or random.random() < 0.02:
                await self.begin()
            await self.round()
            await asyncio.sleep(random.uniform(0, 0.1))
        await self.round()
        await self.end()

    async def begin(self):
        """Read every task, as a new device does. Responses without `since` do not name what was deleted before."""
        self.tasks, self.deleted, self.next, self.known_tag = {}, set(), None, None
        await self.catch_up()

    async def round(self):
        """Read all changes. They must contain what was committed before."""
        latest, committed = self.committed()
        await self.catch_up()
        mine = {task_id: task["version"] for task_id, task in self.tasks.items()}
        changes = [i for i, version in committed.items() if i not in self.deleted and mine.get(i, -1) < version]
        deletions = [i for i, version in mine.items() if version <= latest and i not in committed]
        self.counts["missed"] += len(changes) + len(deletions)

    def committed(self):
        """Return the latest version, and the versions of the tasks."""
        latest, versions = self.database.execute(
            "SELECT (SELECT version FROM task_versions WHERE user_id = %(user)s),"
            " (SELECT jsonb_object_agg(id, version) FROM tasks WHERE user_id = %(user)s)",
            {"user": self.user},
        ).fetchone()
        return latest or 0, {int(task_id): version for task_id, version in (versions or {}).items()}

    async def catch_up(self):
        while await self.page():
            pass

    async def page(self):
        """Read a page of changes and apply it. Return whether more follow."""
        query = f"?limit={random.choice([3, 50, 1000])}" + (f"&since={self.next}" if self.next else "")
        headers = {"If_None_Match": self.known_tag} if self.known_tag and random.random() < 0.5 else {}
        status, page = await self.send(self.user, "changes", "GET", f"/changes{query}", **headers)
        if status != 200:
            return False
        for task in page["changed"]:
            self.counts["repeated"] += self.tasks.get(task["id"], {}).get("version") == task["version"]
            self.tasks[task["id"]] = task
        for task_id in [task["id"] for task in page["deleted"]]:
            self.counts["repeated"] += task_id in self.deleted
            self.deleted.add(task_id)
            self.tasks.pop(task_id, None)
        self.counts["received"] += len(page["changed"]) + len(page["deleted"])
        self.next, self.known_tag = page["next"], self.tag
        return page["more"]


async def write(port, seconds, tokens):
    """Write for the given time."""
    stop, outcome, known = asyncio.Event(), {"answers": []}, {user: set() for user in tokens}
    asyncio.get_running_loop().call_later(float(seconds), stop.set)
    one = dict([next(iter(tokens.items()))])
    choices = [one, tokens] * (WRITERS // 2)
    await asyncio.gather(*(Writer(port, chosen, outcome["answers"], known).run(stop) for chosen in choices))
    return outcome


async def read(port, database_url, tokens):
    """Read until SIGTERM."""
    stop, answers, counts = asyncio.Event(), [], Counter()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = psycopg.connect(database_url, autocommit=True)
    first, *others = tokens
    users = [first, first, first, first, *others[: READERS - 4]]
    readers = [Reader(port, user, tokens[user], answers, counts, database) for user in users]
    await asyncio.gather(*(reader.run(stop) for reader in readers))
    return {
        "answers": answers,
        "counts": counts,
        "pictures": [[reader.user, list(reader.tasks.values())] for reader in readers],
    }


if __name__ == "__main__":
    role, port, argument = sys.argv[1:]
    action = {"writers": write, "readers": read}[role]
    print(json.dumps(asyncio.run(action(int(port), argument, json.load(sys.stdin)))))

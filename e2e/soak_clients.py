"""Users who send requests of all kinds, one after the other, and compare each response with what they wrote before.

    python -m e2e.soak_clients PORT ISSUER LIFE SECONDS PAUSE SEED < sessions.json

`sessions.json` maps user ids to session tokens of the issuer, Better Auth; tokens live for LIFE seconds. After the time
every user reads all tasks again. The output is one JSON object with `answers` and `tasks` as in load.py, and:

    counts    comparisons; lost: acknowledged writes that are not there; foreign: tasks of another user; twice: keys
              with two tasks; problems: responses that the contract does not allow; keys, tokens and repeated creates
    problems  the description of each
"""

import asyncio
import json
import random
import sys
import time
import uuid
from collections import Counter

from e2e.checking_client import NO_ANSWER, CheckingClient
from e2e.known_tasks import EITHER, SETTLED
from e2e.load import NOT_DONE, watch
from e2e.sync_clients import TAGS

MANY = 40  # tasks of a user, beyond which half are deleted
PRIORITIES = ["low", "medium", "high"]
WEIGHTS = {
    "list": 60,
    "filtered": 10,
    "get": 10,
    "toggle": 10,
    "create": 5,
    "update": 5,
    "changes": 3,
    "count": 2,
    "update_if": 2,
    "stale_update": 1,
    "repeat": 1,
    "create_many": 1,
    "update_many": 1,
    "delete": 1,
    "foreign": 1,
}
CLOSE = 0.2  # the part of the requests after which a client closes its connection
BETWEEN_CHECKS = 5  # seconds between two health checks


def new_task():
    return {"title": uuid.uuid4().hex, "priority": random.choice(PRIORITIES), "tags": random.sample(TAGS, 2)}


class User(CheckingClient):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.unacknowledged = []  # bodies of creates with keys, to be repeated
        self.latest = None  # the entity tag and the tasks of the latest list
        self.mirror, self.next = {}, None  # what `changes` has told

    async def run(self, end, pause):
        await asyncio.sleep(random.uniform(0, pause))
        while time.monotonic() < end:
            await self.step()
            if random.random() < CLOSE:
                self.close()
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))

    async def step(self):
        await self.renew()
        if not self.has_token:
            return None
        if self.unacknowledged:
            return await self.create_with_keys(self.unacknowledged)
        if not self.known.tasks:
            return await self.create_many(10)
        if len(self.known.tasks) > MANY:
            return await self.delete_many()
        return await getattr(self, random.choices(list(WEIGHTS), WEIGHTS.values())[0])()

    async def list(self):
        """Read all tasks. Every second time with the latest tag, and a 304 says that they are as they were."""
        tag = self.latest and random.choice([None, self.latest[0]])
        headers = {"If_None_Match": tag} if tag else {}
        begin, status, tasks = await self.ask_for("list", "GET", expected=(200, 304) if tag else (200,), **headers)
        if status == 304:
            self.known.seen_all(self.latest[1], begin)
        elif status == 200:
            self.known.seen_all(tasks, begin)
            self.latest = self.tag, tasks
        return status in (200, 304)

    async def filtered(self):
        field, value = random.choice(
            [("status", "pending"), ("status", "completed"), ("priority", "high"), ("tag", random.choice(TAGS))]
        )
        begin, status, tasks = await self.ask_for("filtered", "GET", f"?{field}={value}")
        if status != 200:
            return
        if self.known.is_certain():
            fits = {
                "status": lambda task: task["completed"] == (value == "completed"),
                "priority": lambda task: task["priority"] == value,
                "tag": lambda task: value in task["tags"],
            }[field]
            expected = {task_id for task_id, task in self.known.tasks.items() if fits(task)}
            found = {task["id"] for task in tasks}
            self.known.check(expected == found, "lost", f"{field}={value}: {expected} expected, {found} found")
        for task in tasks:
            self.known.seen(task, begin)

    async def get(self):
        task_id = self.some()
        begin, status, task = await self.one("get", "GET", task_id)
        if status == 200:
            self.known.seen(task, begin)

    async def toggle(self):
        task_id = self.some()
        completed = not self.known.tasks[task_id]["completed"] if self.known.is_certain(task_id) else EITHER
        await self.write("toggle", task_id, {"completed": completed}, "/complete")

    async def update(self):
        changes = {"title": uuid.uuid4().hex, "priority": random.choice(PRIORITIES)}
        await self.write("update", self.some(), changes, body=changes, method="PUT")

    async def update_if(self):
        """Change a task that nobody else has changed."""
        task_id, changes = self.some(), {"description": uuid.uuid4().hex}
        tag = f'"{self.known.tasks[task_id]["version"]}"'
        await self.write("conditional", task_id, changes, body=changes, If_Match=tag)

    async def stale_update(self):
        """Try to overwrite a newer version."""
        task_id, changes = self.some(), {"description": "overwritten"}
        tag = f'"{self.known.tasks[task_id]["version"] - 1}"'
        begin, status, answer = await self.one("conditional", "PATCH", task_id, "", changes, (412,), If_Match=tag)
        if status == 412:
            self.known.seen(answer["current"], begin)

    async def create(self):
        """Create a task with a key or without."""
        if random.random() < 0.5:
            await self.create_with_keys([new_task() | {"client_id": str(uuid.uuid4())}])
            return
        body = new_task()
        _, status, task = await self.ask_for("create", "POST", body=body, expected=(201,))
        if status == 201:
            self.known.created(task, body)
        elif status not in NOT_DONE:
            self.known.attempt_create([body["title"]])

    async def create_many(self, number=5):
        await self.create_with_keys([new_task() | {"client_id": str(uuid.uuid4())} for _ in range(number)])

    async def create_with_keys(self, bodies):
        """Create tasks; without an answer, the next step does it again."""
        kind, body = ("create", bodies[0]) if len(bodies) == 1 else ("create many", bodies)
        _, status, answer = await self.ask_for(kind, "POST", body=body, expected=(201,))
        if status == 201:
            self.unacknowledged = []
            for task, sent in zip(answer if len(bodies) > 1 else [answer], bodies, strict=True):
                self.known.created(task, sent)
            return
        self.unacknowledged = bodies
        self.known.attempt_create([body["title"] for body in bodies])
        self.counts["creates without an answer, repeated"] += status in NO_ANSWER

    async def repeat(self):
        """Repeat an acknowledged create. The response is the task as it is now."""
        keys = {task["client_id"]: task for task in self.known.tasks.values() if task["client_id"]}
        if not keys:
            return
        key, task = random.choice(list(keys.items()))
        headers = {"Idempotency_Key": key}
        certain = self.known.is_certain(task["id"])
        begin, status, answer = await self.ask_for(
            "create", "POST", body={"title": "again"}, expected=(201,), **headers
        )
        if status == 201 and certain:
            self.counts["acknowledged creates repeated"] += 1
            self.known.check(answer["id"] == task["id"], "twice", f"{task} and {answer}")
            self.known.seen(answer, begin)

    async def update_many(self):
        ids, changes = self.sample(5), {"description": uuid.uuid4().hex}
        certain = all(self.known.is_certain(task_id) for task_id in ids)
        path = f"?ids={','.join(map(str, ids))}"
        begin, status, tasks = await self.ask_for("update many", "PATCH", path, changes)
        if status == 200:
            for task in tasks:
                self.known.seen(task, begin, changes)
            if certain:
                self.known.check({task["id"] for task in tasks} == set(ids), "lost", f"of {ids} changed: {tasks}")
        elif status not in NOT_DONE:
            self.known.attempt(ids, changes)

    async def delete(self):
        task_id = self.some()
        _, status, _ = await self.one("delete", "DELETE", task_id, expected=(204,))
        if status == 204:
            self.known.removed([task_id])
        elif status not in NOT_DONE:
            self.known.attempt([task_id], None)

    async def delete_many(self):
        ids = self.sample(MANY // 2)
        certain = all(self.known.is_certain(task_id) for task_id in ids)
        _, status, deleted = await self.ask_for("delete many", "DELETE", f"?ids={','.join(map(str, ids))}")
        if status == 200:
            self.known.removed(ids)
            self.known.check(not certain or set(deleted) == set(ids), "lost", f"of {ids} deleted: {deleted}")
        elif status not in NOT_DONE:
            self.known.attempt(ids, None)

    async def count(self):
        certain, tasks = self.known.is_certain(), list(self.known.tasks.values())
        _, status, answer = await self.ask_for("counts", "GET", "/counts")
        if status == 200 and certain:
            completed = sum(task["completed"] for task in tasks)
            expected = {"all": len(tasks), "pending": len(tasks) - completed, "completed": completed, "overdue": 0}
            self.known.check(answer == expected, "lost", f"{expected} expected, {answer} counted")

    async def changes(self):
        """Read what has changed. Applied to what was read before, it makes all tasks."""
        more = True
        while more:
            path = "/changes?limit=20" + (f"&since={self.next}" if self.next else "")
            begin, status, page = await self.ask_for("changes", "GET", path)
            if status != 200:
                return False
            self.mirror |= {task["id"]: task for task in page["changed"]}
            for task in page["deleted"]:
                self.mirror.pop(task["id"], None)
            self.next, more = page["next"], page["more"]
        self.known.seen_all(list(self.mirror.values()), begin)
        return True

    async def foreign(self):
        """Try to read somebody else's tasks."""
        other = random.choice(list(self.all_tasks.values()))
        if other.user_id == self.user_id or not other.tasks:
            return
        theirs = random.choice(list(other.tasks))
        await self.ask_for("foreign", "GET", user=other.user_id, expected=(403,))
        await self.ask_for("foreign", "GET", f"/{theirs}", expected=(404,))

    async def finish(self, places):
        """Repeat creates until they are acknowledged, and read all tasks in both ways."""
        self.latest = None
        async with places:
            for action in (self.create_again, self.list, self.changes):
                await self.until_done(action)
            self.close()

    async def until_done(self, action):
        for _ in range(60):
            await self.renew()
            if self.has_token and await action():
                return
            await asyncio.sleep(1)
        self.known.problems.append(f"{self.user_id}: no success of {action.__name__} after the load")

    async def create_again(self):
        if self.unacknowledged:
            await self.create_with_keys(self.unacknowledged)
        return not self.unacknowledged


async def main(port, issuer, life, seconds, pause, sessions):
    outcome = {"answers": [], "counts": Counter(), "problems": [], "known": {}}
    end = time.monotonic() + seconds
    users = [User(port, issuer, life, user_id, session, outcome) for user_id, session in sessions.items()]
    clients = [user.run(end, pause) for user in users]
    clients += [
        watch(port, kind, path, end, outcome["answers"], BETWEEN_CHECKS)
        for kind, path in (("health", "/health"), ("ready", "/health/ready"))
    ]
    errors = await asyncio.gather(*clients, return_exceptions=True)
    await asyncio.sleep(SETTLED)
    places = asyncio.Semaphore(4)
    errors += await asyncio.gather(*(user.finish(places) for user in users), return_exceptions=True)
    known = outcome.pop("known").values()
    tasks = [task for one in known for task in one.tasks.values()]
    outcome["tasks"] = {task["id"]: [[task["title"]], [task["completed"]]] for task in tasks}
    outcome["counts"]["keys"] = sum(len(one.keys) for one in known)
    outcome["problems"] = [repr(error) for error in errors if error] + outcome["problems"]
    return outcome


if __name__ == "__main__":
    port, issuer, life, seconds, pause, seed = sys.argv[1:]
    random.seed(seed)
    numbers = map(float, (life, seconds, pause))
    print(json.dumps(asyncio.run(main(int(port), issuer, *numbers, json.load(sys.stdin)))))

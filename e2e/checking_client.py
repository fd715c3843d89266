"""A client of one user, which renews its token, and compares what it wrote with what it reads."""

import asyncio
import random
import time

import jwt
import requests

from e2e.known_tasks import KnownTasks
from e2e.load import NOT_DONE
from e2e.sync_clients import SyncClient

NO_ANSWER = {0, 503}  # also a lost connection
LATER = {401, 429}  # nothing was done


class CheckingClient(SyncClient):
    def __init__(self, port, issuer, life, user_id, session, outcome):
        super().__init__(port, {}, outcome["answers"])
        self.user_id, self.session, self.life = user_id, session, life
        self.token_url, self.renew_at = f"{issuer}/api/auth/token", 0  # time.time()
        self.counts, self.all_tasks = outcome["counts"], outcome["known"]
        self.known = self.all_tasks[user_id] = KnownTasks(user_id, self.counts, outcome["problems"])

    @property
    def has_token(self):
        return self.user_id in self.lines

    async def renew(self):
        """Get a new token when about half of the old one's life is over. Without the issuer, try again next time."""
        if time.time() < self.renew_at:
            return
        headers = {"Authorization": f"Bearer {self.session}"}
        try:
            response = await asyncio.to_thread(requests.get, self.token_url, headers=headers, timeout=5)
            token = response.json()["token"]
        except (requests.RequestException, KeyError):
            return
        self.counts["tokens"] += 1
        self.lines[self.user_id] = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n"
        expires = jwt.decode(token, options={"verify_signature": False})["exp"]
        self.renew_at = expires - self.life * random.uniform(0.4, 0.6)

    async def send(self, user, kind, method, path="", body=None, **headers):
        """As the base class, but with this user's token on any user's path."""
        self.lines[user] = self.lines[self.user_id]
        return await super().send(user, kind, method, path, body, **headers)

    async def ask_for(self, kind, method, path="", body=None, expected=(200,), user=None, **headers):
        """Send a request. Return when it began, its status and its JSON. A status that is not expected is a problem."""
        begin = time.monotonic()
        status, answer = await self.send(user or self.user_id, kind, method, path, body, **headers)
        if status == 401:
            self.renew_at = 0
        if status not in {*expected, *NO_ANSWER, *LATER}:
            self.counts["problems"] += 1
            self.known.problems.append(f"{method} {path} {body} {headers}: {status} {answer}")
        return begin, status, answer

    async def one(self, kind, method, task_id, path="", body=None, expected=(200,), **headers):
        """Send a request for one task. A 404 is expected only after a delete without an answer."""
        path = f"/{self.key_of(task_id)}{path}"
        begin, status, answer = await self.ask_for(kind, method, path, body, (*expected, 404), **headers)
        if status == 404:
            self.known.missing(task_id)
        return begin, status, answer

    async def write(self, kind, task_id, changes, path="", body=None, method="PATCH", **headers):
        """Change a task, and note what came of it."""
        # Another version than the known one is only possible after a write without an answer.
        expected = (200,) if self.known.is_certain(task_id) else (200, 412)
        begin, status, task = await self.one(kind, method, task_id, path, body, expected, **headers)
        if status == 200:
            self.known.seen(task, begin, changes)
        elif status == 412:
            self.known.seen(task["current"], begin)
        elif status not in NOT_DONE:
            self.known.attempt([task_id], changes)

    def some(self):
        return random.choice(list(self.known.tasks))

    def sample(self, number):
        return random.sample(list(self.known.tasks), min(number, len(self.known.tasks)))

    def key_of(self, task_id):
        """Return the task's client id, if it has one, every second time."""
        return random.choice([task_id, self.known.tasks[task_id]["client_id"] or task_id])

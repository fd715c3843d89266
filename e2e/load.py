"""Clients in a process of their own, which send requests one after the other and note every response.

    python -m e2e.load PORT SECONDS PAUSE < tokens.json

`tokens.json` maps user ids to tokens. Each user has one client and one task, and lists, reads, replaces, toggles and
creates tasks. Two more clients watch /health and /health/ready. The output is one JSON object:

    answers  [kind, begin (time.monotonic), seconds, status, Retry-After], status 0: the connection was lost
    tasks    for each task whose creation was acknowledged, the values that it may have: [titles, completed]
"""

import asyncio
import json
import random
import sys
import time
import uuid

LONGEST = 30  # seconds until a client gives up
BETWEEN_CHECKS = 0.05  # seconds between two health checks
KINDS = ["list", "get", "put", "toggle", "add"]
NOT_DONE = {400, 401, 403, 404, 405, 413, 415, 422, 429}  # statuses after which the task is certainly as before


class Client:
    """One keep-alive connection. As other HTTP clients, it connects anew when the server has closed the connection."""

    def __init__(self, port, token, answers):
        self.port, self.answers = port, answers
        self.headers = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n" if token else "Host: localhost\r\n"
        self.connection = None

    async def ask(self, kind, method, path, body=None):
        """Send a request, note the response, and return its status and its JSON."""
        content = json.dumps(body).encode() if body else b""
        head = f"{method} {path} HTTP/1.1\r\n{self.headers}Content-Length: {len(content)}\r\n"
        head += "Content-Type: application/json\r\n\r\n" if body else "\r\n"
        begin = time.monotonic()
        try:
            status, headers, data = await asyncio.wait_for(self.exchange(head.encode() + content), LONGEST)
        except (OSError, EOFError, TimeoutError):
            status, headers, data = 0, {}, b""
            self.close()
        self.answers.append([kind, begin, time.monotonic() - begin, status, headers.get("retry-after")])
        return status, json.loads(data) if data else None

    async def exchange(self, request):
        if self.connection and self.connection[0].at_eof():
            self.close()
        self.connection = self.connection or await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.connection
        writer.write(request)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split()[1]), headers, data

    def close(self):
        if self.connection:
            self.connection[1].close()
        self.connection = None


class User:
    """A user whose client sends requests of all kinds, and who knows which tasks must be in the database."""

    def __init__(self, port, user_id, token, outcome):
        self.client = Client(port, token, outcome["answers"])
        self.path = f"/api/{user_id}/tasks"
        self.tasks = outcome["tasks"]
        # A write without an answer may be done at any later time, for example when the database goes on.
        self.titles, self.unanswered, self.completed = set(), set(), {False}

    async def run(self, end, pause):
        """Send requests until `end`."""
        task_id = None
        while time.monotonic() < end:
            if task_id is None:
                title, task_id = await self.create()
                self.titles = {title}
            else:
                await getattr(self, random.choice(KINDS))(task_id)
            if task_id is not None:
                self.tasks[task_id] = [list(self.titles), list(self.completed)]
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        self.client.close()

    async def list(self, task_id):
        await self.client.ask("list", "GET", f"{self.path}?limit=20")

    async def get(self, task_id):
        await self.client.ask("get", "GET", f"{self.path}/{task_id}")

    async def add(self, task_id):
        title, new_id = await self.create()
        if new_id is not None:
            self.tasks[new_id] = [[title], [False]]

    async def create(self):
        """Return the title and the id of a new task; the id is None when the creation was not acknowledged."""
        title = uuid.uuid4().hex
        status, task = await self.client.ask("create", "POST", self.path, {"title": title})
        return title, task["id"] if status == 201 else None

    async def put(self, task_id):
        title = uuid.uuid4().hex
        status, _ = await self.client.ask("put", "PUT", f"{self.path}/{task_id}", {"title": title})
        if status == 200:
            self.titles = {title} | self.unanswered
        elif status not in NOT_DONE:
            self.unanswered.add(title)
            self.titles.add(title)

    async def toggle(self, task_id):
        status, _ = await self.client.ask("toggle", "PATCH", f"{self.path}/{task_id}/complete")
        if status == 200:
            self.completed = {not completed for completed in self.completed}
        elif status not in NOT_DONE:
            self.completed = {True, False}


async def watch(port, kind, path, end, answers, pause=BETWEEN_CHECKS):
    """Send health checks until `end`, each on a connection of its own."""
    while time.monotonic() < end:
        client = Client(port, "", answers)
        await client.ask(kind, "GET", path)
        client.close()
        await asyncio.sleep(pause)


async def main(port, seconds, pause, tokens):
    outcome = {"answers": [], "tasks": {}}
    end = time.monotonic() + seconds
    clients = [User(port, user_id, token, outcome).run(end, pause) for user_id, token in tokens.items()]
    clients.append(watch(port, "health", "/health", end, outcome["answers"]))
    clients.append(watch(port, "ready", "/health/ready", end, outcome["answers"]))
    await asyncio.gather(*clients)
    return outcome


if __name__ == "__main__":
    port, seconds, pause = sys.argv[1:]
    print(json.dumps(asyncio.run(main(int(port), float(seconds), float(pause), json.load(sys.stdin)))))

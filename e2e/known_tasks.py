"""What a client knows of its tasks: the last acknowledged state of each, and the writes without an answer.

A write without an answer may be done, may be done a moment later, or may never be done. After SETTLED seconds that is
decided, and the next response that shows the task tells which it was.
"""

import time
from collections import Counter
from dataclasses import dataclass, field

SETTLED = 30  # seconds; longer than the database hangs in a test, and its time limit for statements
FIELDS = ("title", "description", "completed", "priority", "tags")
EITHER = object()  # the value of a toggle without an answer


@dataclass(frozen=True)
class Attempt:
    """A write without an answer. `changes` is None for a delete."""

    at: float
    task_id: int
    changes: dict | None

    def allows(self, name, value):
        return self.changes is not None and name in self.changes and self.changes[name] in (value, EITHER)


@dataclass
class KnownTasks:
    """The tasks of one user. `counts` gets what is wrong: lost, foreign, twice; `problems` gets its description."""

    user_id: str
    counts: Counter
    problems: list
    tasks: dict = field(default_factory=dict)  # id -> the task as the latest response shows it
    attempts: list = field(default_factory=list)
    titles: dict = field(default_factory=dict)  # title of a create without an answer -> time
    deleted: set = field(default_factory=set)
    keys: dict = field(default_factory=dict)  # client id -> id of the task that was made for it

    def attempt(self, ids, changes):
        """Note a write without an answer."""
        self.attempts += [Attempt(time.monotonic(), task_id, changes) for task_id in ids]

    def attempt_create(self, titles):
        self.titles |= dict.fromkeys(titles, time.monotonic())

    def is_certain(self, task_id=None):
        """Return whether no write without an answer concerns the task; without an id, any task."""
        if task_id is None:
            return not self.attempts and not self.titles
        return all(attempt.task_id != task_id for attempt in self.attempts)

    def created(self, task, body):
        """Note the response to a create with or without a key."""
        self.titles.pop(task["title"], None)
        if key := task["client_id"]:
            self.check(self.keys.setdefault(key, task["id"]) == task["id"], "twice", f"two tasks for the key {key}")
        self.check(body.items() <= task.items(), "lost", f"sent {body}, created {task}")
        self.tasks[task["id"]] = task

    def seen(self, task, begin, changes=None):
        """Compare a task with what is known, and keep it.

        `begin` is the time at which the request began, `changes` what it has changed.
        """
        known = self.tasks.get(task["id"])
        if task["user_id"] != self.user_id or (known is None and task["title"] not in self.titles):
            self.check(False, "lost" if task["id"] in self.deleted else "foreign", f"unexpected: {task}")
            return
        if known is not None:
            self.compare(known, task, changes or {})
        self.tasks[task["id"]] = task
        self.attempts = [a for a in self.attempts if a.task_id != task["id"] or a.at + SETTLED > begin]

    def compare(self, known, task, changes):
        doubts = [attempt for attempt in self.attempts if attempt.task_id == task["id"]]
        expected = known | changes
        allowed = {
            name: expected[name] in (task[name], EITHER) or any(doubt.allows(name, task[name]) for doubt in doubts)
            for name in FIELDS
        }
        holds = all(allowed.values()) and task["version"] >= known["version"]
        if not doubts and not changes:
            holds = known == task  # also times, version, and what only the service writes
        self.check(holds, "lost", f"known {known}, changes {changes}, without an answer {doubts}, now {task}")

    def seen_all(self, tasks, begin):
        """Compare the response to a request for all tasks, which began at `begin`."""
        for task in tasks:
            self.seen(task, begin)
        for task_id in self.tasks.keys() - {task["id"] for task in tasks}:
            self.missing(task_id)
        self.titles = {title: at for title, at in self.titles.items() if at + SETTLED > begin}
        ids = self.tasks.keys()
        self.attempts = [a for a in self.attempts if a.task_id in ids or a.at + SETTLED > begin]

    def missing(self, task_id):
        """Note that a task does not exist. Only a delete without an answer explains it."""
        known = self.tasks.pop(task_id)
        explained = any(attempt.task_id == task_id and attempt.changes is None for attempt in self.attempts)
        self.check(explained, "lost", f"missing: {known}")

    def removed(self, ids):
        """Note acknowledged deletes."""
        for task_id in ids:
            self.tasks.pop(task_id, None)
            self.deleted.add(task_id)

    def check(self, holds, kind, problem):
        self.counts["comparisons"] += 1
        if not holds:
            self.counts[kind] += 1
            self.problems.append(f"{kind}: {problem}")

"""What the API promises for the tasks of one user, in plain Python: no HTTP, no SQL. test_model.py compares both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from tasks.rows import CHANGEABLE

Task = dict[str, Any]  # as JSON

DEFAULTS: Task = {
    "description": None,
    "completed": False,
    "priority": "medium",
    "due_at": None,
    "tags": [],
    "client_id": None,
}
CHOSEN_BY_THE_DATABASE = ("id", "version", "created_at", "updated_at")


@dataclass
class Account:
    """The tasks of one user, those that were deleted, and a version that none of them is greater than."""

    user_id: str
    tasks: dict[int, Task] = field(default_factory=dict)
    deleted: dict[int, str | None] = field(default_factory=dict)  # id -> client_id
    version: int = 0
    writes: int = 0

    def find(self, key: int | str) -> Task | None:
        """Return the task with this id or client id."""
        return next((task for task in self.tasks.values() if key in (task["id"], task["client_id"])), None)

    def create(self, bodies: Sequence[Task], answers: Sequence[Task]) -> None:
        """Fail unless each body was answered with a new task, or with the task that has its client id."""
        assert len(answers) == len(bodies)
        known = [body.get("client_id") and self.find(body["client_id"].lower()) for body in bodies]
        new = [(body, answer) for body, answer, task in zip(bodies, answers, known, strict=True) if not task]
        assert [answer for answer, task in zip(answers, known, strict=True) if task] == list(filter(None, known))
        assert not self.tasks.keys() & {answer["id"] for _, answer in new}
        self._write([self._new(*each) for each in new], [answer for _, answer in new])

    def change(self, ids: Sequence[int], changes: Task, answers: Sequence[Task]) -> None:
        """Fail unless these tasks were answered with the changes."""
        assert [answer["id"] for answer in answers] == list(ids)
        old = [self.tasks[task_id] for task_id in ids]
        assert all(time(task["updated_at"]) <= time(new["updated_at"]) for task, new in zip(old, answers, strict=True))
        chosen = [{name: new[name] for name in ("version", "updated_at")} for new in answers]
        self._write([task | normal(changes) | each for task, each in zip(old, chosen, strict=True)], answers)

    def delete(self, ids: Iterable[int]) -> None:
        for task_id in ids:
            self.deleted[task_id] = self.tasks.pop(task_id)["client_id"]
            self.version += 1  # at least
            self.writes += 1

    def _new(self, body: Task, answer: Task) -> Task:
        chosen = {name: answer[name] for name in CHOSEN_BY_THE_DATABASE}
        return DEFAULTS | {"user_id": self.user_id} | normal(body) | chosen

    def _write(self, expected: Sequence[Task], answers: Sequence[Task]) -> None:
        assert list(answers) == list(expected)
        versions = {task["version"] for task in answers}
        assert len(versions) == len(answers)
        assert min(versions, default=self.version + 1) > self.version
        self.version = max(versions, default=self.version)
        self.writes += len(versions)
        self.tasks |= {task["id"]: task for task in answers}

    def list(self, sort: str = "created", **filters: Any) -> list[Task]:
        """Return the tasks that match, in the order of `sort`."""
        name, reverse = sort.removeprefix("-"), sort.startswith("-")
        found = [task for task in self.tasks.values() if matches(task, **filters)]
        return sorted(found, key=lambda task: (SORT_KEYS[name](task), task["id"]), reverse=reverse)

    def counts(self, **filters: Any) -> dict[str, int]:
        found, now = self.list(**filters), datetime.now(UTC)
        pending = [task for task in found if not task["completed"]]
        overdue = [task for task in pending if task["due_at"] and time(task["due_at"]) < now]
        return {
            "all": len(found),
            "pending": len(pending),
            "completed": len(found) - len(pending),
            "overdue": len(overdue),
        }


def matches(
    task: Task,
    status: str = "all",
    priority: str | None = None,
    tag: Sequence[str] = (),
    due_before: str | None = None,
    due_after: str | None = None,
    search: str = "",
    ids: Sequence[str] = (),
) -> bool:
    """Return whether the task matches all filters."""
    tags = {fold(own) for own in task["tags"]}
    text = fold(f"{task['title']} {task['description'] or ''}")
    due = task["due_at"] and time(task["due_at"])
    return bool(
        status in ("all", "completed" if task["completed"] else "pending")
        and priority in (None, task["priority"])
        and all(fold(wanted.strip()) in tags for wanted in tag)
        and (due_before is None or (due and due < time(due_before)))
        and (due_after is None or (due and due > time(due_after)))
        and all(fold(word) in text for word in search.split())
        and (not ids or {str(task["id"]), task["client_id"]} & {key.lower() for key in ids})
    )


SORT_KEYS = {
    "created": lambda task: time(task["created_at"]),
    "updated": lambda task: time(task["updated_at"]),
    "title": lambda task: fold(task["title"]),
    "priority": lambda task: ["high", "medium", "low"].index(task["priority"]),
    "due": lambda task: (0, time(task["due_at"])) if task["due_at"] else (1,),
}


def normal(body: Task) -> Task:
    """Return the fields that a body writes, as the API returns them."""
    values = {name: value for name, value in body.items() if name in CHANGEABLE or name == "client_id"}
    if "title" in values:
        values["title"] = values["title"].strip()
    if "tags" in values:
        trimmed = [tag.strip() for tag in values["tags"]]
        lowered = [tag.lower() for tag in trimmed]
        values["tags"] = [tag for place, tag in enumerate(trimmed) if lowered.index(tag.lower()) == place]
    if values.get("due_at"):
        values["due_at"] = time(values["due_at"]).isoformat().replace("+00:00", "Z")
    if values.get("client_id"):
        values["client_id"] = values["client_id"].lower()
    return values


def time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def fold(text: str) -> str:
    """Return the text without its case. SQLite knows that of ASCII letters only."""
    return text.lower() if connection.vendor == "postgresql" else text.encode().lower().decode()

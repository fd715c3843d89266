"""Time per task of the formats of an export, and of the library icalendar.

DJANGO_SETTINGS_MODULE=todo_api.settings python -m benchmarks.exports
"""

import time
from datetime import UTC, datetime

import django

django.setup()

from icalendar import Todo  # noqa: E402

from tasks.export import FORMATS, PRIORITIES  # noqa: E402

NOW = datetime.now(UTC)
TASK = {
    "id": 7, "user_id": "Vt3rBq8LdXc5Yw1ZkPm6NsHj2GfAe4Ru", "title": "Buy groceries, and more",
    "description": "Milk, eggs, bread\n" * 10, "completed": False, "priority": "high", "due_at": NOW,
    "tags": ["home", "shop"], "client_id": "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11", "version": 1769848200,
    "created_at": NOW, "updated_at": NOW,
}  # fmt: skip
PAGE = [TASK] * 1000


def with_icalendar(rows):
    return b"".join(todo(row).to_ical() for row in rows)


def todo(row):
    component = Todo()
    for name, value in {
        "uid": row["client_id"], "dtstamp": NOW, "created": NOW, "last-modified": NOW, "due": NOW,
        "status": "NEEDS-ACTION", "summary": row["title"], "description": row["description"], "categories": row["tags"],
        "priority": PRIORITIES[row["priority"]],
    }.items():  # fmt: skip
        component.add(name, value)
    return component


def microseconds(write):
    """Return the CPU time per task, the best of 5 pages."""
    times = []
    for _ in range(5):
        begin = time.process_time()
        write(PAGE)
        times.append(time.process_time() - begin)
    return min(times) * 1e6 / len(PAGE)


for name, chosen in FORMATS.items():
    print(f"{name:10} {microseconds(chosen.write):8.1f} µs per task")
print(f"icalendar  {microseconds(with_icalendar):8.1f} µs per task")

"""What the tests of changes share: reading them, and rows without versions."""

import pytest
from django.db import connection

from tasks.models import LatestVersion

URL = "/api/tasks/changes"
KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
needs_postgresql = pytest.mark.skipif("connection.vendor == 'sqlite'", reason="promised for PostgreSQL alone")


def changes(client, since=None, **parameters):
    response = client.get(URL, parameters | ({"since": since} if since else {}))
    assert response.status_code == 200, response.content
    assert response.json().keys() == {"changed", "deleted", "next", "more"}
    return response.json()


def follow(client, since=None, limit=1000):
    """Return the pages of changes until the last one."""
    pages = [changes(client, since, limit=limit)]
    while pages[-1]["more"]:
        pages.append(changes(client, pages[-1]["next"], limit=limit))
        assert len(pages) < 30, "the pages have no end"
    return pages


def titles(page):
    return [task["title"] for task in page["changed"]]


def execute(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def without_versions():
    """Make all tasks as they are after the migration: without versions and counters."""
    if connection.vendor == "postgresql":
        execute("ALTER TABLE tasks DISABLE TRIGGER tasks_version")
        execute("UPDATE tasks SET version = 0")
        execute("ALTER TABLE tasks ENABLE TRIGGER tasks_version")
    else:
        execute("UPDATE tasks SET version = 0")
    LatestVersion.objects.all().delete()

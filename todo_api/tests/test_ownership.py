"""The check of all tests that each statement of a request names the token's user: which statements it refuses."""

import pytest
from django.db import connection

from tasks.export import Format
from tasks.filters import filters_of
from tasks.queries import SORTS, TaskQuery
from tasks.rows import execute
from tasks.statements import OwnedTasks, Position
from todo_api.tests.ownership import foreign_parts

KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
EVERY_FILTER = filters_of(
    {"status": "pending", "priority": "low", "tag": ["home"], "search": ["milk"], "ids": [1, 2, KEY]}
)
TASK = {"title": "Buy milk"}
CONDITION = "user_id = %s"
OWNED = [
    "SELECT * FROM tasks WHERE user_id = %s AND (id = 1 OR id = 2)",
    'SELECT "tasks"."id" FROM "tasks" WHERE ("tasks"."user_id" = %s AND "tasks"."id" = 1)',
    "SELECT 1 FROM deleted_tasks WHERE user_id = %s AND EXISTS"
    " (SELECT 1 FROM tasks WHERE id = task_id AND tasks.user_id = deleted_tasks.user_id)",
    "INSERT INTO tasks (user_id, title) VALUES (%s, LOWER('x')) RETURNING id",
    'SELECT * FROM "user" WHERE CAST(id AS text) = %s',
    "SAVEPOINT one",
]
FOREIGN = [
    "SELECT * FROM tasks",
    "SELECT * FROM tasks WHERE id = %s",
    "SELECT * FROM tasks WHERE user_id = %s OR completed",
    "SELECT * FROM tasks WHERE (user_id = %s OR completed)",
    "SELECT * FROM tasks WHERE NOT user_id = %s",
    "SELECT * FROM tasks WHERE user_id <> %s",
    "SELECT user_id = %s FROM tasks",
    "SELECT * FROM task_versions, tasks WHERE task_versions.user_id = %s",
    "SELECT * FROM tasks JOIN deleted_tasks ON tasks.user_id = deleted_tasks.user_id",
    "SELECT * FROM tasks WHERE id IN (SELECT task_id FROM deleted_tasks WHERE user_id = %s)",
    "SELECT * FROM tasks WHERE user_id = %s AND id IN (SELECT task_id FROM deleted_tasks)",
    "SELECT id FROM tasks WHERE user_id = %s UNION ALL SELECT task_id FROM deleted_tasks",
    "UPDATE tasks SET version = (SELECT version FROM task_versions WHERE user_id = %s) WHERE id = 1",
    "UPDATE tasks SET user_id = %s WHERE id = 1",
    "WITH found AS (SELECT * FROM tasks WHERE user_id = %s) DELETE FROM tasks WHERE id = (SELECT id FROM found)",
    "INSERT INTO tasks (title, user_id) VALUES ('x', %s) RETURNING id",
    "INSERT INTO tasks (user_id, title) VALUES (%s, 'x'), ('bob', 'x') RETURNING id",
    "INSERT INTO deleted_tasks (user_id, task_id) VALUES (%s, 1) RETURNING task_id",
    'SELECT * FROM "user" WHERE email = %s',
    "SELECT * FROM auth_user WHERE username = %s",
]


def statements_of(tasks):
    """Run each method of OwnedTasks, with each condition that a request can add."""
    task_id = tasks.create(TASK)["id"]
    tasks.create(TASK | {"client_id": KEY})
    tasks.create_many([TASK, TASK | {"client_id": KEY}])
    for sort in SORTS:
        tasks.select(TaskQuery(sort, 1, EVERY_FILTER, after=("x" if "title" in sort else None, 1)), known=1)
    tasks.count(EVERY_FILTER)
    tasks.changes(None, 5), tasks.changes(Position(0, 0), 5)
    for key in (task_id, KEY):
        tasks.get(key)
        for versions in (None, [1], [1, 2]):
            tasks.update(key, TASK, versions), tasks.toggle(key, versions), tasks.delete(key, versions)
    tasks.update_many(EVERY_FILTER, TASK), tasks.delete_many(EVERY_FILTER)


@pytest.fixture
def statements(db):
    """Every statement of the API with its values."""
    found = {}

    def remember(send, sql, values, many, context):
        found[sql] = values
        return send(sql, values, many, context)

    with connection.execute_wrapper(remember):
        statements_of(OwnedTasks("alice"))
    return found.items()


@pytest.mark.parametrize("sql", OWNED)
def test_a_statement_with_its_owner_passes(sql):
    assert foreign_parts(sql, ["alice"] * sql.count("%s"), "alice") == []


@pytest.mark.parametrize("sql", [sql for sql in OWNED if "%s" in sql])
@pytest.mark.parametrize("user_id", ["bob", "Alice", None])
def test_a_statement_with_the_owner_of_another_token_is_found(sql, user_id):
    assert foreign_parts(sql, ["alice"] * sql.count("%s"), user_id)


@pytest.mark.parametrize("sql", FOREIGN)
def test_a_statement_without_an_owner_is_found(sql):
    assert foreign_parts(sql, ["alice"] * sql.count("%s"), "alice")


def test_every_statement_of_the_api_passes(statements):
    assert len(statements) > 30
    assert [sql for sql, values in statements if foreign_parts(sql, values, "alice")] == []


def test_every_statement_of_the_api_is_found_when_one_of_its_conditions_is_missing(statements):
    missed = []
    for sql, values in statements:
        pieces = sql.split(CONDITION)
        for place in range(1, len(pieces)):
            weaker = CONDITION.join(pieces[:place]) + "%s IS NOT NULL" + CONDITION.join(pieces[place:])
            missed += [] if foreign_parts(weaker, values, "alice") else [weaker]

    assert missed == []


def test_a_request_with_a_foreign_statement_fails(alice, make_task, monkeypatch):
    def get_any(self, key):
        execute("SELECT id FROM tasks WHERE id = %s", [key], repeatable=True)

    monkeypatch.setattr(OwnedTasks, "get", get_any)

    with pytest.raises(AssertionError, match="statements without the owner 'alice'"):
        alice.get(f"/api/tasks/{make_task().id}")


def test_a_stream_with_a_foreign_statement_fails(alice, db, monkeypatch):
    def chunks(self, user_id):
        yield b"["  # is read before the response begins
        execute("SELECT id FROM tasks", [], repeatable=True)
        yield b"]"

    monkeypatch.setattr(Format, "chunks", chunks)

    with pytest.raises(AssertionError, match="statements without the owner 'alice'"):
        alice.get("/api/tasks/export")

"""The constraints and defaults of the table, and TaskQuerySet."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from tasks.models import Task

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)


def insert(**values):
    marks = ", ".join(["%s"] * len(values))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO tasks ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def test_a_row_inserted_with_plain_sql_gets_the_defaults(db):
    insert(user_id="alice", title="Buy milk")

    task = Task.objects.get()
    assert (task.description, task.completed, task.priority) == (None, False, "medium")
    assert datetime.now(UTC) - task.created_at < timedelta(minutes=1)
    assert task.updated_at == task.created_at


def test_a_row_inserted_with_plain_sql_is_listed(alice):
    insert(user_id="alice", title="Buy milk")

    [task] = alice.get(alice.tasks_url).json()
    assert (task["user_id"], task["title"], task["priority"]) == ("alice", "Buy milk", "medium")


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"user_id": ""}, "tasks_user_id_not_empty"),
        ({"title": ""}, "tasks_title_not_empty"),
        ({"priority": "urgent"}, "tasks_priority_known"),
        ({"priority": "High"}, "tasks_priority_known"),
        ({"priority": ""}, "tasks_priority_known"),
    ],
)
def test_the_database_refuses_a_bad_row_and_names_the_constraint(values, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        insert(**{"user_id": "alice", "title": "Buy milk"} | values)


def test_the_database_refuses_a_long_title():
    # PostgreSQL checks the length of the column before the constraints.
    with pytest.raises((IntegrityError, DataError), match=r"tasks_title_at_most_200|character varying\(200\)"):
        insert(user_id="alice", title="x" * 201)


def test_the_length_of_a_title_is_counted_in_characters():
    insert(user_id="alice", title="🥛" * 200)

    assert Task.objects.get().title == "🥛" * 200


@pytest.mark.parametrize("column", ["user_id", "title", "completed", "priority", "created_at", "updated_at"])
def test_the_database_refuses_null(column):
    with pytest.raises(IntegrityError, match=column):
        insert(**{"user_id": "alice", "title": "Buy milk"} | {column: None})


def test_the_constraints_have_these_names():
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "tasks")

    names = {name for name, constraint in found.items() if constraint["check"]}
    assert names >= {
        "tasks_user_id_not_empty", "tasks_title_not_empty", "tasks_title_at_most_200", "tasks_priority_known",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("tasks_user_created", ["user_id", "created_at", "id"]),
        ("tasks_user_completed_created", ["user_id", "completed", "created_at", "id"]),
    ],
)
def test_there_is_an_index_for_every_list(name, columns):
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "tasks")

    assert found[name]["index"]
    assert found[name]["columns"] == columns


def test_owned_by_compares_exactly(make_task):
    task = make_task()
    make_task(user_id="Alice")

    assert list(Task.objects.owned_by("alice")) == [task]


def test_each_task_is_either_pending_or_completed(make_task):
    pending, completed = make_task(), make_task(completed=True)

    assert list(Task.objects.pending()) == [pending]
    assert list(Task.objects.completed()) == [completed]


def test_queryset_methods_can_be_chained(make_task):
    make_task(completed=True)
    make_task(user_id="bob")
    task = make_task()

    assert list(Task.objects.owned_by("alice").pending()) == [task]


@pytest.mark.parametrize("completed", [True, False])
def test_mark_changes_only_tasks_that_differ(make_task, completed):
    changed = make_task(completed=not completed, updated_at=LONG_AGO)
    same = make_task(completed=completed, updated_at=LONG_AGO)

    assert Task.objects.all().mark(completed=completed) == 1

    changed.refresh_from_db()
    same.refresh_from_db()
    assert (changed.completed, same.completed) == (completed, completed)
    assert changed.updated_at > LONG_AGO == same.updated_at


def test_mark_changes_no_task_outside_its_queryset(make_task):
    make_task()
    bobs = make_task(user_id="bob")

    Task.objects.owned_by("alice").mark(completed=True)

    assert list(Task.objects.pending()) == [bobs]


def test_the_default_order_is_oldest_first(make_task):
    young, old = make_task(), make_task(created_at=LONG_AGO)

    assert list(Task.objects.all()) == [old, young]


def test_str_is_the_title():
    assert str(Task(title="Buy milk")) == "Buy milk"

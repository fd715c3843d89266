"""The version of a task: each write raises it, also one of the ORM and of plain SQL, and `changes` sees it."""

from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from tasks.models import LatestVersion, Task
from tasks.tests.sync import KEY, changes, execute, needs_postgresql, titles

pytestmark = pytest.mark.django_db


def test_changes_of_the_orm_are_seen(alice, make_task, token):
    one, two, three = make_task(title="a"), make_task(title="b"), make_task(title="c")
    since = token()
    Task.objects.filter(id=one.id).update(title="A")
    two.title = "B"
    two.save()
    three.delete()
    Task.objects.bulk_create([Task(user_id="alice", title="d"), Task(user_id="alice", title="e")])

    page = changes(alice, since)

    assert titles(page) == ["A", "B", "d", "e"]
    assert len(page["deleted"]) == 1


def test_the_save_of_an_instance_that_was_read_long_ago_is_seen(alice, token):
    stale = Task.objects.create(user_id="alice", title="a")  # its version is 0 in memory
    alice.patch(f"/api/tasks/{stale.id}", {"description": "x"})
    before, since = alice.get(f"/api/tasks/{stale.id}").json()["version"], token()
    stale.title = "b"
    stale.save()

    assert titles(changes(alice, since)) == ["b"]
    assert alice.get(f"/api/tasks/{stale.id}").json()["version"] > before


def test_a_change_of_the_owner_is_a_deletion_and_a_new_task(alice, bob, make_task, token):
    task = make_task(client_id=KEY)
    since, bobs = token(), changes(bob)["next"]
    Task.objects.filter(id=task.id).update(user_id="bob")

    assert changes(alice, since)["deleted"] == [{"id": task.id, "client_id": KEY}]
    assert [found["id"] for found in changes(bob, bobs)["changed"]] == [task.id]


def test_a_task_that_came_back_is_not_deleted(alice, make_task, token):
    task = make_task()
    since = token()
    Task.objects.filter(id=task.id).update(user_id="bob")
    Task.objects.filter(id=task.id).update(user_id="alice")

    page = changes(alice, since)

    assert ([found["id"] for found in page["changed"]], page["deleted"]) == ([task.id], [])


@needs_postgresql
def test_plain_sql_is_seen(alice, make_task, token):
    one, two, three = make_task(title="a"), make_task(title="b"), make_task(title="c")
    since = token()
    execute("INSERT INTO tasks (user_id, title) VALUES ('alice', 'd'), ('alice', 'e')")
    execute("UPDATE tasks SET title = 'A' WHERE id = %s", one.id)
    execute("DELETE FROM tasks WHERE id = %s", two.id)
    execute("UPDATE tasks SET user_id = 'bob' WHERE id = %s", three.id)

    page = changes(alice, since)

    assert titles(page) == ["d", "e", "A"]
    assert {task["id"] for task in page["deleted"]} == {two.id, three.id}


@needs_postgresql
def test_plain_sql_that_changes_an_id_is_seen(alice, make_task, token):
    task = make_task()
    since = token()
    execute("UPDATE tasks SET id = 1000 WHERE id = %s", task.id)

    page = changes(alice, since)

    assert ([found["id"] for found in page["changed"]], [found["id"] for found in page["deleted"]]) == (
        [1000],
        [task.id],
    )


@needs_postgresql
def test_plain_sql_without_a_search_path_works(make_task):
    """pg_dump begins its scripts with this."""
    task = make_task()
    execute("SET LOCAL search_path = ''")
    execute("UPDATE public.tasks SET title = 'x' WHERE id = %s", task.id)
    execute("DELETE FROM public.tasks WHERE id = %s", task.id)
    execute("SET LOCAL search_path = public")

    assert not Task.objects.exists()


@needs_postgresql
@pytest.mark.parametrize("value", ["0", "1", "9223372036854775807", "version", "NULL"])
def test_plain_sql_cannot_set_a_version(make_task, value):
    task = make_task()
    execute(f"UPDATE tasks SET version = {value} WHERE id = %s", task.id)

    assert Task.objects.get().version == task.version + 1
    assert LatestVersion.objects.get().version == task.version + 1


@needs_postgresql
def test_a_transaction_that_is_rolled_back_changes_no_version(alice, make_task, token):
    make_task()
    since, before = token(), LatestVersion.objects.get().version
    with transaction.atomic():
        execute("UPDATE tasks SET title = 'never'")
        transaction.set_rollback(True)

    assert LatestVersion.objects.get().version == before
    assert changes(alice, since)["changed"] == []


def test_each_write_raises_the_version(alice, make_task):
    versions = [make_task().version]
    task_id = Task.objects.get().id
    writes = [
        lambda: alice.patch(f"/api/tasks/{task_id}", {"title": "x"}),
        lambda: alice.put(f"/api/tasks/{task_id}", {"title": "x"}),
        lambda: alice.patch(f"/api/tasks/{task_id}/complete"),
        lambda: alice.patch("/api/tasks?status=all", {"title": "y"}),
        lambda: Task.objects.update(title="z"),
        lambda: Task.objects.get().save(),
        lambda: Task.objects.mark(completed=False),
    ]
    for write in writes:
        write()
        versions.append(Task.objects.get().version)

    assert versions == sorted(set(versions))
    assert versions[-1] == LatestVersion.objects.get().version


def test_a_version_is_higher_than_the_seconds_since_1970_at_the_first_task(make_task):
    begin = int(datetime.now(UTC).timestamp()) - 2

    assert begin <= make_task().version <= begin + 60


def test_every_task_of_a_statement_gets_a_new_version(alice):
    created = {task["version"] for task in alice.post("/api/tasks", [{"title": f"{n}"} for n in range(5)]).json()}
    changed = {task["version"] for task in alice.patch("/api/tasks?status=all", {"completed": True}).json()}

    assert len(created) == 5
    assert len(changed) == (5 if connection.vendor == "postgresql" else 1)  # pages order equal versions by id
    assert max(created) < min(changed) <= max(changed) == LatestVersion.objects.get().version

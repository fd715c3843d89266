"""`manage.py forget_deleted`."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from tasks.management.commands import forget_deleted
from tasks.models import DeletedTask, LatestVersion, Task
from tasks.tests.threads import in_thread, wait_for_a_lock

pytestmark = pytest.mark.django_db

needs_postgresql = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")


@pytest.fixture
def run(capsys):
    def run():
        call_command("forget_deleted")
        return capsys.readouterr().out

    return run


@pytest.fixture
def deleted(db):
    """`deleted("alice", days=40)`: a user with one task that was deleted so many days ago."""

    def delete(user_id, days, count=1, version=1):
        LatestVersion.objects.get_or_create(user_id=user_id, defaults={"version": version})
        at = datetime.now(UTC) - timedelta(days=days)
        first = DeletedTask.objects.count() + 1
        DeletedTask.objects.bulk_create(
            DeletedTask(user_id=user_id, task_id=first + number, version=1, deleted_at=at) for number in range(count)
        )

    return delete


@pytest.mark.parametrize(
    ("days", "is_forgotten"), [(0, False), (30, False), (30.99, False), (31.01, True), (32, True), (4000, True)]
)
def test_a_deleted_task_is_forgotten_after_31_days(run, deleted, days, is_forgotten):
    deleted("alice", days)

    output = run()

    number = int(is_forgotten)
    assert output == f"Deleted tasks forgotten: {number}. Users without tasks forgotten: {number}\n"
    assert DeletedTask.objects.exists() is LatestVersion.objects.exists() is not is_forgotten


def test_a_deployment_can_set_the_days(run, deleted, configured):
    deleted("alice", 3)

    with configured(SYNC_RETENTION_DAYS=1):
        run()

    assert not DeletedTask.objects.exists()


def test_users_who_have_something_left_keep_their_counter(run, deleted, make_task):
    deleted("alice", 40), make_task(user_id="alice")
    deleted("bob", 40), deleted("bob", 5)
    deleted("carol", 40)
    make_task(user_id="dave")

    run()

    assert set(LatestVersion.objects.values_list("user_id", flat=True)) == {"alice", "bob", "dave"}
    assert DeletedTask.objects.get().user_id == "bob"


def test_what_the_triggers_have_kept_is_forgotten(run, alice):
    url = alice.post("/api/tasks", {"title": "x"})["Location"]
    alice.delete(url)
    old = datetime.now(UTC) - timedelta(days=32)
    DeletedTask.objects.update(deleted_at=old)
    LatestVersion.objects.update(version=1)

    assert run() == "Deleted tasks forgotten: 1. Users without tasks forgotten: 1\n"


def test_a_counter_that_is_ahead_of_the_clock_stays(run, deleted):
    deleted("alice", 40, version=int(time.time()) + 1000)

    run()

    assert LatestVersion.objects.exists()


def test_a_version_is_not_given_twice(run, alice, deleted):
    deleted("alice", 40, version=int(time.time()) - 1)
    before = LatestVersion.objects.get().version
    run()

    assert alice.post("/api/tasks", {"title": "x"}).json()["version"] > before


def test_a_token_of_a_forgotten_user_is_good_until_its_own_end(run, alice, deleted):
    deleted("alice", 40)
    token = alice.get("/api/tasks/changes").json()["next"]
    run()

    response = alice.get("/api/tasks/changes", {"since": token})
    assert response.json() == {"changed": [], "deleted": [], "next": token, "more": False}
    created = alice.post("/api/tasks", {"title": "x"}).json()
    assert alice.get("/api/tasks/changes", {"since": token}).json()["changed"] == [created]


def test_it_works_in_batches(run, deleted, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(forget_deleted, "BATCH", 10)
    deleted("alice", 40, count=25)

    # Of each batch: begin, deletion, locks, deletion of counters, commit. Then an empty batch.
    with django_assert_num_queries(3 * 5 + 3):
        assert run() == "Deleted tasks forgotten: 25. Users without tasks forgotten: 1\n"


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_counter_of_a_user_who_is_creating_a_task_stays(deleted, run):
    deleted("alice", 40)
    created, may_commit = Event(), Event()

    def create_slowly():
        with transaction.atomic():
            Task.objects.create(user_id="alice", title="x")
            created.set()
            assert may_commit.wait(30)

    with in_thread(create_slowly) as writer:
        assert created.wait(30)
        output = run()  # does not wait for the writer
        may_commit.set()
        writer.result()

    assert output == "Deleted tasks forgotten: 1. Users without tasks forgotten: 0\n"
    assert LatestVersion.objects.get().version == Task.objects.get().version


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_create_that_waits_for_the_command_begins_a_new_counter(deleted, alice):
    deleted("alice", 40)

    with ExitStack() as stack:
        with transaction.atomic():
            assert forget_deleted.forget(datetime.now(UTC)) == (1, 1)
            response = stack.enter_context(in_thread(alice.post, "/api/tasks", {"title": "x"}))
            wait_for_a_lock()
        task = response.result().json()

    assert LatestVersion.objects.get().version == task["version"] >= int(time.time()) - 60

"""Writes of one user at the same moment, on PostgreSQL: which one wins, and that none waits in a circle."""

from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from django.db import connection, transaction

from tasks.models import Task
from tasks.tests.threads import at_once, in_thread, wait_for_a_lock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]

KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
KEYS = [f"0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c1{digit}" for digit in "0123456789"]
WRITES = {
    "patch": ("PATCH", "", b'{"title": "mine"}'),
    "toggle": ("PATCH", "/complete", b""),
    "delete": ("DELETE", "", b""),
}

every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


@pytest.fixture
def task(make_task):
    return make_task()


@pytest.fixture
def send(client_for, task):
    """`send(write, '"7"')`: a write of the task with If-Match."""

    def send(write, tag):
        method, suffix, body = write
        url = f"/api/tasks/{task.id}{suffix}"
        return client_for("alice").generic(method, url, body, "application/json", headers={"If-Match": tag})

    return send


@contextmanager
def waiting_behind(change, function, *arguments, commit=True):
    """Make a change in a transaction, and end it while a request waits for it. Yield the request's future."""
    with ExitStack() as stack:
        with transaction.atomic():
            change()
            future = stack.enter_context(in_thread(function, *arguments))
            wait_for_a_lock()
            transaction.set_rollback(not commit)
        yield future


@pytest.mark.parametrize("round_", range(10))
def test_of_two_writers_with_one_version_exactly_one_wins(client_for, task, round_):
    def change(title):
        client, version = client_for("alice"), f'"{task.version}"'
        return client.patch(f"/api/tasks/{task.id}", {"title": title}, headers={"If-Match": version})

    for _ in range(10):
        task.refresh_from_db()
        responses = at_once(partial(change, "a"), partial(change, "b"))

        [won], [lost] = ([r for r in responses if r.status_code == status] for status in (200, 412))
        assert lost.json()["current"] == won.json()
        assert lost["ETag"] == won["ETag"]


@every_write
def test_a_write_that_waited_for_another_change_is_412_with_the_newest_task(alice, task, send, write):
    def change():
        Task.objects.update(title="theirs")

    with waiting_behind(change, send, write, f'"{task.version}"') as future:
        response = future.result()

    assert response.status_code == 412
    assert response.json()["current"] == alice.get(f"/api/tasks/{task.id}").json()
    assert (response.json()["current"]["title"], response["ETag"]) == ("theirs", f'"{task.version + 1}"')


@every_write
def test_a_write_that_waited_for_a_deletion_is_404(task, send, write):
    with waiting_behind(Task.objects.all().delete, send, write, f'"{task.version}"') as future:
        assert future.result().status_code == 404

    assert not Task.objects.exists()


@every_write
def test_a_write_that_waited_for_a_change_that_was_rolled_back_is_done(task, send, write):
    def change():
        Task.objects.update(title="never")

    with waiting_behind(change, send, write, f'"{task.version}"', commit=False) as future:
        assert future.result().status_code in (200, 204)

    assert not Task.objects.filter(version=task.version).exists()
    assert not Task.objects.filter(title="never").exists()


@every_write
def test_a_write_that_waited_for_the_version_that_it_names_is_done(task, send, write):
    def change():
        Task.objects.update(description="theirs")

    with waiting_behind(change, send, write, f'"{task.version + 1}"') as future:
        assert future.result().status_code in (200, 204)

    assert not Task.objects.filter(version__lte=task.version + 1).exists()
    assert not Task.objects.exclude(description="theirs").exists()


@pytest.mark.parametrize("form", ["body", "header", "array"])
def test_a_key_that_eight_requests_use_at_the_same_moment_makes_one_task(client_for, transactional_db, form):
    def create():
        if form == "header":
            return client_for("alice").post("/api/tasks", {"title": "x"}, headers={"Idempotency-Key": KEY})
        body = {"title": "x", "client_id": KEY}
        return client_for("alice").post("/api/tasks", [body] if form == "array" else body)

    for _ in range(10):
        responses = at_once(*[create] * 8)
        tasks = [response.json()[0] if form == "array" else response.json() for response in responses]

        assert {response.status_code for response in responses} == {201}
        assert {task["id"] for task in tasks} == {Task.objects.get().id}
        Task.objects.all().delete()


def test_arrays_with_the_same_keys_in_another_order_make_each_task_once(client_for, transactional_db):
    def create(keys):
        return client_for("alice").post("/api/tasks", [{"title": key, "client_id": key} for key in keys]).json()

    for _ in range(10):
        orders = [KEYS, KEYS[::-1], KEYS[5:] + KEYS[:5], KEYS[:5]]
        results = at_once(*[partial(create, keys) for keys in orders])

        assert [[task["client_id"] for task in tasks] for tasks in results] == orders
        assert Task.objects.count() == len(KEYS)
        Task.objects.all().delete()


def test_a_key_waits_for_the_create_that_has_it(client_for, transactional_db):
    def create_slowly():
        Task.objects.create(user_id="alice", title="first", client_id=KEY)

    body = {"title": "second", "client_id": KEY}
    with waiting_behind(create_slowly, client_for("alice").post, "/api/tasks", body) as future:
        response = future.result()

    assert (response.status_code, response.json()["title"]) == (201, "first")


def test_a_create_that_waited_for_its_key_changes_no_version(client_for, make_task):
    created = []

    def create_slowly():
        created.append(make_task(client_id=KEY))

    body = {"title": "second", "client_id": KEY}
    with waiting_behind(create_slowly, client_for("alice").post, "/api/tasks", body) as future:
        response = future.result()

    assert response.json()["version"] == created[0].version == Task.objects.get().version


def test_a_key_is_used_when_the_create_that_had_it_is_rolled_back(client_for, transactional_db):
    def create():
        Task.objects.create(user_id="alice", title="never", client_id=KEY)

    body = {"title": "second", "client_id": KEY}
    with waiting_behind(create, client_for("alice").post, "/api/tasks", body, commit=False) as future:
        assert future.result().json()["title"] == "second"

    assert Task.objects.get().title == "second"


def test_bulk_writes_beside_single_writes_never_fail(client_for, transactional_db):
    """A deadlock would be a 503. Rows are locked by id before the counter, whatever the order of the filters."""
    Task.objects.bulk_create(Task(user_id="alice", title=f"{number}") for number in range(60))
    ids = list(Task.objects.order_by("-id").values_list("id", flat=True))

    def run(*requests):
        client = client_for("alice")
        return [client.generic(method, url, body, "application/json").status_code for method, url, body in requests]

    toggles = [("PATCH", f"/api/tasks/{task_id}/complete", b"") for task_id in ids]
    bulk = [("PATCH", "/api/tasks?status=all", b'{"priority": "low"}')] * 15
    deletes = [
        ("DELETE", f"/api/tasks?status=completed&ids={ids[n]},{ids[n + 1]},{ids[n + 2]}", b"") for n in range(50)
    ]
    creates = [("POST", "/api/tasks", b'[{"title": "a"}, {"title": "b"}]')] * 20
    all_statuses = at_once(*[partial(run, *requests) for requests in (toggles, toggles[::-1], bulk, deletes, creates)])

    assert {status for statuses in all_statuses for status in statuses} <= {200, 201, 404}
    assert {*all_statuses[2], *all_statuses[3]} == {200}


def test_a_bulk_write_skips_a_task_that_no_longer_matches_when_its_turn_comes(client_for, make_task):
    changed, other = make_task(), make_task()

    def complete():
        Task.objects.filter(id=changed.id).update(completed=True)

    url = "/api/tasks?status=pending"
    with waiting_behind(complete, client_for("alice").delete, url) as future:
        assert future.result().json() == [other.id]

    assert Task.objects.get().id == changed.id

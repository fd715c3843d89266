"""GET /api/{user_id}/tasks/changes: what has changed since a token, and which tokens are refused."""

from datetime import UTC, datetime

import pytest
from django.core import signing
from django.db import connection, transaction

from tasks import sync_tokens
from tasks.models import LatestVersion, Task
from tasks.statements import Changes, Position
from tasks.sync_tokens import encode_token, this_hour

pytestmark = pytest.mark.django_db

URL = "/api/tasks/changes"
KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
NOT_TOKENS = [
    "x", "", "null", "1", "a:b", "é", "\x00", "::", "x" * 5000, "../../etc/passwd", "[1,2]", "0",
    signing.dumps(["alice", 1, 1, 1]), "WyJhIiwxLDEsMV0:AAAA",
]  # fmt: skip
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


@pytest.fixture
def token(alice):
    """The position after the latest change of alice."""
    return lambda: changes(alice)["next"]


def test_without_a_token_every_task_is_returned(alice, make_task):
    make_task(title="Mine"), make_task(user_id="bob")

    page = changes(alice)

    assert page["changed"] == alice.get("/api/tasks").json()
    assert (page["deleted"], page["more"]) == ([], False)


def test_a_new_user_has_no_changes_and_a_token_that_works(alice):
    page = changes(alice)
    alice.post("/api/tasks", {"title": "First"})

    assert (page["changed"], page["deleted"], page["more"]) == ([], [], False)
    assert titles(changes(alice, page["next"])) == ["First"]


def test_nothing_new_is_an_empty_page_with_a_token(alice, make_task, token):
    make_task()
    since = token()

    assert changes(alice, since) == {"changed": [], "deleted": [], "next": since, "more": False}


def test_each_kind_of_write_is_seen(alice, make_task, token):
    _, changed, toggled, gone = (make_task(title=title) for title in ("kept", "changed", "toggled", "gone"))
    since = token()
    alice.patch(f"/api/tasks/{changed.id}", {"priority": "high"})
    alice.patch(f"/api/tasks/{toggled.id}/complete")
    alice.delete(f"/api/tasks/{gone.id}")
    alice.post("/api/tasks", {"title": "created"})
    alice.post("/api/tasks", [{"title": "one of many"}])

    page = changes(alice, since)

    assert titles(page) == ["changed", "toggled", "created", "one of many"]
    assert page["deleted"] == [{"id": gone.id, "client_id": None}]


def test_bulk_writes_are_seen(alice, make_task, token):
    stays, goes = make_task(title="a", priority="low"), make_task(title="b")
    since = token()
    alice.patch("/api/tasks?priority=low", {"completed": True})
    alice.delete("/api/tasks?priority=medium")

    page = changes(alice, since)

    assert [task["id"] for task in page["changed"]] == [stays.id]
    assert [task["id"] for task in page["deleted"]] == [goes.id]


def test_a_task_that_was_changed_and_deleted_comes_as_deleted_alone(alice, token):
    since = token()
    task_id = alice.post("/api/tasks", {"title": "x", "client_id": KEY}).json()["id"]
    alice.patch(f"/api/tasks/{task_id}", {"title": "y"})
    alice.delete(f"/api/tasks/{task_id}")

    page = changes(alice, since)

    assert (page["changed"], page["deleted"]) == ([], [{"id": task_id, "client_id": KEY}])


def test_a_deleted_task_is_not_in_the_changes_without_a_token(alice, make_task):
    alice.delete(f"/api/tasks/{make_task().id}")

    assert changes(alice)["deleted"] == []


def test_two_users_never_see_each_others_changes(alice, bob, make_task, token):
    make_task(user_id="alice"), make_task(user_id="bob")
    since, bobs = token(), changes(bob)["next"]
    alice.post("/api/tasks", {"title": "of alice"})
    bob.delete("/api/tasks?status=all")

    assert (titles(changes(alice, since)), changes(alice, since)["deleted"]) == (["of alice"], [])
    assert (titles(changes(bob, bobs)), len(changes(bob, bobs)["deleted"])) == ([], 1)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_the_pages_together_are_all_changes_in_order(alice, make_task, token, limit):
    gone = make_task(title="gone")
    since = token()
    for number in range(4):
        make_task(title=f"{number}")
    alice.delete(f"/api/tasks/{gone.id}")

    pages = follow(alice, since, limit)

    assert [title for page in pages for title in titles(page)] == ["0", "1", "2", "3"]
    assert [task["id"] for page in pages for task in page["deleted"]] == [gone.id]
    assert all(len(page["changed"]) + len(page["deleted"]) <= limit for page in pages)
    assert len(pages) == -(-5 // limit)


def test_pages_over_tasks_without_a_version_are_ordered_by_id(alice, make_task):
    for number in range(5):
        make_task(title=f"{number}")
    without_versions()

    pages = follow(alice, limit=2)

    assert [titles(page) for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert changes(alice, pages[-1]["next"])["changed"] == []


def test_a_change_between_two_pages_comes_again_and_nothing_is_missed(alice, make_task):
    tasks = [make_task(title=f"{number}") for number in range(4)]
    first = changes(alice, limit=2)
    alice.patch(f"/api/tasks/{tasks[0].id}", {"title": "again"})
    alice.delete(f"/api/tasks/{tasks[1].id}")
    alice.delete(f"/api/tasks/{tasks[2].id}")

    rest = follow(alice, first["next"], 1)

    assert [title for page in rest for title in titles(page)] == ["3", "again"]
    assert {task["id"] for page in rest for task in page["deleted"]} == {tasks[1].id, tasks[2].id}


def test_it_is_one_statement(alice, make_task, token, django_assert_num_queries):
    make_task()
    since = token()
    make_task()

    for parameters in ({}, {"since": since}, {"since": since, "limit": 1}, {"since": token()}):
        with django_assert_num_queries(1):
            assert alice.get(URL, parameters).status_code == 200


def test_a_client_that_is_up_to_date_gets_304(alice, make_task, token):
    make_task()
    first = alice.get(URL)
    since = first.json()["next"]

    assert alice.get(URL, {"since": since}, headers={"If-None-Match": first["ETag"]}).status_code == 304

    make_task()
    assert alice.get(URL, {"since": since}, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("since", NOT_TOKENS, ids=[repr(token[:12]) for token in NOT_TOKENS])
def test_a_made_up_token_is_422(alice, django_assert_num_queries, since):
    with django_assert_num_queries(0):
        response = alice.get(URL, {"since": since})

    assert [error["field"] for error in response.json()["errors"]] == ["since"]
    assert response.status_code == 422


@pytest.mark.parametrize("position", [0, 5, -1])
def test_a_changed_token_is_422(alice, token, django_assert_num_queries, position):
    since = list(token())
    since[position] = "A" if since[position] != "A" else "E"

    with django_assert_num_queries(0):
        assert alice.get(URL, {"since": "".join(since)}).status_code == 422


def test_a_cursor_of_a_list_is_no_token(alice, make_task, django_assert_num_queries):
    make_task(), make_task()
    cursor = alice.get("/api/tasks?limit=1")["Link"].split("cursor=")[1].split(">")[0]

    with django_assert_num_queries(0):
        assert alice.get(f"{URL}?since={cursor}").status_code == 422


def test_the_token_of_another_user_is_410(bob, token, django_assert_num_queries):
    since = token()

    with django_assert_num_queries(0):
        assert_expired(bob.get(URL, {"since": since}))


@pytest.mark.parametrize(("days", "status"), [(0, 200), (29.9, 200), (30, 200), (30.2, 410), (31, 410), (4000, 410)])
def test_a_token_is_good_for_30_days(alice, make_task, token, monkeypatch, days, status):
    make_task()
    since = token()
    later = this_hour() + int(days * 24)
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: later)

    response = alice.get(URL, {"since": since})

    assert response.status_code == status
    if status == 410:
        assert_expired(response)


def test_a_deployment_can_set_the_days(alice, token, monkeypatch, configured):
    since = token()
    later = this_hour() + 2 * 24
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: later)

    with configured(SYNC_RETENTION_DAYS=1):
        assert alice.get(URL, {"since": since}).status_code == 410


def test_a_token_of_a_middle_page_is_as_old_as_the_first_page(alice, make_task, monkeypatch):
    """Otherwise a client that pauses between pages would miss a task that was deleted and forgotten since."""
    for _ in range(3):
        make_task()
    first = changes(alice, limit=1)
    now = this_hour()
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: now + 29 * 24)
    second = changes(alice, first["next"], limit=1)
    last = changes(alice, second["next"], limit=1)
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: now + 32 * 24)

    assert_expired(alice.get(URL, {"since": second["next"]}))
    assert alice.get(URL, {"since": last["next"]}).status_code == 200


def test_a_token_of_another_epoch_is_410(alice, token, configured):
    since = token()

    with configured(SYNC_EPOCH=1):
        assert_expired(alice.get(URL, {"since": since}))


def test_a_token_that_is_newer_than_the_database_is_410(alice, make_task):
    """The database was restored from an older backup."""
    version = make_task().version

    newer = Changes([], [], Position(version + 1, 1), more=False)

    assert_expired(alice.get(URL, {"since": encode_token("alice", newer)}))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "sinc=x", "status=all", "sort=created", "cursor=x", "ids=1", "tag=a"]
)
def test_an_unknown_parameter_or_value_is_422(alice, django_assert_num_queries, query):
    with django_assert_num_queries(0):
        response = alice.get(f"{URL}?{query}")

    assert [error["field"] for error in response.json()["errors"]] == [query.split("=")[0]]


def test_the_changes_of_another_user_are_403(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert alice.get("/api/bob/tasks/changes").status_code == 403


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


def assert_expired(response):
    assert response.status_code == 410
    assert response.json()["code"] == "sync_expired"
    assert response["Content-Type"] == "application/problem+json"


def without_versions():
    """Make all tasks as they are after the migration: without versions and counters."""
    if connection.vendor == "postgresql":
        execute("ALTER TABLE tasks DISABLE TRIGGER tasks_version")
        execute("UPDATE tasks SET version = 0")
        execute("ALTER TABLE tasks ENABLE TRIGGER tasks_version")
    else:
        execute("UPDATE tasks SET version = 0")
    LatestVersion.objects.all().delete()

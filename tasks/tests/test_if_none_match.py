"""If-None-Match: nothing is sent twice."""

import gzip
from datetime import UTC, datetime

import pytest

from tasks import conditions, rows
from tasks.models import LatestVersion, Task
from tasks.tests.sync import without_versions

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)
READS = ["tasks", "tasks?status=pending&sort=-due", "tasks/counts", "tasks/changes", "tasks/{id}"]
KNOWN = ["{tag}", "W/{tag}", '"1", {tag}', 'W/"1",W/{tag}', "*"]
UNKNOWN = ['"1"', "", "{bare}", '"{bare}x"', 'W/"1"', '"*"', ",", '"x-y"']

every_read = pytest.mark.parametrize("path", READS)


@pytest.fixture
def task(make_task):
    return make_task(updated_at=LONG_AGO)


@every_read
def test_a_tag_is_strong_also_when_the_response_is_compressed(client, token_for, make_task, path):
    for _ in range(5):
        task = make_task(description="Milk " * 200)
    headers = {"Authorization": f"Bearer {token_for('alice')}"}
    url = f"/api/{path.format(id=task.id)}"
    plain = client.get(url, headers=headers)

    compressed = client.get(url, headers=headers | {"Accept-Encoding": "gzip"})

    assert plain["ETag"] == compressed["ETag"]
    assert plain["ETag"].startswith('"')
    if "counts" not in path:
        assert gzip.decompress(compressed.content) == plain.content


@every_read
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("known", KNOWN)
def test_a_known_tag_is_304_without_a_body(alice, task, django_assert_num_queries, method, path, known):
    url = f"/api/{path.format(id=task.id)}"
    current = alice.get(url)

    with django_assert_num_queries(1):
        response = alice.generic(method, url, headers={"If-None-Match": known.format(tag=current["ETag"])})

    assert (response.status_code, response.content) == (304, b"")
    same = ["ETag", "Cache-Control", "Vary"]
    assert [response[name] for name in same] == [current[name] for name in same]
    assert not response.has_header("Content-Type")
    assert not response.has_header("Content-Length")  # of a 304 it would be the length of the 200's body


@every_read
@pytest.mark.parametrize("unknown", UNKNOWN)
def test_another_tag_is_200_with_the_whole_body(alice, task, django_assert_num_queries, path, unknown):
    url = f"/api/{path.format(id=task.id)}"
    current = alice.get(url)

    with django_assert_num_queries(1):
        response = alice.get(url, headers={"If-None-Match": unknown.format(bare=current["ETag"].strip('"'))})

    assert (response.status_code, response.content) == (200, current.content)


@pytest.mark.parametrize("tag", ['"{0}-{1}"', '"0{0}-{1}"', '"{0}1-{1}"', '"{2}-{1}"', '"{0}-{1}", "{2}-{1}"'])
def test_a_made_up_tag_of_a_list_never_makes_it_empty(alice, task, tag):
    version, digest = alice.get("/api/tasks")["ETag"].strip('"').split("-")
    other = int(version) + 1

    response = alice.get("/api/tasks", headers={"If-None-Match": tag.format(version, digest, other)})

    assert response.status_code == 304 or len(response.json()) == 1


@pytest.mark.parametrize("other", ["?limit=1", "?status=pending", "?sort=-created"])
def test_the_tag_of_another_list_never_makes_it_empty(alice, task, other):
    tag = alice.get(f"/api/tasks{other}")["ETag"]

    response = alice.get("/api/tasks", headers={"If-None-Match": tag})

    assert (response.status_code, len(response.json())) == (200, 1)


def test_a_list_with_an_old_tag_has_only_the_callers_tasks(alice, task, make_task):
    old = alice.get("/api/tasks")["ETag"]
    make_task(user_id="bob")
    alice.patch(f"/api/tasks/{task.id}/complete")

    response = alice.get("/api/tasks", headers={"If-None-Match": old})

    assert [found["id"] for found in response.json()] == [task.id]


@every_read
def test_each_change_changes_the_tag(alice, task, path):
    url = f"/api/{path.format(id=task.id)}"
    before = alice.get(url)["ETag"]

    alice.patch(f"/api/tasks/{task.id}/complete")

    assert alice.get(url, headers={"If-None-Match": before}).status_code == 200


@pytest.mark.parametrize("path", READS[:-1])
def test_a_new_and_a_deleted_task_change_the_tags_of_the_collection(alice, task, path):
    first = alice.get(f"/api/{path}")["ETag"]
    alice.post("/api/tasks", {"title": "Buy milk"})
    second = alice.get(f"/api/{path}", headers={"If-None-Match": first})
    alice.delete(f"/api/tasks/{task.id}")

    assert second.status_code == 200
    assert alice.get(f"/api/{path}", headers={"If-None-Match": second["ETag"]}).status_code == 200


@every_read
def test_another_users_change_does_not_change_the_tag(alice, bob, task, path):
    url = f"/api/{path.format(id=task.id)}"
    before = alice.get(url)["ETag"]

    bob.post("/api/tasks", {"title": "Buy milk"})

    assert alice.get(url, headers={"If-None-Match": before}).status_code == 304


@pytest.mark.parametrize("path", READS[:-1])
def test_two_users_with_equal_versions_have_different_tags(alice, bob, path):
    for user_id in ("alice", "bob"):
        LatestVersion.objects.create(user_id=user_id, version=2_000_000_000)
        Task.objects.create(user_id=user_id, title="Buy milk")

    assert alice.get(f"/api/{path}")["ETag"] != bob.get(f"/api/{path}")["ETag"]


@pytest.mark.parametrize("path", READS[:-1])
def test_a_release_that_responds_another_form_has_other_tags(alice, task, monkeypatch, path):
    before = alice.get(f"/api/{path}")["ETag"]

    monkeypatch.setattr(conditions, "FORMAT", conditions.FORMAT + 1)

    assert alice.get(f"/api/{path}", headers={"If-None-Match": before}).status_code == 200


@pytest.mark.parametrize("path", READS[:-1])
def test_a_database_that_was_restored_has_other_tags(alice, task, settings, path):
    before = alice.get(f"/api/{path}")["ETag"]

    settings.SYNC_EPOCH += 1

    assert alice.get(f"/api/{path}", headers={"If-None-Match": before}).status_code == 200


def test_no_task_of_a_known_list_is_read(alice, task, monkeypatch):
    tag = alice.get("/api/tasks")["ETag"]
    monkeypatch.setattr(rows, "task", pytest.fail)

    response = alice.get("/api/tasks", headers={"If-None-Match": f'"1-abc", {tag}'})

    assert response.status_code == 304


def test_each_filter_order_and_size_of_a_list_has_its_own_tag(alice, make_task):
    for _ in range(3):
        make_task()
    queries = ["", "?status=pending", "?sort=-created", "?limit=2", "?limit=1", "?tag=home", "?search=buy"]

    tags = {alice.get(f"/api/tasks{query}")["ETag"] for query in queries}

    assert len(tags) == len(queries)


def test_the_tag_of_a_list_without_a_version_changes_when_its_tasks_are_forgotten(alice, task):
    Task.objects.all().delete()
    LatestVersion.objects.all().delete()
    make_old_task()
    before = alice.get("/api/tasks")
    assert (len(before.json()), LatestVersion.objects.count()) == (1, 0)
    Task.objects.all().delete()
    LatestVersion.objects.all().delete()

    response = alice.get("/api/tasks", headers={"If-None-Match": before["ETag"]})

    assert (response.status_code, response.json()) == (200, [])


def test_a_list_of_tasks_without_a_version_is_304_when_it_is_known(alice):
    make_old_task()
    before = alice.get("/api/tasks")

    assert alice.get("/api/tasks", headers={"If-None-Match": before["ETag"]}).status_code == 304


def make_old_task():
    """Create a task as it is after the migration: without a version and without a counter."""
    Task.objects.create(user_id="alice", title="Old")
    without_versions()

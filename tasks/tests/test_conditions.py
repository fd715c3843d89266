"""If-Match: no change is overwritten."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from tasks.models import LatestVersion, Task

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)
WRITES = {
    "put": ("PUT", "", b'{"title": "Sell"}'),
    "patch": ("PATCH", "", b'{"tags": ["home"]}'),
    "toggle": ("PATCH", "/complete", b""),
    "set": ("PATCH", "/complete", b'{"completed": true}'),
    "toggle-status": ("PATCH", "/toggle-status", b""),
    "delete": ("DELETE", "", b""),
}
CURRENT = ['"{v}"', '"1", "{v}"', '"{v}","1"', ' "{v}" ', "*", " * "]
NOT_CURRENT = [
    '"1"', '"1", "2"', 'W/"{v}"', '"1", W/"{v}"', "{v}", "", " ", ",", '"{v}', '{v}"', "'{v}'", '"*"', '"{v}0"',
    '"0{v}"', '"-{v}"', '"+{v}"', '"{v}.0"', '" {v}"', '""', f'"{"9" * 400}"', '"é"', '*, "1"', "null",
]  # fmt: skip

every_write = pytest.mark.parametrize(("method", "suffix", "body"), WRITES.values(), ids=WRITES)


@pytest.fixture
def task(make_task):
    return make_task(updated_at=LONG_AGO)


@pytest.fixture
def queries(django_assert_max_num_queries):
    """At most one statement. On SQLite a conditional write that is refused takes two."""
    return lambda: django_assert_max_num_queries(1 if connection.vendor == "postgresql" else 2)


def send(client, task_id, method, suffix, body, tag):
    url = f"/api/tasks/{task_id}{suffix}"
    return client.generic(method, url, body, "application/json", headers={} if tag is None else {"If-Match": tag})


def unchanged(task):
    return Task.objects.filter(pk=task.pk, version=task.version, updated_at=LONG_AGO).exists()


@every_write
def test_a_write_with_the_current_version_is_done(alice, task, queries, method, suffix, body):
    with queries():
        response = send(alice, task.id, method, suffix, body, f'"{task.version}"')

    assert response.status_code in (200, 204)
    assert not unchanged(task)


@every_write
def test_a_conditional_write_changes_no_other_task(alice, make_task, method, suffix, body):
    for user_id in ("alice", "bob"):
        LatestVersion.objects.create(user_id=user_id, version=2_000_000_000)
    task, *others = (make_task(user_id=user_id, updated_at=LONG_AGO) for user_id in ("alice", "alice", "bob"))
    assert others[1].version == task.version

    response = send(alice, task.id, method, suffix, body, f'"{task.version}"')

    assert response.status_code in (200, 204)
    assert all(unchanged(other) for other in others)


@every_write
def test_a_write_with_another_version_is_412_with_the_current_task(alice, task, queries, method, suffix, body):
    current = alice.get(f"/api/tasks/{task.id}")

    with queries():
        response = send(alice, task.id, method, suffix, body, f'"{task.version - 1}"')

    problem = response.json()
    assert (response.status_code, problem["code"]) == (412, "precondition_failed")
    assert problem.keys() == {"status", "title", "code", "detail", "current", "request_id"}
    assert (problem["current"], response["ETag"]) == (current.json(), current["ETag"])
    assert problem["detail"] == f"Task {task.id} has changed: its version is {task.version}."
    assert unchanged(task)


@every_write
@pytest.mark.parametrize("tag", ['"1"', "*", ""])
def test_a_task_that_does_not_exist_is_404_not_412(alice, make_task, queries, method, suffix, body, tag):
    bobs = make_task(user_id="bob", updated_at=LONG_AGO)

    for task_id in (bobs.id, bobs.id + 1):
        with queries():
            assert send(alice, task_id, method, suffix, body, tag).status_code == 404
    assert unchanged(bobs)


@pytest.mark.parametrize("tag", CURRENT)
@pytest.mark.parametrize("write", ["patch", "set", "delete"])
def test_if_match_takes_a_list_and_any(alice, task, write, tag):
    response = send(alice, task.id, *WRITES[write], tag.format(v=task.version))

    assert response.status_code in (200, 204)


@pytest.mark.parametrize("tag", NOT_CURRENT)
@pytest.mark.parametrize("write", ["patch", "toggle", "delete"])
def test_if_match_is_never_ignored(alice, task, write, tag):
    response = send(alice, task.id, *WRITES[write], tag.format(v=task.version))

    assert response.status_code == 412
    assert unchanged(task)


@pytest.mark.parametrize(("tag", "status"), [('"{v}"', 200), ('"1"', 412), ("*", 200), ("", 412)])
def test_an_empty_change_compares_the_version_too(alice, task, django_assert_num_queries, tag, status):
    with django_assert_num_queries(1):
        response = send(alice, task.id, "PATCH", "", b"{}", tag.format(v=task.version))

    assert response.status_code == status
    assert unchanged(task)


@pytest.mark.parametrize(
    ("user", "body", "status"),
    [("bob", b'{"title": "x"}', 403), ("alice", b"{", 400), ("alice", b'{"title": 5}', 422)],
)
def test_other_errors_come_before_412(alice, task, django_assert_num_queries, user, body, status):
    with django_assert_num_queries(0):
        response = alice.generic(
            "PATCH", f"/api/{user}/tasks/{task.id}", body, "application/json", headers={"If-Match": '"1"'}
        )

    assert response.status_code == status


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("tag", ['"1"', "*", ""])
def test_a_change_of_many_tasks_refuses_if_match(alice, task, django_assert_num_queries, method, tag):
    with django_assert_num_queries(0):
        response = alice.generic(
            method, "/api/tasks?status=all", b'{"title": "x"}', "application/json", headers={"If-Match": tag}
        )

    assert [error["field"] for error in response.json()["errors"]] == ["If-Match"]
    assert unchanged(task)


def test_each_response_with_one_task_has_its_version_as_a_strong_tag(alice):
    created = alice.post("/api/tasks", {"title": "Buy milk"})
    url = f"/api/tasks/{created.json()['id']}"
    responses = [created, alice.get(url), alice.put(url, {"title": "x"}), alice.patch(url, {}), alice.patch(url, {})]
    responses += [alice.patch(f"{url}/complete"), alice.patch(f"{url}/complete", {"completed": True}), alice.get(url)]

    for response in responses:
        assert response["ETag"] == f'"{response.json()["version"]}"'
    assert responses[-1]["ETag"] != created["ETag"]


def test_the_tag_of_a_412_leads_to_success(alice, task):
    refused = alice.patch(f"/api/tasks/{task.id}", {"title": "x"}, headers={"If-Match": '"1"'})

    response = alice.patch(f"/api/tasks/{task.id}", {"title": "x"}, headers={"If-Match": refused["ETag"]})

    assert response.status_code == 200

"""PATCH /api/{user_id}/tasks/{id}/complete, and its alias toggle-status."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from tasks.models import Task

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)
ADDRESSES = [
    "/api/alice/tasks/{}/complete",
    "/api/alice/tasks/{}/toggle-status",
    "/api/tasks/{}/complete",
    "/api/tasks/{}/toggle-status",
]


@pytest.fixture(params=ADDRESSES)
def address(request):
    return request.param


@pytest.fixture
def url(make_task):
    return f"/api/alice/tasks/{make_task().id}/complete"


@pytest.mark.parametrize("completed", [False, True])
def test_it_toggles(alice, make_task, address, completed):
    task = make_task(completed=completed, created_at=LONG_AGO, updated_at=LONG_AGO)
    before = alice.get(f"{alice.tasks_url}/{task.id}").json()

    response = alice.patch(address.format(task.id))

    assert response.status_code == 200
    after = response.json()
    changed = {name: after[name] for name in ("updated_at", "version")}
    assert after == before | {"completed": not completed} | changed
    assert after["updated_at"] > "2026"


@pytest.mark.parametrize("was", [False, True])
@pytest.mark.parametrize("completed", [False, True])
def test_a_body_sets_it_and_a_repetition_changes_nothing(alice, make_task, address, was, completed):
    url = address.format(make_task(completed=was).id)

    tasks = [alice.patch(url, {"completed": completed}).json() for _ in range(3)]

    assert [task["completed"] for task in tasks] == [completed] * 3


def test_an_empty_object_toggles(alice, make_task, address):
    assert alice.patch(address.format(make_task().id), {}).json()["completed"] is True


@pytest.mark.parametrize("body", [{"complete": True}, {"title": "x"}, {"completed": True, "title": "x"}])
def test_an_unknown_field_is_refused_and_changes_nothing(alice, make_task, address, django_assert_num_queries, body):
    url = address.format(make_task().id)
    before = Task.objects.values().get()

    with django_assert_num_queries(0):
        response = alice.patch(url, body)

    [error] = response.json()["errors"]
    assert (response.status_code, error["code"]) == (422, "unknown")
    assert error["field"] in body
    assert Task.objects.values().get() == before


def test_two_toggles_undo_each_other(alice, make_task, address):
    task = make_task()

    assert [alice.patch(address.format(task.id)).json()["completed"] for _ in range(2)] == [True, False]


@pytest.mark.parametrize("body", [None, {"completed": True}], ids=["toggle", "set"])
def test_it_is_one_statement(alice, make_task, address, django_assert_num_queries, body):
    task = make_task()

    with django_assert_num_queries(1):
        alice.patch(address.format(task.id), body)


@pytest.mark.parametrize("value", ["yes", "true", 1, 0, None, [], {}, "", 1.0])
def test_a_value_that_is_not_a_boolean_is_refused(alice, url, django_assert_num_queries, value):
    with django_assert_num_queries(0):
        response = alice.patch(url, {"completed": value})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["completed"]


@pytest.mark.parametrize("body", ["null", "[]", "[true]", "true", '"completed"', "1"])
def test_a_body_that_is_not_an_object_is_refused(alice, url, django_assert_num_queries, body):
    with django_assert_num_queries(0):
        response = alice.patch(url, body, content_type="application/json")

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [None]


@pytest.mark.parametrize("body", [None, {"completed": True}], ids=["toggle", "set"])
def test_another_users_task_is_404(alice, make_task, address, django_assert_num_queries, body):
    task = make_task(user_id="bob")

    with django_assert_num_queries(1):
        response = alice.patch(address.format(task.id), body)

    assert response.status_code == 404
    assert Task.objects.filter(id=task.id, completed=False).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [24, 25])
def test_no_parallel_toggle_is_lost(client_for, make_task, times):
    task = make_task()

    def toggle(_):
        try:
            return client_for("alice").patch(f"/api/alice/tasks/{task.id}/complete").json()["completed"]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(toggle, range(times)))

    assert results.count(True) == (times + 1) // 2
    assert Task.objects.get().completed is (times % 2 == 1)

"""PUT and PATCH /api/{user_id}/tasks/{id}: sent fields change, absent fields do not."""

from datetime import UTC, datetime

import pytest

from tasks.models import Task
from tasks.tests.values import READ_ONLY, WRONG

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 2, 2, 2, 2, 2, 2, UTC)


@pytest.fixture(params=["put", "patch"])
def send(request, alice):
    return getattr(alice, request.param)


@pytest.fixture
def task(make_task):
    return make_task(description="Milk", priority="low", completed=True, created_at=LONG_AGO, updated_at=LONG_AGO)


@pytest.fixture
def url(alice, task):
    return f"{alice.tasks_url}/{task.id}"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Sell groceries"},
        {"description": "two\r\nlines  "},
        {"description": ""},
        {"description": None},
        {"completed": False},
        {"priority": "high"},
        {"title": "All", "description": "at", "completed": False, "priority": "medium"},
        {"title": "\U0001d518" * 200},
    ],
)
def test_only_sent_fields_change(alice, send, url, changes):
    before = alice.get(url).json()

    response = send(url, changes)

    assert response.status_code == 200
    after = response.json()
    assert after == before | changes | {name: after[name] for name in ("updated_at", "version")}
    assert after["version"] > before["version"]
    assert alice.get(url).json() == after


def test_it_is_one_statement(send, url, django_assert_num_queries):
    with django_assert_num_queries(1):
        send(url, {"title": "Sell groceries", "priority": "high"})


def test_updated_at_changes_and_created_at_does_not(send, url):
    task = send(url, {"title": "Sell groceries"}).json()

    assert task["created_at"] == "2020-02-02T02:02:02.000002Z"
    assert task["updated_at"] > "2026"


def test_the_same_value_again_changes_updated_at(send, url):
    assert send(url, {"title": "Buy groceries"}).json()["updated_at"] > "2026"


def test_white_space_around_the_title_is_removed(send, url):
    assert send(url, {"title": " \u3000Sell\t groceries\n"}).json()["title"] == "Sell\t groceries"


def test_no_other_task_changes(send, url, make_task):
    mine, bobs = make_task(), make_task(user_id="bob")

    send(url, {"title": "Changed"})

    assert set(Task.objects.filter(id__in=[mine.id, bobs.id]).values_list("title", flat=True)) == {"Buy groceries"}


@pytest.mark.parametrize("name", READ_ONLY)
def test_read_only_fields_are_ignored(alice, send, url, name):
    before = alice.get(url).json()

    after = send(url, {"title": "Sell groceries", name: READ_ONLY[name]}).json()

    assert after == before | {"title": "Sell groceries"} | {name: after[name] for name in ("updated_at", "version")}
    assert after["updated_at"] > "2026"


@pytest.mark.parametrize("body", [{}, READ_ONLY])
def test_a_body_without_changes_changes_nothing(alice, send, url, django_assert_num_queries, body):
    before = alice.get(url).json()

    with django_assert_num_queries(1):
        response = send(url, body)

    assert response.status_code == 200
    assert response.json() == before == alice.get(url).json()


@pytest.mark.parametrize("name", ["titel", "Title", "is_deleted"])
def test_it_refuses_an_unknown_field(alice, send, url, django_assert_num_queries, name):
    before = alice.get(url).json()

    with django_assert_num_queries(0):
        response = send(url, {"description": "x", name: "x"})

    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": name, "code": "unknown", "detail": "This field is unknown."}]
    assert alice.get(url).json() == before


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_value_is_refused(alice, send, url, django_assert_num_queries, field, value):
    with django_assert_num_queries(0):
        response = send(url, {"title": "Sell groceries", field: value})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert Task.objects.get().title == "Buy groceries"


@pytest.mark.parametrize("body", ["null", "[]", '[{"title": "x"}]', '"title"', "5", "true"])
def test_a_body_that_is_not_an_object_is_refused(send, url, django_assert_num_queries, body):
    with django_assert_num_queries(0):
        response = send(url, body, content_type="application/json")

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [None]


def test_a_missing_body_is_refused(send, url, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = send(url)

    assert response.status_code == 422
    assert response.json()["code"] == "validation_error"


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"{'title': 'x'}", b'{"title": NaN}', b'{"title": "x"}}'])
def test_a_body_that_is_not_json_is_refused(alice, url, django_assert_num_queries, body):
    with django_assert_num_queries(0):
        response = alice.generic("PATCH", url, body, "application/json")

    assert response.status_code == (400 if body else 422)


@pytest.mark.parametrize("changes", [{"title": "Mine now"}, {"completed": True}, {}])
def test_another_users_task_is_404(send, alice, make_task, django_assert_num_queries, changes):
    foreign = make_task(user_id="bob", updated_at=LONG_AGO)

    with django_assert_num_queries(1):
        response = send(f"{alice.tasks_url}/{foreign.id}", changes)

    assert response.status_code == 404
    assert response.json()["detail"] == f"Task {foreign.id} not found"
    assert Task.objects.filter(user_id="bob", title="Buy groceries", completed=False, updated_at=LONG_AGO).exists()


def test_a_422_comes_before_a_404(send, alice, make_task):
    foreign = make_task(user_id="bob")

    assert send(f"{alice.tasks_url}/{foreign.id}", {"title": None}).status_code == 422


def test_the_path_without_a_user_works_too(alice, task):
    assert alice.put(f"/api/tasks/{task.id}", {"title": "Short"}).json()["title"] == "Short"

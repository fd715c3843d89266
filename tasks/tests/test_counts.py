"""GET /api/{user_id}/tasks/counts."""

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.django_db

URL = "/api/tasks/counts"


@pytest.fixture
def tasks(make_task):
    now = datetime.now(UTC)
    past, future = now - timedelta(seconds=5), now + timedelta(hours=1)
    make_task(title="late", due_at=past, priority="high", tags=["home"])
    make_task(title="late and done", due_at=past, completed=True, tags=["home"])
    make_task(title="in time", due_at=future, priority="high")
    make_task(title="long ago", due_at=datetime(1, 1, 1, tzinfo=UTC))
    make_task(title="no date")
    make_task(user_id="bob", due_at=past)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (5, 4, 1, 2)),
        ("status=all", (5, 4, 1, 2)),
        ("status=pending", (4, 4, 0, 2)),
        ("status=completed", (1, 0, 1, 0)),
        ("priority=high", (2, 2, 0, 1)),
        ("tag=HOME", (2, 1, 1, 1)),
        ("tag=home&status=pending", (1, 1, 0, 1)),
        ("search=late done", (1, 0, 1, 0)),
        ("search=", (5, 4, 1, 2)),
        ("due_before=0001-01-02T00:00:00Z", (1, 1, 0, 1)),
        ("due_after=0001-01-02T00:00:00Z", (3, 2, 1, 1)),
        ("priority=low", (0, 0, 0, 0)),
    ],
)
def test_the_filters_are_those_of_the_list(alice, tasks, django_assert_num_queries, query, expected):
    with django_assert_num_queries(1):
        response = alice.get(f"{URL}?{query}")

    names = ("all", "pending", "completed", "overdue")
    assert response.json() == dict(zip(names, expected, strict=True))
    assert response.json()["all"] == len(alice.get(f"/api/tasks?{query}").json())


def test_a_new_user_has_zeros(alice, bob, make_task):
    make_task()

    assert set(bob.get(URL).json().values()) == {0}
    assert bob.get("/api/bob/tasks/counts").json() == bob.get(f"{URL}/").json()


@pytest.mark.parametrize(
    "query", ["sort=created", "limit=5", "cursor=x", "ids=1", "since=x", "statu=all", "status=done", "priority=", "x="]
)
def test_an_unknown_parameter_or_value_is_422(alice, django_assert_num_queries, query):
    with django_assert_num_queries(0):
        response = alice.get(f"{URL}?{query}")

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [query.split("=")[0]]


@pytest.mark.parametrize(("url", "status"), [("/api/bob/tasks/counts", 403), ("/api/bob/tasks/counts?x=1", 403)])
def test_the_counts_of_another_user_are_403(alice, django_assert_num_queries, url, status):
    with django_assert_num_queries(0):
        assert alice.get(url).status_code == status


def test_the_tag_changes_when_a_task_becomes_overdue(alice, make_task):
    task = make_task(due_at=datetime.now(UTC) + timedelta(hours=1))
    before = alice.get(URL)
    type(task).objects.filter(id=task.id).update(due_at=datetime.now(UTC) - timedelta(seconds=5))

    response = alice.get(URL, headers={"If-None-Match": before["ETag"]})

    assert (before.json()["overdue"], response.status_code, response.json()["overdue"]) == (0, 200, 1)

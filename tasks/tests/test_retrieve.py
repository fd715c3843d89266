"""GET /api/{user_id}/tasks/{id}."""

from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("base", ["/api/alice/tasks", "/api/tasks"])
def test_the_response_is_the_whole_task(alice, make_task, base):
    created, updated = datetime(2026, 1, 31, 8, 30, tzinfo=UTC), datetime(2026, 1, 31, 8, 30, 0, 1, tzinfo=UTC)
    task = make_task(description="a\nb", completed=True, priority="low", created_at=created, updated_at=updated)

    response = alice.get(f"{base}/{task.id}")

    assert response.status_code == 200
    assert response.json() == {
        "id": task.id,
        "user_id": "alice",
        "title": "Buy groceries",
        "description": "a\nb",
        "completed": True,
        "priority": "low",
        "due_at": None,
        "tags": [],
        "client_id": None,
        "version": task.version,
        "created_at": "2026-01-31T08:30:00Z",
        "updated_at": "2026-01-31T08:30:00.000001Z",
    }


def test_it_is_one_statement(alice, make_task, django_assert_num_queries):
    task = make_task()

    with django_assert_num_queries(1):
        alice.get(f"{alice.tasks_url}/{task.id}")


def test_another_users_task_and_an_unknown_task_are_the_same_404(alice, make_task):
    task = make_task(user_id="bob")
    problems = [alice.get(f"{alice.tasks_url}/{task_id}").json() for task_id in (task.id, task.id + 1)]

    assert [problem.pop("detail") for problem in problems] == [
        f"Task {task.id} not found",
        f"Task {task.id + 1} not found",
    ]
    assert len({problem.pop("request_id") for problem in problems}) == 2
    assert problems == [{"status": 404, "title": "Not Found", "code": "not_found"}] * 2


@pytest.mark.parametrize("owner", ["Alice", "ALICE", "alice ", " alice", "alice\u200b", "\u0430lice"])
def test_the_owner_is_compared_exactly(alice, make_task, owner):
    task = make_task(user_id=owner)

    assert alice.get(f"{alice.tasks_url}/{task.id}").status_code == 404


def test_a_query_string_is_ignored(alice, make_task):
    task = make_task()

    assert alice.get(f"{alice.tasks_url}/{task.id}?status=x&user_id=bob&limit=0").json()["id"] == task.id

"""USER_CONCURRENCY: the requests of one user that a process works on at the same time."""

from contextvars import copy_context

import pytest

from todo_api.tests.counting import NO_TASK, statuses
from todo_api.throttling import InFlight, in_flight


@pytest.fixture
def busy():
    """`busy("alice", 8)`: so many requests of the user are in work."""
    contexts = []

    def start(user_id, number):
        for _ in range(number):
            context = copy_context()
            assert context.run(in_flight.start, user_id, number)
            contexts.append(context)

    yield start
    for context in contexts:
        context.run(in_flight.finish)


def test_a_user_with_8_requests_in_work_gets_429(alice, busy):
    busy("alice", 8)

    response = alice.get("/api/tasks")  # without the `db` fixture a query fails

    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response["Retry-After"] == "1"


def test_other_users_are_not_affected(bob, busy):
    busy("alice", 8)

    assert statuses(bob, 2) == [404, 404]


def test_a_request_is_counted_until_its_end(alice, busy):
    busy("alice", 7)

    assert statuses(alice, 20) == [404] * 20


@pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": "Bearer garbage"}])
def test_a_request_without_a_valid_token_is_not_counted(anonymous, headers):
    assert anonymous.get(NO_TASK, **headers).status_code == 401
    assert not in_flight._counts


def test_a_request_that_fails_is_not_counted_after_its_end(alice, monkeypatch):
    def fail(view, request, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("tasks.views.TaskViewSet.list", fail)

    assert alice.get("/api/tasks").status_code == 500
    assert not in_flight._counts


def test_finish_counts_each_request_once():
    requests = InFlight()
    requests.start("alice", 8)

    for _ in range(3):
        requests.finish()

    assert not requests._counts
    assert requests.start("alice", 1)

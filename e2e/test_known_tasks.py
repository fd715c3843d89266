"""The comparison of a long run notices what it is there for."""

from collections import Counter

import pytest

from e2e.known_tasks import EITHER, SETTLED, KnownTasks

NOW = 1_000_000.0
TASK = {
    "id": 1,
    "user_id": "alice",
    "title": "A",
    "description": None,
    "completed": False,
    "priority": "low",
    "tags": [],
    "client_id": "key",
    "version": 7,
}


@pytest.fixture
def known(monkeypatch):
    """A user with one task."""
    monkeypatch.setattr("e2e.known_tasks.time.monotonic", lambda: NOW)
    known = KnownTasks("alice", Counter(), [])
    known.created(TASK, {"title": "A"})
    return known


def wrong(known):
    return {name: count for name, count in known.counts.items() if count and name != "comparisons"}


def test_a_task_as_it_was_is_right(known):
    known.seen_all([TASK], NOW)

    assert wrong(known) == {}


@pytest.mark.parametrize("tasks", [[], [TASK | {"title": "B"}], [TASK | {"version": 6}], [TASK | {"version": 8}]])
def test_another_state_is_a_lost_write(known, tasks):
    known.seen_all(tasks, NOW)

    assert wrong(known) == {"lost": 1}


@pytest.mark.parametrize("task", [TASK | {"id": 2}, TASK | {"user_id": "bob"}])
def test_a_task_that_the_user_did_not_create_is_foreign(known, task):
    known.seen(task, NOW)

    assert wrong(known) == {"foreign": 1}


def test_a_deleted_task_that_is_back_is_a_lost_write(known):
    known.removed([1])
    known.seen(TASK, NOW)

    assert wrong(known) == {"lost": 1}


def test_a_second_task_for_a_key_is_noticed(known):
    known.created(TASK | {"id": 2}, {"title": "A"})

    assert wrong(known) == {"twice": 1}


@pytest.mark.parametrize("title", ["A", "B"])
def test_a_change_without_an_answer_may_be_done_or_not(known, title):
    known.attempt([1], {"title": "B"})
    known.seen(TASK | {"title": title, "version": 8}, NOW)

    assert wrong(known) == {}


def test_a_value_that_was_never_written_is_wrong(known):
    known.attempt([1], {"title": "B", "completed": EITHER})
    known.seen(TASK | {"title": "C", "completed": True, "version": 8}, NOW)

    assert wrong(known) == {"lost": 1}


def test_a_change_without_an_answer_is_decided_after_a_while(known):
    known.attempt([1], {"title": "B"})
    known.seen(TASK, NOW + SETTLED + 1)
    known.seen(TASK | {"title": "B", "version": 8}, NOW + SETTLED + 2)

    assert wrong(known) == {"lost": 1}


def test_a_delete_without_an_answer_explains_a_missing_task(known):
    known.attempt([1], None)
    known.seen_all([], NOW)

    assert wrong(known) == {}


def test_a_change_that_was_not_done_is_a_lost_write(known):
    known.seen(TASK | {"version": 8}, NOW, {"title": "B"})

    assert wrong(known) == {"lost": 1}

"""POST /api/{user_id}/tasks."""

import pytest

from tasks.models import Task

pytestmark = pytest.mark.django_db


def test_it_answers_the_whole_task(alice):
    response = alice.post(alice.tasks_url, {"title": "  Buy milk  ", "description": "two\nlitres"})

    assert response.status_code == 201
    task = response.json()
    assert set(task) == {
        "id", "user_id", "title", "description", "completed", "priority", "created_at", "updated_at",
    }  # fmt: skip
    assert (task["title"], task["description"], task["completed"]) == ("Buy milk", "two\nlitres", False)


def test_it_is_one_statement(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        alice.post(alice.tasks_url, {"title": "Buy milk"})


def test_location_leads_to_it(alice):
    response = alice.post(alice.tasks_url, {"title": "Buy milk"})

    assert alice.get(response["Location"]).json() == response.json()


def test_the_token_owns_it_whatever_the_body_says(alice):
    alice.post(alice.tasks_url, {"title": "Buy milk", "user_id": "bob", "id": 99})

    assert list(Task.objects.values_list("user_id", flat=True)) == ["alice"]


@pytest.mark.parametrize("title", [None, "", "   ", "x" * 201, 5, ["a"], "nul\x00"])
def test_it_refuses_a_bad_title(alice, django_assert_num_queries, title):
    with django_assert_num_queries(0):
        response = alice.post(alice.tasks_url, {"title": title})

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "title"


def test_it_refuses_a_lone_surrogate(alice):
    response = alice.generic("POST", alice.tasks_url, rb'{"title": "\ud800"}', "application/json")

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "title"

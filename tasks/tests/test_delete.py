"""DELETE /api/{user_id}/tasks/{id}."""

import pytest

from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("base", ["/api/alice/tasks", "/api/tasks"])
def test_the_task_is_deleted_for_good(alice, make_task, base):
    task = make_task()

    response = alice.delete(f"{base}/{task.id}")

    assert response.status_code == 204
    assert response.content == b""
    assert not Task.objects.exists()


def test_the_response_has_no_body_and_no_content_type(alice, make_task):
    response = alice.delete(f"{alice.tasks_url}/{make_task().id}")

    assert "Content-Type" not in response
    assert response.get("Content-Length", "0") == "0"


def test_it_is_one_statement(alice, make_task, django_assert_num_queries):
    task = make_task()

    with django_assert_num_queries(1):
        alice.delete(f"{alice.tasks_url}/{task.id}")


def test_a_second_time_is_not_found(alice, make_task):
    url = f"{alice.tasks_url}/{make_task().id}"
    alice.delete(url)

    assert alice.delete(url).status_code == 404
    assert alice.get(url).status_code == 404


def test_other_tasks_stay(alice, make_task):
    task, mine, bobs = make_task(), make_task(), make_task(user_id="bob")

    alice.delete(f"{alice.tasks_url}/{task.id}")

    assert set(Task.objects.values_list("id", flat=True)) == {mine.id, bobs.id}


def test_another_users_task_is_404_and_stays(alice, make_task, django_assert_num_queries):
    task = make_task(user_id="bob")

    with django_assert_num_queries(1):
        response = alice.delete(f"{alice.tasks_url}/{task.id}")

    assert response.status_code == 404
    assert Task.objects.filter(id=task.id).exists()


def test_a_list_cannot_be_deleted_without_a_filter(alice, make_task):
    make_task()

    assert alice.delete(alice.tasks_url).status_code == 422
    assert Task.objects.count() == 1


def test_an_id_is_never_used_again(alice, make_task):
    task = make_task()
    alice.delete(f"{alice.tasks_url}/{task.id}")

    assert make_task().id > task.id

"""POST /api/{user_id}/tasks."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.models import Task
from tasks.tests.values import READ_ONLY, WRONG

pytestmark = pytest.mark.django_db


def test_the_response_is_the_whole_task(alice):
    response = alice.post(alice.tasks_url, {"title": "  Buy milk  ", "description": "two\nlitres"})

    assert response.status_code == 201
    task = response.json()
    assert set(task) == {
        "id", "user_id", "title", "description", "completed", "priority", "due_at", "tags", "client_id", "version",
        "created_at", "updated_at",
    }  # fmt: skip
    assert (task["title"], task["description"], task["completed"]) == ("Buy milk", "two\nlitres", False)


def test_it_is_one_statement(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        alice.post(alice.tasks_url, {"title": "Buy milk"})


@pytest.mark.parametrize("base", ["/api/alice/tasks", "/api/tasks"])
def test_location_is_the_address_of_the_new_task(alice, base):
    response = alice.post(base, {"title": "Buy milk"})

    assert response["Location"].startswith(f"http://testserver{base}/")
    assert alice.get(response["Location"]).json() == response.json()


@pytest.mark.parametrize("user_id", ["auth0|1", "a@b.c", "ä ö", "1", "tasks", "a%2Fb", "a?b#c", ".", "🥛"])
def test_location_is_right_for_unusual_user_ids(client_for, user_id):
    client = client_for(user_id)
    made = client.post("/api/tasks", {"title": "Buy milk"})

    response = client.get(made["Location"])

    assert response.json() == made.json()
    assert response.json()["user_id"] == user_id


def test_absent_fields_get_their_defaults(alice):
    task = alice.post(alice.tasks_url, {"title": "Buy milk"}).json()

    assert (task["description"], task["completed"], task["priority"]) == (None, False, "medium")


def test_sent_fields_are_stored(alice):
    sent = {"title": "Buy milk", "description": " a\r\n\tb ", "completed": True, "priority": "high"}

    task = alice.post(alice.tasks_url, sent).json()

    assert {name: task[name] for name in sent} == sent


def test_both_times_are_now_in_utc(alice):
    task = alice.post(alice.tasks_url, {"title": "Buy milk"}).json()

    assert task["created_at"] == task["updated_at"]
    assert task["created_at"].endswith("Z")
    assert abs(datetime.fromisoformat(task["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "\U0001d518" * 200,
        "🥛" * 200,
        "שלום עולם",
        "e\u0301",
        "a\u200db",
        "%s %(a)s {} \\ '\" --",
        "null",
        "\ufeffx",
        "مهمة جديدة",
        "👩‍👩‍👧‍👦",
        "\u202eright\u202c",
        "a\u2028b",
    ],
)
def test_any_text_is_returned_unchanged(alice, text):
    task = alice.post(alice.tasks_url, {"title": text, "description": text * 5}).json()

    assert (task["title"], task["description"]) == (text, text * 5)
    assert alice.get(alice.tasks_url).json() == [task]


@pytest.mark.parametrize("description", ["", None, "x" * 1000, "\n\n", "🥛" * 1000])
def test_a_description_is_accepted(alice, description):
    task = alice.post(alice.tasks_url, {"title": "Buy milk", "description": description}).json()

    assert task["description"] == description


@pytest.mark.parametrize("name", READ_ONLY)
def test_read_only_fields_are_ignored(alice, name):
    task = alice.post(alice.tasks_url, {"title": "Buy milk", name: READ_ONLY[name]}).json()

    assert task[name] != READ_ONLY[name]
    assert Task.objects.owned_by("alice").count() == 1


def test_the_owner_is_the_user_of_the_token_not_of_the_body(alice):
    alice.post(alice.tasks_url, {"title": "Buy milk", "user_id": "bob", "id": 99})

    assert list(Task.objects.values_list("user_id", flat=True)) == ["alice"]


@pytest.mark.parametrize("name", ["colour", "title ", "Title", "__class__", "message", "code", "detail", "\x00", "é"])
def test_it_refuses_an_unknown_field(alice, name, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = alice.post(alice.tasks_url, {"title": "Buy milk", name: "x"})

    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": name, "code": "unknown", "detail": "This field is unknown."}]


def test_unknown_and_wrong_fields_are_named_together(alice):
    response = alice.post(alice.tasks_url, {"titel": "Buy milk", "completed": "yes"})

    errors = {error["field"]: error["code"] for error in response.json()["errors"]}
    assert errors == {"titel": "unknown", "title": "required", "completed": "invalid"}


def test_a_field_name_that_utf_8_cannot_encode_is_refused(alice):
    response = alice.generic("POST", alice.tasks_url, rb'{"title": "x", "\ud800": 1}', "application/json")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "?")


def test_an_error_names_20_unknown_fields_at_most(alice):
    response = alice.post(alice.tasks_url, {"title": "x"} | {f"field{n}": 1 for n in range(1000)})

    assert len(response.json()["errors"]) == 20


def test_the_same_body_twice_makes_two_tasks(alice):
    ids = {alice.post(alice.tasks_url, {"title": "Buy milk"}).json()["id"] for _ in range(2)}

    assert set(Task.objects.values_list("id", flat=True)) == ids
    assert len(ids) == 2


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_value_is_refused(alice, django_assert_num_queries, field, value):
    with django_assert_num_queries(0):
        response = alice.post(alice.tasks_url, {"title": "Buy milk", field: value})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_every_wrong_field_is_named(alice):
    response = alice.post(alice.tasks_url, {"description": 5, "completed": "no", "priority": "x"})

    assert [error["field"] for error in response.json()["errors"]] == ["title", "description", "completed", "priority"]
    assert not Task.objects.exists()


@pytest.mark.parametrize("body", ["", "null", "[]", '"title"', "5", "true", "{}"])
def test_a_body_that_is_not_an_object_with_a_title_is_refused(alice, django_assert_num_queries, body):
    with django_assert_num_queries(0):
        response = alice.generic("POST", alice.tasks_url, body, "application/json")

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] in (None, "title")


@pytest.mark.parametrize("field", ["title", "description"])
def test_a_lone_surrogate_is_refused(alice, django_assert_num_queries, field):
    body = rb'{"title": "x", "%s": "\ud800"}' % field.encode()

    with django_assert_num_queries(0):
        response = alice.generic("POST", alice.tasks_url, body, "application/json")

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field

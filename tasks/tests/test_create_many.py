"""POST of an array: many new tasks in one statement."""

import pytest

from tasks.models import LatestVersion, Task

pytestmark = pytest.mark.django_db

URL = "/api/tasks"
KEYS = [f"0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c1{digit}" for digit in "0123456789"]
TITLE = {"title": "Buy milk"}
# body -> the field and the code of its error
WRONG_ARRAYS = {
    "empty": ([], None, "empty"),
    "101 bodies": ([TITLE] * 101, None, "max_length"),
    "wrong title": ([TITLE, TITLE, TITLE, {"title": 5}], "3.title", "invalid"),
    "no title": ([{}, TITLE], "0.title", "required"),
    "unknown field": ([TITLE, TITLE | {"titel": "x"}], "1.titel", "unknown"),
    "wrong tag": ([TITLE | {"tags": ["a", ""]}], "0.tags.1", "blank"),
    "no UUID": ([TITLE | {"client_id": "x"}], "0.client_id", "invalid"),
    "a number": ([TITLE, 5], "1", "invalid"),
    "null": ([None], "0", "null"),
    "an array": ([[TITLE]], "0", "invalid"),
    "a key twice": ([TITLE, TITLE | {"client_id": KEYS[0]}, TITLE | {"client_id": KEYS[0]}], "2.client_id", "unique"),
    "a key in two cases": (
        [TITLE | {"client_id": KEYS[0]}, TITLE | {"client_id": KEYS[0].upper()}],
        "1.client_id",
        "unique",
    ),
}


def errors(response):
    assert response.status_code == 422, response.content
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


def test_an_array_creates_all_in_the_same_order_in_one_statement(alice, django_assert_num_queries):
    bodies = [{"title": f"{number}", "priority": "high", "tags": [f"t{number}"]} for number in range(100)]

    with django_assert_num_queries(1):
        response = alice.post(URL, bodies)

    assert response.status_code == 201
    assert [(task["title"], task["tags"]) for task in response.json()] == [(b["title"], b["tags"]) for b in bodies]
    assert response.json() == alice.get(f"{URL}?priority=high").json()
    assert "Location" not in response


def test_a_task_of_an_array_is_as_if_it_was_created_alone(alice):
    body = {"title": " x ", "description": "a\nb", "completed": True, "due_at": "2026-01-31T08:30:00.5+01:00"}

    [one], other = alice.post(URL, [body]).json(), alice.post(URL, body).json()

    assert one | {name: other[name] for name in ("id", "version", "created_at", "updated_at")} == other


def test_a_repeated_array_creates_nothing(alice):
    bodies = [TITLE | {"client_id": key} for key in KEYS]
    first = alice.post(URL, bodies)

    second = alice.post(URL, bodies)

    assert (second.status_code, second.json()) == (201, first.json())
    assert Task.objects.count() == 10


def test_an_array_of_known_and_new_keys_keeps_its_order(alice, django_assert_num_queries):
    known = [alice.post(URL, {"title": f"known {n}", "client_id": KEYS[n]}).json() for n in (3, 1)]
    order = [None, KEYS[1], KEYS[2], None, KEYS[3], KEYS[0].upper(), None]

    with django_assert_num_queries(1):
        created = alice.post(URL, [{"title": f"new {n}", "client_id": key} for n, key in enumerate(order)]).json()

    titles = ["new 0", "known 1", "new 2", "new 3", "known 3", "new 5", "new 6"]
    assert [task["title"] for task in created] == titles
    assert [task["client_id"] for task in created] == [key and key.lower() for key in order]
    assert (created[4], created[1]) == (known[0], known[1])


def test_a_repeated_array_raises_no_version(alice):
    bodies = [TITLE | {"client_id": key} for key in KEYS]
    alice.post(URL, bodies)
    before = LatestVersion.objects.get().version

    alice.post(URL, bodies)

    assert LatestVersion.objects.get().version == before


@pytest.mark.parametrize(("body", "field", "code"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_one_wrong_body_creates_nothing_and_its_place_is_named(alice, django_assert_num_queries, body, field, code):
    with django_assert_num_queries(0):
        response = alice.post(URL, body)

    assert errors(response) == [(field, code)]
    assert not Task.objects.exists()


def test_every_wrong_body_is_named(alice):
    response = alice.post(URL, [{"title": ""}, TITLE, {"title": 5, "priority": "x"}])

    assert errors(response) == [("0.title", "blank"), ("2.title", "invalid"), ("2.priority", "invalid_choice")]


def test_an_array_takes_no_idempotency_key(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = alice.post(URL, [TITLE], headers={"Idempotency-Key": KEYS[0]})

    assert errors(response) == [("Idempotency-Key", "invalid")]

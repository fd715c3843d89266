"""`client_id` and Idempotency-Key: a create can be repeated, and a task is found by the id that its client made up."""

from datetime import UTC, datetime

import pytest

from tasks.models import LatestVersion, Task

pytestmark = pytest.mark.django_db

URL = "/api/tasks"
KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
OTHER = "00000000-0000-0000-0000-000000000000"
LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)
NOT_UUIDS = [
    "", " ", "x", "7", KEY[:-1], KEY + "0", KEY.replace("-", ""), f"{{{KEY}}}", f"urn:uuid:{KEY}",
    KEY.replace("0", "g"), KEY.replace("-", " "), f"{KEY}\n", KEY.replace("0", "\u0660"),
    f"{KEY},{KEY}", "'" + KEY,
]  # fmt: skip
OPERATIONS = [
    ("GET", "", b""), ("HEAD", "", b""), ("PUT", "", b'{"title": "x"}'), ("PATCH", "", b'{"title": "x"}'),
    ("PATCH", "/complete", b""), ("PATCH", "/toggle-status", b'{"completed": true}'), ("DELETE", "", b""),
]  # fmt: skip


def fields(response):
    assert response.status_code == 422, response.content
    return [error["field"] for error in response.json()["errors"]]


def test_a_repeated_create_returns_the_same_task_and_creates_nothing(alice, django_assert_num_queries):
    body = {"title": "Buy milk", "client_id": KEY}
    first = alice.post(URL, body)

    with django_assert_num_queries(1):
        second = alice.post(URL, body)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert [first[name] for name in ("ETag", "Location")] == [second[name] for name in ("ETag", "Location")]
    assert Task.objects.count() == 1


def test_the_first_create_with_a_key_is_one_statement(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert alice.post(URL, {"title": "x", "client_id": KEY}).json()["client_id"] == KEY


def test_a_repetition_returns_the_task_as_it_is_now(alice):
    url = alice.post(URL, {"title": "old", "client_id": KEY})["Location"]
    changed = alice.patch(url, {"title": "new", "completed": True}).json()

    assert alice.post(URL, {"title": "old", "client_id": KEY}).json() == changed


def test_a_repetition_is_no_change(alice):
    alice.post(URL, {"title": "x", "client_id": KEY})
    before = LatestVersion.objects.get().version

    alice.post(URL, {"title": "y", "client_id": KEY})

    assert LatestVersion.objects.get().version == before


@pytest.mark.parametrize("form", ["{}", '"{}"', " {} "])
@pytest.mark.parametrize("key", [KEY, KEY.upper()])
def test_the_header_is_the_client_id(alice, form, key):
    headers = {"Idempotency-Key": form.format(key)}

    task = alice.post(URL, {"title": "Buy milk"}, headers=headers).json()

    assert task["client_id"] == KEY
    assert alice.post(URL, {"title": "Buy milk"}, headers=headers).json() == task
    assert alice.post(URL, {"title": "Buy milk", "client_id": KEY}).json() == task
    assert alice.post(URL, {"title": "x", "client_id": KEY.upper()}, headers=headers).json() == task
    assert alice.post(URL, {"title": "x", "client_id": None}, headers=headers).json() == task


def test_a_task_without_a_key_has_null_and_can_be_created_twice(alice):
    tasks = [alice.post(URL, body).json() for body in ({"title": "x"}, {"title": "x", "client_id": None})]

    assert [task["client_id"] for task in tasks] == [None, None]
    assert Task.objects.count() == 2


@pytest.mark.parametrize("in_body", [OTHER, "x", 5, []])
def test_a_header_and_another_client_id_are_422(alice, django_assert_num_queries, in_body):
    with django_assert_num_queries(0):
        response = alice.post(URL, {"title": "x", "client_id": in_body}, headers={"Idempotency-Key": KEY})

    assert fields(response) == ["Idempotency-Key"]


@pytest.mark.parametrize("key", [key for key in NOT_UUIDS if "\n" not in key and key.isascii()] + ["é"])
def test_a_header_that_is_no_uuid_is_422(alice, django_assert_num_queries, key):
    with django_assert_num_queries(0):
        response = alice.post(URL, {"title": "x"}, headers={"Idempotency-Key": key})

    assert fields(response) == ["Idempotency-Key"]
    assert not Task.objects.exists()


@pytest.mark.parametrize("key", [*NOT_UUIDS, 5, True, 1.5, [], [KEY], {}, {"hex": KEY}])
def test_a_client_id_that_is_no_uuid_is_422(alice, django_assert_num_queries, key):
    with django_assert_num_queries(0):
        response = alice.post(URL, {"title": "x", "client_id": key})

    assert fields(response) == ["client_id"]


def test_a_wrong_body_is_422_also_with_a_known_key(alice, django_assert_num_queries):
    alice.post(URL, {"title": "x", "client_id": KEY})

    with django_assert_num_queries(0):
        assert fields(alice.post(URL, {"title": "", "client_id": KEY})) == ["title"]
        assert fields(alice.post(URL, {"titel": "x", "title": "x"}, headers={"Idempotency-Key": KEY})) == ["titel"]


def test_a_key_of_another_user_is_nothing_to_this_user(alice, bob):
    of_alice = alice.post(URL, {"title": "of alice", "client_id": KEY}).json()
    of_bob = bob.post(URL, {"title": "of bob", "client_id": KEY}).json()

    assert (of_alice["title"], of_bob["title"]) == ("of alice", "of bob")
    assert of_alice["id"] != of_bob["id"]
    assert bob.get(f"{URL}/{KEY}").json() == of_bob


def test_the_key_of_a_deleted_task_is_free(alice):
    first = alice.post(URL, {"title": "x", "client_id": KEY}).json()
    alice.delete(f"{URL}/{KEY}")

    second = alice.post(URL, {"title": "y", "client_id": KEY}).json()

    assert second["id"] > first["id"]
    assert (second["title"], second["client_id"]) == ("y", KEY)


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("key", [OTHER, None, "x"])
def test_a_client_id_never_changes(alice, make_task, method, key):
    task = make_task(client_id=KEY)

    response = getattr(alice, method)(f"{URL}/{task.id}", {"title": "x", "client_id": key})

    assert (response.json()["title"], response.json()["client_id"]) == ("x", KEY)


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("method", ["put", "patch", "post"])
def test_a_task_that_was_read_can_be_sent_back_whole(alice, make_task, method, key):
    task = make_task(client_id=key, due_at=LONG_AGO, tags=["home"])
    read = alice.get(f"{URL}/{task.id}").json()

    response = getattr(alice, method)(URL if method == "post" else f"{URL}/{task.id}", read)

    assert response.status_code == (201 if method == "post" else 200)
    same = ["title", "description", "completed", "priority", "due_at", "tags", "client_id"]
    assert [response.json()[name] for name in same] == [read[name] for name in same]
    assert Task.objects.count() == (2 if method == "post" and not key else 1)


@pytest.mark.parametrize(("method", "suffix", "body"), OPERATIONS)
@pytest.mark.parametrize("key", [KEY, KEY.upper()])
@pytest.mark.parametrize("base", ["/api/tasks", "/api/alice/tasks"])
def test_a_path_takes_the_client_id(alice, make_task, django_assert_num_queries, base, key, method, suffix, body):
    task = make_task(client_id=KEY)

    with django_assert_num_queries(1):
        response = alice.generic(method, f"{base}/{key}{suffix}", body, "application/json")

    assert response.status_code in (200, 204)
    if method not in ("DELETE", "HEAD"):
        assert response.json()["id"] == task.id
    assert Task.objects.filter(id=task.id).exists() == (method != "DELETE")


@pytest.mark.parametrize(("method", "suffix", "body"), OPERATIONS)
@pytest.mark.parametrize("tag", [None, '"1"', "*"])
def test_a_client_id_of_another_user_or_of_no_task_is_404(alice, make_task, method, suffix, body, tag):
    task = make_task(user_id="bob", client_id=KEY, updated_at=LONG_AGO)

    for key in (KEY, OTHER):
        response = alice.generic(
            method, f"{URL}/{key}{suffix}", body, "application/json", headers={"If-Match": tag} if tag else {}
        )
        assert response.status_code == 404
    assert Task.objects.filter(version=task.version).exists()


@pytest.mark.parametrize("key", [KEY.replace("-", ""), KEY[:-1], KEY + "0", f"{{{KEY}}}", KEY.replace("-", "_")])
def test_another_form_of_a_uuid_in_the_path_is_404(alice, make_task, django_assert_num_queries, key):
    make_task(client_id=KEY)

    with django_assert_num_queries(0):
        assert alice.get(f"{URL}/{key}").status_code == 404


@pytest.mark.parametrize(("method", "suffix", "body"), OPERATIONS[2:])
def test_if_match_works_with_a_client_id(alice, make_task, method, suffix, body):
    task = make_task(client_id=KEY)

    def status(version):
        headers = {"If-Match": f'"{version}"'}
        return alice.generic(method, f"{URL}/{KEY}{suffix}", body, "application/json", headers=headers).status_code

    assert status(task.version - 1) == 412
    assert status(task.version) in (200, 204)


def test_location_is_the_address_with_the_number(alice):
    response = alice.post(URL, {"title": "x", "client_id": KEY})

    assert response["Location"].endswith(f"/api/tasks/{response.json()['id']}")


def test_a_client_id_in_the_path_is_one_task_of_the_user(alice, make_task):
    first, second = make_task(client_id=KEY), make_task(client_id="0191e7a8-3c5e-7b1a-9f60-000000000002")

    responses = [alice.get(f"/api/tasks/{task.client_id}").json()["id"] for task in (first, second)]
    alice.delete(f"/api/tasks/{second.client_id}")

    assert responses == [first.id, second.id]
    assert list(Task.objects.values_list("id", flat=True)) == [first.id]

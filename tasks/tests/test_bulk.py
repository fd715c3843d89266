"""PATCH and DELETE of the collection: many tasks in one statement."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tasks.models import Task

pytestmark = pytest.mark.django_db

URL = "/api/tasks"
LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)
KEYS = [f"0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c1{digit}" for digit in "0123456789"]
TITLE = {"title": "Buy milk"}
WRONG_FILTERS = [
    ("", None), ("search=", None), ("search=+", None), ("priority=urgent", "priority"), ("status=", "status"),
    ("status=done", "status"), ("tag=", "tag.0"), ("due_before=soon", "due_before"), ("sort=created", "sort"),
    ("limit=5", "limit"), ("cursor=x", "cursor"), ("since=x", "since"), ("statu=all", "statu"),
    ("ids=", "ids"), ("ids=,", "ids"), ("ids=1,", "ids"), ("ids=x", "ids"), ("ids=0", "ids"), ("ids=-1", "ids"),
    ("ids=1%202", "ids"), ("ids=1.0", "ids"), (f"ids={2**63}", "ids"), ("ids=1,x", "ids"),
    ("ids=" + ",".join(map(str, range(1, 102))), "ids"), ("ids=" + "1," * 5000 + "1", "ids"),
    ("status=all&ids=x", "ids"), ("status=all&x=1", "x"),
]  # fmt: skip


def errors(response):
    assert response.status_code == 422, response.content
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


def bulk(client, method, query, body=b'{"priority": "low"}'):
    return client.generic(method, f"{URL}?{query}", body if method == "PATCH" else b"", "application/json")


def many(user_id, count):
    Task.objects.bulk_create(Task(user_id=user_id, title=f"Task {n}") for n in range(count))
    return sorted(Task.objects.filter(user_id=user_id).values_list("id", flat=True))


both_methods = pytest.mark.parametrize("method", ["PATCH", "DELETE"])


@pytest.mark.parametrize(
    "query", ["ids=1&ids=2", "status=completed&status=all", "tag=a&tag=b&priority=low&priority=low"]
)
def test_a_repeated_filter_is_refused_because_one_of_its_values_would_be_lost(alice, make_task, query):
    make_task()

    response = alice.delete(f"{alice.tasks_url}?{query}")

    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "repeated")
    assert Task.objects.count() == 1


@pytest.mark.parametrize("url", ["/api/bob/tasks", "/api/bob/tasks?status=all"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_the_collection_of_another_user_is_403(alice, make_task, django_assert_num_queries, method, url):
    make_task(user_id="bob")

    with django_assert_num_queries(0):
        assert alice.generic(method, url, b"[{", "application/json").status_code == 403
    assert Task.objects.count() == 1


def test_patch_changes_all_that_match_and_returns_them(alice, make_task, django_assert_num_queries):
    ids = [make_task(priority="high", updated_at=LONG_AGO).id for _ in range(3)]
    other = make_task(priority="low")

    with django_assert_num_queries(1):
        response = alice.patch(f"{URL}?priority=high", {"tags": ["urgent"], "due_at": None, "completed": True})

    changed = response.json()
    assert ([task["id"] for task in changed], response.status_code) == (ids, 200)
    assert {(task["completed"], *task["tags"]) for task in changed} == {(True, "urgent")}
    assert changed == [alice.get(f"{URL}/{task_id}").json() for task_id in ids]
    assert Task.objects.filter(version=other.version).exists()


def test_delete_deletes_all_that_match_and_returns_the_ids(alice, make_task, django_assert_num_queries):
    ids = [make_task(completed=True).id for _ in range(3)]
    other = make_task()

    with django_assert_num_queries(1):
        response = alice.delete(f"{URL}?status=completed")

    assert (response.status_code, response.json()) == (200, ids)
    assert list(Task.objects.all()) == [other]


@both_methods
def test_no_match_is_an_empty_array(alice, make_task, method):
    make_task(user_id="bob")

    response = bulk(alice, method, "status=all")

    assert (response.status_code, response.json()) == (200, [])
    assert Task.objects.filter(priority="medium").count() == 1


@both_methods
@pytest.mark.parametrize(
    "query",
    ["status=pending", "priority=high", "tag=A", "tag=a&tag=b", "due_before=2026-02-01T00:00:00Z", "search=milk bread",
     "due_after=2026-01-01T00:00:00Z", "status=all&priority=high&search=milk"],
)  # fmt: skip
def test_each_filter_of_the_list_selects_the_same_tasks(alice, make_task, method, query):
    due_at = datetime(2026, 1, 15, tzinfo=UTC)
    wanted = make_task(title="milk", description="bread", priority="high", tags=["a", "B"], due_at=due_at)
    other = make_task(completed=True, priority="medium", updated_at=LONG_AGO)

    response = bulk(alice, method, query)

    assert [task["id"] if method == "PATCH" else task for task in response.json()] == [wanted.id]
    assert Task.objects.filter(id=other.id, version=other.version).exists()


@both_methods
def test_ids_take_ids_and_client_ids_and_ignore_foreign_and_unknown_ones(alice, make_task, method):
    one, two, three = make_task(), make_task(client_id=KEYS[0]), make_task(client_id=KEYS[1])
    foreign = [make_task(user_id="bob", client_id=KEYS[2]), make_task(user_id="bob")]
    ids = [one.id, KEYS[0].upper(), one.id, KEYS[2], foreign[1].id, KEYS[3], 2**63 - 1]

    response = bulk(alice, method, f"ids={','.join(map(str, ids))}")

    assert [task["id"] if method == "PATCH" else task for task in response.json()] == [one.id, two.id]
    assert {*Task.objects.filter(version__in=[task.version for task in [three, *foreign]])} == {three, *foreign}


@both_methods
@pytest.mark.parametrize("key", ["id", "client_id"])
def test_a_single_id_is_a_single_task(alice, make_task, method, key):
    wanted, other = make_task(client_id=KEYS[0]), make_task(client_id=KEYS[1])

    response = bulk(alice, method, f"ids={getattr(wanted, key)}")

    assert [task["id"] if method == "PATCH" else task for task in response.json()] == [wanted.id]
    assert Task.objects.filter(id=other.id, version=other.version).exists()


@both_methods
def test_ids_and_another_filter_both_have_to_match(alice, make_task, method):
    one, two = make_task(priority="high"), make_task(priority="low")

    response = bulk(alice, method, f"ids={one.id},{two.id}&priority=high")

    assert [task["id"] if method == "PATCH" else task for task in response.json()] == [one.id]


@both_methods
def test_a_hundred_client_ids_are_taken(alice, method):
    keys = [str(uuid4()) for _ in range(100)]
    alice.post(URL, [TITLE | {"client_id": key} for key in keys])

    assert len(bulk(alice, method, f"ids={','.join(keys)}").json()) == 100


@both_methods
@pytest.mark.parametrize("ids", [",".join(map(str, range(1, 102))), "1," * 5000 + "1", ",".join(["x"] * 101)])
def test_more_than_a_hundred_ids_have_a_code_of_their_own(alice, method, ids):
    response = bulk(alice, method, f"ids={ids}")

    [error] = response.json()["errors"]
    assert (response.status_code, error["field"], error["code"]) == (422, "ids", "max_ids")
    assert error["detail"] == "Ensure this field has no more than 100 ids."


@both_methods
def test_an_id_over_64_bits_has_a_message_of_its_own(alice, method):
    response = bulk(alice, method, f"ids=1,{2**63}")

    [error] = response.json()["errors"]
    assert (response.status_code, error["field"], error["code"]) == (422, "ids", "invalid")
    assert error["detail"] == f"Ensure each id is less than or equal to {2**63 - 1}."


@both_methods
@pytest.mark.parametrize(("query", "field"), WRONG_FILTERS, ids=[query[:24] for query, _ in WRONG_FILTERS])
def test_a_missing_or_wrong_filter_changes_nothing(alice, make_task, django_assert_num_queries, method, query, field):
    task = make_task()

    with django_assert_num_queries(0):
        response = bulk(alice, method, query)

    assert [error[0] for error in errors(response)] == [field]
    assert Task.objects.filter(version=task.version).exists()


@pytest.mark.parametrize("query", ["", "search="])
def test_a_missing_filter_has_its_own_code(alice, query):
    assert errors(bulk(alice, "DELETE", query)) == [(None, "required")]


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"{}", None), (b"", None), (b"null", None), (b"[]", None), (b"5", None), (b'{"titel": "x"}', "titel"),
     (b'{"title": null}', "title"), (b'{"tags": "x"}', "tags"), (b'{"due_at": "2026-01-31T08:30:00"}', "due_at")],
)  # fmt: skip
def test_a_wrong_change_changes_nothing(alice, make_task, django_assert_num_queries, body, field):
    task = make_task()

    with django_assert_num_queries(0):
        response = bulk(alice, "PATCH", "status=all", body)

    assert [error[0] for error in errors(response)] == [field]
    assert Task.objects.filter(version=task.version).exists()


@pytest.mark.parametrize("body", [b'{"id": 1, "user_id": "bob", "version": 1, "client_id": "x"}', b'{"version": 1}'])
def test_read_only_fields_alone_are_no_change(alice, make_task, body):
    make_task()

    assert errors(bulk(alice, "PATCH", "status=all", body)) == [(None, "required")]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [(b"{", "application/json", 400), (b"{}", "text/plain", 415), (b"x" * 70_000, "application/json", 413)],
)
def test_a_body_that_cannot_be_read_comes_before_a_missing_filter(
    alice, django_assert_num_queries, body, media_type, status
):
    with django_assert_num_queries(0):
        assert alice.generic("PATCH", URL, body, media_type).status_code == status


@both_methods
def test_of_more_than_1000_matches_the_first_1000_by_id_are_done(alice, method):
    ids = many("alice", 1002)
    many("bob", 3)

    sizes = [[task["id"] if method == "PATCH" else task for task in bulk(alice, method, "priority=medium").json()]]
    sizes += [[task["id"] if method == "PATCH" else task for task in bulk(alice, method, "priority=medium").json()]]

    assert sizes == [ids[:1000], ids[1000:]]
    assert Task.objects.filter(user_id="bob", priority="medium").count() == 3


def test_delete_of_all_empties_the_account(alice, bob, make_task):
    make_task(), make_task(completed=True), make_task(user_id="bob")

    alice.delete(f"{URL}?status=all")

    assert alice.get(URL).json() == []
    assert len(bob.get(URL).json()) == 1

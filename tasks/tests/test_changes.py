"""GET /api/{user_id}/tasks/changes: what has changed since a token."""

import pytest

from tasks.tests.sync import KEY, URL, changes, follow, titles, without_versions

pytestmark = pytest.mark.django_db


def test_without_a_token_every_task_is_returned(alice, make_task):
    make_task(title="Mine"), make_task(user_id="bob")

    page = changes(alice)

    assert page["changed"] == alice.get("/api/tasks").json()
    assert (page["deleted"], page["more"]) == ([], False)


def test_a_new_user_has_no_changes_and_a_token_that_works(alice):
    page = changes(alice)
    alice.post("/api/tasks", {"title": "First"})

    assert (page["changed"], page["deleted"], page["more"]) == ([], [], False)
    assert titles(changes(alice, page["next"])) == ["First"]


def test_nothing_new_is_an_empty_page_with_a_token(alice, make_task, token):
    make_task()
    since = token()

    assert changes(alice, since) == {"changed": [], "deleted": [], "next": since, "more": False}


def test_the_task_with_the_greatest_id_comes_once(alice, make_task):
    other, _ = make_task(title="other"), make_task(id=2**63 - 1, title="great")
    page = changes(alice)
    alice.patch(f"/api/tasks/{other.id}/complete")

    assert titles(page) == ["other", "great"]
    assert titles(changes(alice, page["next"])) == ["other"]


def test_each_kind_of_write_is_seen(alice, make_task, token):
    _, changed, toggled, gone = (make_task(title=title) for title in ("kept", "changed", "toggled", "gone"))
    since = token()
    alice.patch(f"/api/tasks/{changed.id}", {"priority": "high"})
    alice.patch(f"/api/tasks/{toggled.id}/complete")
    alice.delete(f"/api/tasks/{gone.id}")
    alice.post("/api/tasks", {"title": "created"})
    alice.post("/api/tasks", [{"title": "one of many"}])

    page = changes(alice, since)

    assert titles(page) == ["changed", "toggled", "created", "one of many"]
    assert page["deleted"] == [{"id": gone.id, "client_id": None}]


def test_bulk_writes_are_seen(alice, make_task, token):
    stays, goes = make_task(title="a", priority="low"), make_task(title="b")
    since = token()
    alice.patch("/api/tasks?priority=low", {"completed": True})
    alice.delete("/api/tasks?priority=medium")

    page = changes(alice, since)

    assert [task["id"] for task in page["changed"]] == [stays.id]
    assert [task["id"] for task in page["deleted"]] == [goes.id]


def test_a_task_that_was_changed_and_deleted_comes_as_deleted_alone(alice, token):
    since = token()
    task_id = alice.post("/api/tasks", {"title": "x", "client_id": KEY}).json()["id"]
    alice.patch(f"/api/tasks/{task_id}", {"title": "y"})
    alice.delete(f"/api/tasks/{task_id}")

    page = changes(alice, since)

    assert (page["changed"], page["deleted"]) == ([], [{"id": task_id, "client_id": KEY}])


def test_a_deleted_task_is_not_in_the_changes_without_a_token(alice, make_task):
    alice.delete(f"/api/tasks/{make_task().id}")

    assert changes(alice)["deleted"] == []


def test_two_users_never_see_each_others_changes(alice, bob, make_task, token):
    make_task(user_id="alice"), make_task(user_id="bob")
    since, bobs = token(), changes(bob)["next"]
    alice.post("/api/tasks", {"title": "of alice"})
    bob.delete("/api/tasks?status=all")

    assert (titles(changes(alice, since)), changes(alice, since)["deleted"]) == (["of alice"], [])
    assert (titles(changes(bob, bobs)), len(changes(bob, bobs)["deleted"])) == ([], 1)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_the_pages_together_are_all_changes_in_order(alice, make_task, token, limit):
    gone = make_task(title="gone")
    since = token()
    for number in range(4):
        make_task(title=f"{number}")
    alice.delete(f"/api/tasks/{gone.id}")

    pages = follow(alice, since, limit)

    assert [title for page in pages for title in titles(page)] == ["0", "1", "2", "3"]
    assert [task["id"] for page in pages for task in page["deleted"]] == [gone.id]
    assert all(len(page["changed"]) + len(page["deleted"]) <= limit for page in pages)
    assert len(pages) == -(-5 // limit)


def test_pages_over_tasks_without_a_version_are_ordered_by_id(alice, make_task):
    for number in range(5):
        make_task(title=f"{number}")
    without_versions()

    pages = follow(alice, limit=2)

    assert [titles(page) for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert changes(alice, pages[-1]["next"])["changed"] == []


def test_a_change_between_two_pages_comes_again_and_nothing_is_missed(alice, make_task):
    tasks = [make_task(title=f"{number}") for number in range(4)]
    first = changes(alice, limit=2)
    alice.patch(f"/api/tasks/{tasks[0].id}", {"title": "again"})
    alice.delete(f"/api/tasks/{tasks[1].id}")
    alice.delete(f"/api/tasks/{tasks[2].id}")

    rest = follow(alice, first["next"], 1)

    assert [title for page in rest for title in titles(page)] == ["3", "again"]
    assert {task["id"] for page in rest for task in page["deleted"]} == {tasks[1].id, tasks[2].id}


def test_it_is_one_statement(alice, make_task, token, django_assert_num_queries):
    make_task()
    since = token()
    make_task()

    for parameters in ({}, {"since": since}, {"since": since, "limit": 1}, {"since": token()}):
        with django_assert_num_queries(1):
            assert alice.get(URL, parameters).status_code == 200


def test_a_client_that_is_up_to_date_gets_304(alice, make_task, token):
    make_task()
    first = alice.get(URL)
    since = first.json()["next"]

    assert alice.get(URL, {"since": since}, headers={"If-None-Match": first["ETag"]}).status_code == 304

    make_task()
    assert alice.get(URL, {"since": since}, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "sinc=x", "status=all", "sort=created", "cursor=x", "ids=1", "tag=a"]
)
def test_an_unknown_parameter_or_value_is_422(alice, django_assert_num_queries, query):
    with django_assert_num_queries(0):
        response = alice.get(f"{URL}?{query}")

    assert [error["field"] for error in response.json()["errors"]] == [query.split("=")[0]]


def test_the_changes_of_another_user_are_403(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert alice.get("/api/bob/tasks/changes").status_code == 403

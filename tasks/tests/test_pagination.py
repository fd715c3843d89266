"""Pages and their Link headers: no task is skipped or repeated."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from django.db import connection

from tasks.models import Task
from tasks.queries import SORTS

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def seven_tasks(make_task):
    """Ties in every sort, and times of all precisions, also of the database's clock."""
    for number, title in enumerate(["b", "B", "a", "c", "A", "b", "%s {} '"]):
        times = {} if number % 2 else {"created_at": NOON, "updated_at": NOON.replace(microsecond=120_000)}
        make_task(title=title, priority=["low", "high", "medium"][number % 3], **times)


def next_url(response):
    return re.fullmatch(r'<([^<>]+)>; rel="next"', response["Link"])[1]


def ids(response):
    assert response.status_code == 200, response.content
    return [task["id"] for task in response.json()]


def pages_from(client, response):
    pages = [ids(response)]
    while "Link" in response:
        response = client.get(next_url(response))
        pages.append(ids(response))
        assert len(pages) < 20, "the pages have no end"
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_together_are_the_list(alice, seven_tasks, sort, limit):
    whole = ids(alice.get(alice.tasks_url, {"sort": sort}))

    pages = pages_from(alice, alice.get(alice.tasks_url, {"sort": sort, "limit": limit}))

    assert pages == [whole[begin : begin + limit] for begin in range(0, 7, limit)]


@pytest.mark.parametrize("sort", SORTS)
def test_no_row_is_skipped_or_repeated_while_others_are_added_and_removed(alice, make_task, seven_tasks, sort):
    whole = ids(alice.get(alice.tasks_url, {"sort": sort}))
    first = alice.get(alice.tasks_url, {"sort": sort, "limit": 2})
    Task.objects.filter(id__in=whole[:2] + whole[4:5]).delete()
    make_task(title="!", priority="high", created_at=NOON, updated_at=NOON)
    make_task(title="zz", priority="low")

    seen = [task_id for page in pages_from(alice, first) for task_id in page]

    assert len(seen) == len(set(seen))
    assert [task_id for task_id in seen if task_id in whole] == whole[:4] + whole[5:]


@pytest.mark.parametrize("sort", SORTS)
def test_rows_of_the_same_time_are_ordered_by_id(alice, sort):
    with connection.cursor() as cursor:
        rows = ", ".join(["('alice', 'Of plain SQL')"] * 5)
        cursor.execute(f"INSERT INTO tasks (user_id, title) VALUES {rows}")

    pages = pages_from(alice, alice.get(alice.tasks_url, {"sort": sort, "limit": 2}))

    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(task_id for page in pages for task_id in page) == sorted(Task.objects.values_list("id", flat=True))


def test_each_page_is_one_statement(alice, seven_tasks, django_assert_num_queries):
    url = next_url(alice.get(alice.tasks_url, {"limit": 2}))

    with django_assert_num_queries(1):
        alice.get(url)


@pytest.mark.parametrize("limit", [7, 8, 1000])
def test_the_last_page_has_no_link(alice, seven_tasks, limit):
    assert "Link" not in alice.get(alice.tasks_url, {"limit": limit})


def test_a_page_whose_rows_were_deleted_is_empty(alice, seven_tasks):
    url = next_url(alice.get(alice.tasks_url, {"limit": 3}))
    Task.objects.all().delete()

    response = alice.get(url)

    assert response.content == b"[]"
    assert "Link" not in response


@pytest.mark.parametrize("parameters", [{"search": "b"}, {"priority": "low"}, {"status": "pending"}])
def test_the_link_keeps_the_filters(alice, make_task, seven_tasks, parameters):
    make_task(title="d", priority="high", completed=True)
    whole = ids(alice.get(alice.tasks_url, parameters))

    pages = pages_from(alice, alice.get(alice.tasks_url, parameters | {"limit": 1}))

    assert pages == [[task_id] for task_id in whole]


@pytest.mark.parametrize("url", ["/api/alice/tasks", "/api/tasks", "/api/tasks/"])
def test_the_link_has_the_address_of_the_request(alice, seven_tasks, url):
    link = next_url(alice.get(f"{url}?limit=4&status=all"))

    assert link.startswith(f"http://testserver{url}?")
    assert "status=all" in link
    assert len(ids(alice.get(link))) == 3


def test_the_link_works_for_an_unusual_user_id(client_for, make_task):
    client = client_for("auth0|ä <b>@x")
    for _ in range(3):
        make_task(user_id="auth0|ä <b>@x")

    pages = pages_from(client, client.get("/api/auth0%7C%C3%A4%20%3Cb%3E@x/tasks?limit=1"))

    assert len(pages) == 3


@pytest.mark.parametrize(
    "cursor", ["x", "1", "", "a:b:c", "é", "::", "\x00", "../../etc/passwd", "eyJhIjoxfQ:1:1", "x" * 5000]
)
def test_a_broken_cursor_is_refused(alice, django_assert_num_queries, cursor):
    with django_assert_num_queries(0):
        response = alice.get(alice.tasks_url, {"cursor": cursor})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize("position", [0, 5, -1])
def test_a_changed_cursor_is_refused(alice, seven_tasks, django_assert_num_queries, position):
    cursor = list(re.search(r"cursor=([^&]+)", next_url(alice.get(alice.tasks_url, {"limit": 2})))[1])
    cursor[position] = "A" if cursor[position] != "A" else "E"

    with django_assert_num_queries(0):
        response = alice.get(f"{alice.tasks_url}?cursor={''.join(cursor)}")

    assert [error["field"] for error in response.json()["errors"]] == ["cursor"]


def test_another_users_cursor_is_refused(alice, bob, seven_tasks, django_assert_num_queries):
    url = next_url(alice.get("/api/tasks", {"limit": 2}))

    with django_assert_num_queries(0):
        response = bob.get(url)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "title"])
def test_a_cursor_of_another_sort_is_refused(alice, seven_tasks, django_assert_num_queries, sort):
    url = next_url(alice.get(alice.tasks_url, {"limit": 2, "sort": "title"}))

    with django_assert_num_queries(0):
        response = alice.get(url.replace("sort=title", f"sort={sort}"))

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["cursor"]


def test_the_longest_address_of_a_next_page_fits_into_a_request_line(client_for, make_task):
    user_id = "用" * 255
    client = client_for(user_id)
    for _ in range(2):
        make_task(
            user_id=user_id, title="".join(chr(0x1F300 + number) for number in range(200)), description="語" * 200
        )
    address = f"/api/{quote(user_id)}/tasks?sort=title&limit=1&search={quote('語' * 200)}"

    link = client.get(address)["Link"]

    assert len(link) < 8190

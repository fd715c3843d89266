"""What an operator sees and does at /admin/tasks/task/."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tasks.models import Task

pytestmark = pytest.mark.django_db

LIST = "/admin/tasks/task/"
LONG_AGO = datetime(2020, 2, 2, 2, 2, 2, 2, UTC)


def shown(response):
    assert response.status_code == 200
    return [task.title for task in response.context["cl"].result_list]


def form_of(task, **changes):
    values = {"user_id": task.user_id, "title": task.title, "description": task.description or "", "priority": "medium"}
    return values | changes


def test_the_list_needs_an_operator(client, alice):
    assert client.get(LIST).status_code == 302
    assert alice.get(LIST).status_code == 302


def test_the_newest_tasks_come_first(operator, make_task):
    for title in "abc":
        make_task(title=title)

    assert shown(operator.get(LIST)) == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("search", "titles"),
    [
        ("milk", ["Buy MILK today"]),
        ("today buy", ["Buy MILK today"]),
        ("milk bread", []),
        ("%", []),
        ("alice", ["Call bob", "Buy MILK today"]),
        (" alice ", ["Call bob", "Buy MILK today"]),
        ("Alice", ["Shout"]),
        ("ALICE", []),
        ("alic", []),
        ("bob", ["Of bob", "Call bob"]),
        ("' OR 1=1 --", []),
        ("", ["Of bob", "Shout", "Call bob", "Buy MILK today"]),
    ],
)
def test_it_searches_words_of_the_title_or_the_exact_user(operator, make_task, search, titles):
    make_task(title="Buy MILK today")
    make_task(title="Call bob")
    make_task(title="Shout", user_id="Alice")
    make_task(title="Of bob", user_id="bob")

    assert shown(operator.get(LIST, {"q": search})) == titles


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ({"completed__exact": 1}, ["done"]),
        ({"completed__exact": 0}, ["old", "urgent"]),
        ({"priority__exact": "high"}, ["urgent"]),
        ({"created_at__lt": "2021-01-01 00:00:00+00:00"}, ["old"]),
        ({"completed__exact": 0, "q": "urgent"}, ["urgent"]),
    ],
)
def test_it_filters(operator, make_task, filters, titles):
    make_task(title="urgent", priority="high")
    make_task(title="done", completed=True)
    make_task(title="old", created_at=LONG_AGO)

    assert shown(operator.get(LIST, filters)) == titles


@pytest.mark.parametrize(("action", "completed"), [("mark_completed", True), ("mark_pending", False)])
def test_an_action_marks_all_that_are_selected_in_one_update(operator, make_task, statements, action, completed):
    selected = [make_task(completed=not completed, updated_at=LONG_AGO) for _ in range(3)]
    other = make_task(completed=not completed)

    response = operator.post(LIST, {"action": action, "_selected_action": [task.pk for task in selected]}, follow=True)

    assert "3 changed to" in response.content.decode()
    assert Task.objects.filter(completed=completed, updated_at__gt=LONG_AGO).count() == 3
    assert not Task.objects.filter(pk=other.pk, completed=completed).exists()
    assert sum(query["sql"].startswith('UPDATE "tasks"') for query in statements) == 1


def test_an_action_does_not_touch_tasks_that_are_already_so(operator, make_task):
    task = make_task(completed=True, updated_at=LONG_AGO)

    operator.post(LIST, {"action": "mark_completed", "_selected_action": [task.pk]})

    task.refresh_from_db()
    assert task.updated_at == LONG_AGO


def test_the_list_takes_the_same_statements_for_any_number_of_tasks(operator, make_task, django_assert_num_queries):
    make_task()
    with CaptureQueriesContext(connection) as few:
        operator.get(LIST)
    for number in range(60):
        make_task(user_id=f"user {number}")

    with django_assert_num_queries(len(few)):
        assert len(shown(operator.get(LIST))) == 50


@pytest.mark.parametrize("query", ["", "?q=milk", "?completed__exact=1", "?p=1"])
def test_the_list_never_counts_the_whole_table(operator, make_task, statements, query):
    make_task()

    assert operator.get(LIST + query).status_code == 200

    counts = [statement["sql"] for statement in statements if "COUNT(" in statement["sql"]]
    assert counts
    assert [sql for sql in counts if not re.search(r"LIMIT \d+\) ", sql)] == []


def test_a_task_is_added(operator):
    response = operator.post(
        f"{LIST}add/", {"user_id": "alice", "title": "Buy milk", "description": "", "priority": "high"}
    )

    assert response.status_code == 302
    task = Task.objects.get()
    assert (task.user_id, task.title, task.description, task.priority) == ("alice", "Buy milk", None, "high")
    assert task.updated_at == task.created_at > LONG_AGO


def test_the_form_for_a_new_task_opens(operator):
    response = operator.get(f"{LIST}add/")

    assert response.status_code == 200
    assert "Now()" not in response.content.decode()
    assert "DatabaseDefault" not in response.content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"title": ""}, {"title": "x" * 201}, {"user_id": ""}, {"user_id": "x" * 256}, {"priority": "urgent"}],
)
def test_a_bad_task_is_refused_with_an_error(operator, make_task, changes):
    task = make_task(updated_at=LONG_AGO)

    response = operator.post(reverse("admin:tasks_task_change", args=[task.pk]), form_of(task, **changes))

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == list(changes)


def test_a_task_is_edited(operator, make_task):
    task = make_task(created_at=LONG_AGO, updated_at=LONG_AGO)

    response = operator.post(
        reverse("admin:tasks_task_change", args=[task.pk]), form_of(task, title="Sell", completed="on")
    )

    assert response.status_code == 302
    task.refresh_from_db()
    assert (task.title, task.completed, task.description) == ("Sell", True, None)
    assert task.created_at == LONG_AGO < task.updated_at


def test_the_form_shows_times_as_read_only(operator, make_task):
    task = make_task(created_at=LONG_AGO, updated_at=LONG_AGO)
    url = reverse("admin:tasks_task_change", args=[task.pk])

    assert "Feb. 2, 2020" in operator.get(url).content.decode()

    operator.post(url, form_of(task, created_at_0="2001-01-01", created_at="2001-01-01"))
    task.refresh_from_db()
    assert task.created_at == LONG_AGO


def test_a_task_is_deleted(operator, make_task):
    task = make_task()

    operator.post(reverse("admin:tasks_task_delete", args=[task.pk]), {"post": "yes"})

    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "created_at__year=99999",
        "created_at__year=-1",
        f"created_at__year={'9' * 20}",
        "created_at__year__gt=99999",
        "created_at__iso_year=99999",
        "created_at__range=",
    ],
)
def test_a_filter_that_python_refuses_is_400(operator, make_task, query):
    make_task()

    assert operator.get(f"{LIST}?{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "p=99999",
        "p=-1",
        "p=abc",
        f"p={'9' * 400}",
        "o=99",
        "o=abc",
        "o=-1.1.1",
        "e=1",
        "all=",
        "_facets=True",
        "q=%00",
        "q=%22",
        "nothing=1",
        "user_id__nothing=1",
    ],
)
def test_other_parameters_that_cannot_be_show_the_list(operator, make_task, query):
    make_task()

    assert operator.get(f"{LIST}?{query}", follow=True).status_code == 200


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite stores NUL and has no such error")
@pytest.mark.parametrize("query", ["title__regex=%5C", "user_id=%00", "priority__exact=%00", "title__contains=a%00"])
def test_a_value_that_postgresql_refuses_is_400(operator, query):
    response = operator.get(f"{LIST}?{query}")

    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"


@pytest.mark.parametrize("selected", ["abc", "-", "1.5", "9" * 5000])
@pytest.mark.parametrize("action", ["mark_completed", "delete_selected"])
def test_a_made_up_selection_is_400(operator, make_task, action, selected):
    task = make_task()

    response = operator.post(LIST, {"action": action, "_selected_action": [task.pk, selected], "post": "yes"})

    assert response.status_code == 400
    assert not Task.objects.get().completed


@pytest.mark.parametrize("key", ["0", "9" * 20, "9" * 400, "abc", "_00", "%00"])
@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_a_task_that_cannot_be_leads_to_the_index(operator, key, page):
    response = operator.get(f"{LIST}{key}/{page}/")

    assert (response.status_code, response["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("page", ["change", "delete"])
def test_a_field_that_cannot_be_is_400(operator, make_task, page):
    assert operator.get(f"{LIST}{make_task().pk}/{page}/?_to_field=").status_code == 400


@pytest.mark.parametrize("address", ["1/1", "1/x", "0/1", "x/y", f"{'9' * 20}/1", "1/%00"])
def test_there_are_no_short_cuts_to_pages_of_objects(operator, address):
    assert operator.get(f"/admin/r/{address}/").status_code == 404


def test_a_value_that_is_refused_is_not_logged(operator, caplog):
    operator.post(LIST, {"action": "mark_completed", "_selected_action": "a-secret"})

    assert "The admin answers 400: ValueError" in caplog.text
    assert "a-secret" not in caplog.text

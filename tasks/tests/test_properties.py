"""Properties of lists, pages and changes on random tasks, compared with plain Python. See model.py."""

from functools import cache
from itertools import count
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from tasks.changes import Changes, Position
from tasks.models import Task
from tasks.pagination import decode_cursor, encode_cursor
from tasks.sync_tokens import SyncExpired, decode_token, encode_token
from tasks.tests.model import Account, normal, time
from tasks.tests.strategies import TIMES, TIMES_MORE, examples, filters, new_tasks, sorts
from todo_api.tests.client import quick_client
from todo_api.tests.mutations import mutated

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("patient"),
    pytest.mark.timeout(300 * TIMES_MORE),
]

USERS = (f"user-{number}" for number in count())  # each example has a user of its own
created_times = st.sampled_from([*TIMES, None])
rows = st.tuples(new_tasks, created_times, created_times)
many_rows = st.lists(rows, max_size=12)


def user_with(tasks):
    """Return the name and a client of a new user who has these tasks."""
    user_id = next(USERS)
    insert(user_id, tasks)
    return user_id, quick_client(user_id)


def insert(user_id, tasks):
    """Insert rows with times of their own, or with the database's."""
    for body, created_at, updated_at in tasks:
        times = {"created_at": created_at, "updated_at": updated_at, "due_at": body.get("due_at")}
        times = {name: time(value) for name, value in times.items() if value}
        Task.objects.create(user_id=user_id, **normal(body) | {"client_id": None} | times)


def account_of(user_id, client):
    """Return the model with what the service has."""
    return Account(user_id, {task["id"]: task for task in client.get("/api/tasks").json()})


def ids(tasks):
    return [task["id"] for task in tasks]


@examples(100)
@given(tasks=many_rows, filters=filters, sort=sorts)
def test_filters_search_sorts_and_counts_are_those_of_plain_python(tasks, filters, sort):
    user_id, client = user_with(tasks)
    account = account_of(user_id, client)

    found = client.get(f"/api/tasks?{urlencode(filters | {'sort': sort}, doseq=True)}").json()
    counts = client.get(f"/api/tasks/counts?{urlencode(filters, doseq=True)}").json()

    assert len(account.tasks) == len(tasks)
    assert ids(found) == ids(account.list(sort, **filters))
    assert counts == account.counts(**filters)


texts = st.text("aA bBéÉжЖ%_\\'\"*?.[]🥛\u0301\n", min_size=1, max_size=12)


@examples(150)
@given(title=texts.filter(str.strip), description=st.none() | texts, search=texts)
@example(title="a\\b", description=None, search="\\")
def test_a_search_finds_what_plain_python_finds(title, description, search):
    user_id, client = user_with([])
    created = client.post("/api/tasks", {"title": title, "description": description}, format="json")
    account = Account(user_id)
    account.create([{"title": title, "description": description}], [created.json()])

    found = client.get("/api/tasks", {"search": search}).json()

    assert found == account.list(search=search)


@examples(60)
@given(tasks=many_rows, sort=sorts, limit=st.integers(1, 4), data=st.data())
def test_pages_show_every_task_that_stays_once_while_others_come_and_go(tasks, sort, limit, data):
    user_id, client = user_with(tasks)
    stays = ids(account_of(user_id, client).list(sort))
    url, seen = f"/api/tasks?{urlencode({'sort': sort, 'limit': limit})}", []
    while url:
        response = client.get(url)
        seen += ids(response.json())
        url = response["Link"].partition(">")[0][1:] if "Link" in response else None
        insert(user_id, data.draw(st.lists(rows, max_size=1)) if len(seen) < 20 else [])
        gone = data.draw(st.sets(st.sampled_from(stays), max_size=2)) if stays else set()
        Task.objects.filter(id__in=gone).delete()
        stays = [task_id for task_id in stays if task_id not in gone]
        assert len(seen) <= 60, "the pages have no end"

    assert len(set(seen)) == len(seen)
    assert [task_id for task_id in seen if task_id in stays] == stays


@cache
def cursor_of(user_id, sort):
    return encode_cursor(user_id, sort, {"id": 7, "title": "milk", "created_at": time(TIMES[0]), "due_at": None})


@cache
def token_of(user_id):
    return encode_token(user_id, Changes([], [], Position(5, 7), more=False))


@cache
def changed(text):
    """Return a strategy of other texts. White space at the ends is trimmed, as in every parameter."""
    return mutated(text).filter(lambda other: other.strip() != text)


@pytest.mark.parametrize("sort", ["created", "-title", "due"])
@examples(200)
@given(data=st.data())
def test_a_changed_cursor_and_one_of_another_user_or_sort_are_refused(sort, data):
    others = [cursor_of("bob", sort), cursor_of("Alice", sort), cursor_of("alice", "title")]

    with pytest.raises(ValidationError):
        decode_cursor("alice", sort, data.draw(changed(cursor_of("alice", sort)) | st.sampled_from(others)))

    assert decode_cursor("alice", sort, cursor_of("alice", sort))[1] == 7


@examples(400)
@given(data=st.data())
def test_a_changed_token_of_changes_is_invalid_and_a_foreign_one_expired(data):
    with pytest.raises(ValidationError):
        decode_token("alice", data.draw(changed(token_of("alice"))))
    with pytest.raises(SyncExpired):
        decode_token("alice", token_of("bob"))

    assert decode_token("alice", token_of("alice")).position == Position(5, 7)


@examples(60)
@given(data=st.data(), path=st.sampled_from(["tasks?cursor=", "tasks/changes?since="]))
def test_a_changed_or_made_up_text_is_422_and_runs_no_statement(alice, django_assert_num_queries, data, path):
    text = data.draw(st.text(max_size=40) | changed(cursor_of("alice", "created")))

    with django_assert_num_queries(0):
        assert alice.get(f"/api/{path}{quote(text)}").status_code == 422

"""The plain SQL returns the same rows as the ORM and the same JSON as the serializer, and refuses unknown names."""

from datetime import UTC, datetime

import pytest
from rest_framework.renderers import JSONRenderer

from tasks.models import Task
from tasks.queries import TaskQuery
from tasks.rows import COLUMNS, WRITABLE
from tasks.serializers import TaskSerializer
from tasks.statements import OwnedTasks

pytestmark = pytest.mark.django_db

SHAPES = {
    "plain": {},
    "null description": {"description": None},
    "empty description": {"description": ""},
    "lines": {"description": 'a\nb\r\n\t"c" \\ /'},
    "alphabets": {"title": "Été 🥛 שלום e\u0301", "description": "<b>&amp;</b>"},
    "done": {"completed": True, "priority": "high"},
    "no microseconds": {"created_at": datetime(2026, 1, 31, 8, 30, tzinfo=UTC)},
    "one microsecond": {"updated_at": datetime(2026, 1, 31, 8, 30, 0, 1, UTC)},
    "milliseconds": {"updated_at": datetime(2026, 1, 31, 8, 30, 0, 120_000, UTC)},
    "long ago": {"created_at": datetime(1, 1, 1, tzinfo=UTC), "updated_at": datetime(1969, 12, 31, 23, tzinfo=UTC)},
    "far ahead": {"created_at": datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)},
    "great id": {"id": 2**63 - 1},
}


def serialized(tasks, many=False):
    return JSONRenderer().render(TaskSerializer(tasks, many=many).data)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_task_is_the_same_json_as_the_serializers(alice, make_task, shape):
    task = make_task(**shape)

    assert alice.get(f"{alice.tasks_url}/{task.id}").content == serialized(task)


def test_a_list_is_the_same_json_as_the_serializers(alice, make_task):
    for shape in SHAPES.values():
        make_task(**shape)

    assert alice.get(alice.tasks_url).content == serialized(Task.objects.all(), many=True)


def test_every_statement_returns_the_same_row(make_task):
    tasks = OwnedTasks("alice")
    row = tasks.create({"title": "Buy milk"})

    assert tuple(row) == COLUMNS
    assert tasks.get(row["id"]) == row
    assert tasks.select(TaskQuery(sort="created", limit=2)).rows == [row]
    changed = {name: row[name] for name in ("updated_at", "version")}
    assert tasks.update(row["id"], {"title": "Buy milk"}).task | changed == row
    assert tasks.toggle(row["id"]).task | changed | {"completed": False} == row


def test_a_created_task_is_the_same_json_as_the_serializers(alice):
    response = alice.post(alice.tasks_url, {"title": "Été", "description": None, "priority": "low", "completed": True})

    assert response.content == serialized(Task.objects.get())


def test_a_changed_task_is_the_same_json_as_the_serializers(alice, make_task):
    url = f"{alice.tasks_url}/{make_task(description='Milk').id}"

    assert alice.patch(url, {"description": None}).content == serialized(Task.objects.get())
    assert alice.patch(f"{url}/complete").content == serialized(Task.objects.get())


def test_the_columns_are_those_of_the_serializer_and_the_model():
    assert list(COLUMNS) == TaskSerializer.Meta.fields == [field.column for field in Task._meta.concrete_fields]


def test_the_writable_columns_are_those_of_the_serializer():
    assert set(WRITABLE) == {name for name, field in TaskSerializer().fields.items() if not field.read_only}


@pytest.mark.parametrize("name", ["id", "user_id", "created_at", "updated_at", "colour", "title = 'x' --", ""])
def test_an_unknown_column_is_refused(make_task, django_assert_num_queries, name):
    task = make_task()

    with django_assert_num_queries(0):
        with pytest.raises(ValueError, match="not writable"):
            OwnedTasks("alice").create({"title": "x", name: "bob"})
        with pytest.raises(ValueError, match="not writable"):
            OwnedTasks("alice").update(task.id, {name: "bob"})


def test_an_unknown_sort_is_refused(django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(KeyError):
        OwnedTasks("alice").select(TaskQuery(sort="id; DROP TABLE tasks", limit=1))


def test_another_user_gets_no_row(make_task):
    task, bobs_tasks = make_task(), OwnedTasks("bob")

    assert bobs_tasks.get(task.id) is None
    assert bobs_tasks.update(task.id, {"title": "x"}).task is None
    assert bobs_tasks.toggle(task.id).task is None
    assert bobs_tasks.delete(task.id).task is None
    assert bobs_tasks.select(TaskQuery(sort="created", limit=9)).rows == []


def test_another_user_changes_no_row(make_task):
    task, bobs_tasks = make_task(updated_at=datetime(2020, 2, 2, tzinfo=UTC)), OwnedTasks("bob")
    bobs_tasks.update(task.id, {"title": "x"})
    bobs_tasks.toggle(task.id)
    bobs_tasks.delete(task.id)

    assert Task.objects.filter(title=task.title, completed=False, updated_at=task.updated_at).exists()

"""Due dates, tags, client ids and versions in the admin."""

import json
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.db import connection
from django.urls import reverse

from tasks.admin import TagsFormField
from tasks.models import DeletedTask, LatestVersion, Task

pytestmark = pytest.mark.django_db

LIST = "/admin/tasks/task/"
KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)
TAGS = {
    "": [],
    " , ,": [],
    "home, work ,, home office": ["home", "work", "home office"],
    "Home,home,HOME": ["Home"],
    '["a,b", "c"]': ["a,b", "c"],
    "[]": [],
    ", ".join(f"t{number}" for number in range(20)): [f"t{number}" for number in range(20)],
    "x" * 50: ["x" * 50],
    "🥛, <b>": ["🥛", "<b>"],
}
NOT_TAGS = {
    "x" * 51: "Tag 1: Ensure this field has no more than 50 characters.",
    ",".join(f"t{number}" for number in range(21)): "Ensure this field has no more than 20 elements.",
    '["a", ""]': "Tag 2: This field may not be blank.",
    "[5]": "Tag 1: Not a valid string.",
    "[null]": "Tag 1: This field may not be null.",
    "[a]": "This is not a JSON array",
    '["a"': "This is not a JSON array",
    "[" * 5000: "This is not a JSON array",
    '["\\u0000"]': "Tag 1: Null characters are not allowed.",
}


def change_url(task):
    return reverse("admin:tasks_task_change", args=[task.pk])


def save(operator, task, **changes):
    values = {"user_id": task.user_id, "title": task.title, "description": "", "priority": "medium"}
    return operator.post(change_url(task), values | changes)


@pytest.mark.parametrize(("text", "tags"), TAGS.items())
def test_tags_are_a_list_with_commas_or_json(operator, make_task, text, tags):
    task = make_task()

    assert save(operator, task, tags=text).status_code == 302

    task.refresh_from_db()
    assert task.tags == tags


@pytest.mark.parametrize(("text", "message"), NOT_TAGS.items(), ids=[text[:12] for text in NOT_TAGS])
def test_other_tags_are_refused_as_by_the_api(operator, make_task, text, message):
    task = make_task(tags=["kept"])

    response = save(operator, task, tags=text)

    [error] = response.context["adminform"].form.errors["tags"]
    assert error.startswith(message)
    assert Task.objects.get().tags == ["kept"]


@pytest.mark.parametrize("tags", [["home", "work"], ["a,b"], ["[x"], [' "'], ["[]"], []])
def test_the_text_in_the_form_stands_for_the_same_tags(operator, make_task, tags):
    task = make_task(tags=tags)
    text = TagsFormField().prepare_value(operator.get(change_url(task)).context["original"].tags)

    assert save(operator, task, tags=text).status_code == 302
    assert Task.objects.get().tags == [tag.strip() for tag in tags]


def test_a_due_date_is_edited_and_removed(operator, make_task):
    task = make_task()

    save(operator, task, due_at_0="2026-02-01", due_at_1="18:00:00")
    assert Task.objects.get().due_at == datetime(2026, 2, 1, 18, tzinfo=UTC)

    save(operator, task, due_at_0="", due_at_1="")
    assert Task.objects.get().due_at is None


def test_an_edit_of_another_field_keeps_the_microseconds_of_the_due_date(operator, make_task):
    task = make_task(due_at=NOON)

    save(operator, task, title="Sell", due_at_0="2026-01-31", due_at_1="12:00:00")

    task.refresh_from_db()
    assert (task.title, task.due_at) == ("Sell", NOON)


@pytest.mark.parametrize(
    "due_at", [("2026-02-30", "18:00:00"), ("x", "y"), ("2026-02-01", ""), ("99999-01-01", "00:00")]
)
def test_a_wrong_due_date_is_refused(operator, make_task, due_at):
    response = save(operator, make_task(), due_at_0=due_at[0], due_at_1=due_at[1])

    assert list(response.context["adminform"].form.errors) == ["due_at"]


def test_the_form_shows_client_id_and_version_as_read_only(operator, make_task):
    task = make_task(client_id=KEY, tags=["home", "work"], due_at=NOON)

    page = operator.get(change_url(task)).content.decode()

    for text in (KEY, str(task.version), "home, work", 'value="2026-01-31"'):
        assert text in page
    for name in ("client_id", "version", "created_at", "updated_at"):
        assert f'name="{name}' not in page


def test_an_operator_cannot_set_version_and_client_id(operator, make_task):
    task = make_task(client_id=KEY)

    save(operator, task, title="Sell", version="1", client_id="00000000-0000-0000-0000-000000000000", id="99")

    saved = Task.objects.get()
    assert (saved.pk, saved.title, str(saved.client_id)) == (task.pk, "Sell", KEY)
    assert saved.version == LatestVersion.objects.get().version > task.version


def test_each_change_of_an_operator_is_seen_by_changes(operator, alice, make_task):
    edited, marked, gone, selected = (make_task(title=title) for title in "abcd")
    since = alice.get("/api/tasks/changes").json()["next"]
    save(operator, edited, tags="home")
    operator.post(LIST, {"action": "mark_completed", "_selected_action": [marked.pk]})
    operator.post(reverse("admin:tasks_task_delete", args=[gone.pk]), {"post": "yes"})
    operator.post(LIST, {"action": "delete_selected", "_selected_action": [selected.pk], "post": "yes"})
    operator.post(f"{LIST}add/", {"user_id": "alice", "title": "e", "description": "", "priority": "low", "tags": "x"})

    page = alice.get("/api/tasks/changes", {"since": since}).json()

    assert [(task["title"], task["tags"]) for task in page["changed"]] == [("a", ["home"]), ("b", []), ("e", ["x"])]
    assert [task["id"] for task in page["deleted"]] == [gone.pk, selected.pk]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("action", ["delete_selected", "mark_completed"])
def test_an_action_locks_all_rows_first_and_writes_owner_by_owner(operator, make_task, statements, action):
    tasks = [make_task(user_id=user_id) for user_id in ("bob", "alice", "bob", "Carol")]

    operator.post(LIST, {"action": action, "_selected_action": [task.pk for task in tasks], "post": "yes"})

    writes = [query["sql"] for query in statements if query["sql"].startswith(("DELETE", 'UPDATE "tasks"'))]
    locks = [query["sql"] for query in statements if query["sql"].endswith("FOR UPDATE")]
    assert [len(locks), len(writes)] == [1, 3]
    assert "ORDER BY 2 ASC FOR UPDATE" in locks[0]  # the id
    assert f"({tasks[3].pk})" in writes[0]


def test_an_owner_who_has_the_client_id_is_refused(operator, make_task):
    task = make_task(client_id=KEY)
    make_task(client_id=KEY, user_id="bob")

    response = save(operator, task, user_id="bob")

    assert list(response.context["adminform"].form.errors) == ["user_id"]
    assert Task.objects.filter(pk=task.pk, user_id="alice").exists()


def test_a_change_of_the_owner_keeps_the_client_id(operator, bob, make_task):
    task = make_task(client_id=KEY)

    assert save(operator, task, user_id="bob").status_code == 302
    assert bob.get(f"/api/tasks/{KEY}").json()["id"] == task.pk


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has fewer lookups")
@pytest.mark.parametrize(
    "query",
    ["tags=x", "tags__contains=x", "tags__0=x", "tags__has_key=x", "tags__0__gt=1", "tags__regex=(", "due_at=x",
     "due_at__year=99999", "client_id=x", f"client_id={KEY}", "version=x", f"version={'9' * 30}", "due_at__isnull=x"],
)  # fmt: skip
def test_a_made_up_filter_of_the_new_fields_is_never_500(operator, make_task, query):
    make_task(tags=["x"])

    assert operator.get(f"{LIST}?{query}", follow=True).status_code in (200, 400)


def test_what_the_triggers_write_is_not_in_the_admin():
    assert not {DeletedTask, LatestVersion} & set(admin.site._registry)


def test_json_of_the_api_can_be_pasted(operator, alice, make_task):
    task = make_task(tags=["a, b", "ä"])

    save(operator, task, tags=json.dumps(alice.get(f"/api/tasks/{task.pk}").json()["tags"]))

    assert Task.objects.get().tags == ["a, b", "ä"]

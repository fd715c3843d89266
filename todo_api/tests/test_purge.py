"""`manage.py purge_unknown_users`: tasks of users who are no longer in Better Auth's table."""

import pytest
from django.core.management import CommandError, call_command

from tasks.models import Task

UUID = "0b9f4d0e-7c1e-4c53-9a55-0a1f8f3b2c11"


@pytest.fixture
def purge(capsys):
    """`purge("--yes")`: the lines that it prints."""

    def purge(*arguments):
        call_command("purge_unknown_users", *arguments)
        return capsys.readouterr().out.splitlines()

    return purge


def owners():
    return sorted(Task.objects.values_list("user_id", flat=True))


def test_without_yes_it_only_lists(purge, make_users, make_task):
    make_users(alice="alice@example.com")
    for user_id in ("alice", "gone", "gone", "also gone"):
        make_task(user_id=user_id)

    assert purge() == [
        "also gone: 1", "gone: 2", "Unknown users: 2. Tasks found: 3", "Nothing was deleted: add --yes to delete them."
    ]  # fmt: skip
    assert len(owners()) == 4


def test_tasks_of_unknown_users_are_deleted(purge, make_users, make_task):
    make_users(alice="alice@example.com", bob="bob@example.com")
    for user_id in ("alice", "gone", "Alice", "bob"):
        make_task(user_id=user_id)

    assert purge("--yes")[-1] == "Unknown users: 2. Tasks deleted: 2"
    assert owners() == ["alice", "bob"]


@pytest.mark.parametrize(("id_type", "known"), [("uuid", UUID), ("integer", "7")])
def test_ids_of_other_types_are_compared_as_text(purge, make_users, make_task, id_type, known):
    make_users(id_type, **{known: "alice@example.com"})
    for user_id in (known, "gone"):
        make_task(user_id=user_id)

    purge("--yes")

    assert owners() == [known]


def test_users_are_read_a_thousand_at_a_time(purge, make_users, django_assert_num_queries):
    make_users(alice="alice@example.com", **{f"user {n}": f"{n}@example.com" for n in range(1500)})
    Task.objects.bulk_create(Task(user_id=f"user {n}", title="Paint") for n in range(1500))

    with django_assert_num_queries(2 + 2 * 2 + 1):  # the table and its first row, two batches of two, the end
        assert purge() == ["Unknown users: 0. Tasks found: 0"]


def test_a_users_tasks_are_deleted_in_batches(purge, make_users, django_assert_num_queries):
    make_users(alice="alice@example.com")
    Task.objects.bulk_create(Task(user_id="gone", title="Paint") for _ in range(1500))

    with django_assert_num_queries(
        2 + 2 + 1 + 2 * 4 + 3 + 1
    ):  # as above; a count; two batches of tasks, and an empty one
        purge("--yes")

    assert owners() == []


def test_a_missing_table_is_one_line(purge, make_task):
    make_task(user_id="gone")

    with pytest.raises(CommandError, match=r'^There is no table "user"\. Use the database .+\.$'):
        purge("--yes")

    assert owners() == ["gone"]


def test_an_empty_table_is_one_line(purge, make_users, make_task):
    make_users()
    make_task(user_id="gone")

    with pytest.raises(CommandError, match=r'^The table "user" is empty\. Use the database .+\.$'):
        purge("--yes")

    assert owners() == ["gone"]

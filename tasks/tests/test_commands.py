"""`manage.py export_tasks` and `manage.py delete_tasks`."""

import json
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from tasks.models import Task


@pytest.fixture
def run(capsys):
    """`run("export_tasks", "alice").out`."""

    def run(*arguments):
        call_command(*arguments)
        out, err = capsys.readouterr()
        return SimpleNamespace(out=out, err=err)

    return run


@pytest.fixture
def make_tasks(db):
    def make(user_id, count):
        Task.objects.bulk_create(Task(user_id=user_id, title=f"Task {n}") for n in range(count))

    return make


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_the_export_is_what_the_api_answers(run, alice, make_task):
    make_task(title="Grüße 🛒", description="two\nlines")
    make_task(user_id="bob")

    assert lines(run("export_tasks", "alice").out) == alice.get("/api/tasks").json()


@pytest.mark.parametrize("name", ["json", "csv", "ics"])
def test_the_other_formats_are_those_of_the_api(run, alice, make_task, name):
    make_task(title="Grüße 🛒", description="two\nlines")

    exported = run("export_tasks", "alice", "--format", name).out

    assert exported.encode() == alice.get(f"/api/tasks/export?format={name}").getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "text"), [("json", "[]\n"), ("lines", "")])
def test_a_user_without_tasks_is_exported_as_nothing(run, name, text):
    assert run("export_tasks", "alice", "--format", name).out == text


def test_an_export_reads_a_thousand_tasks_per_statement(run, make_tasks, django_assert_num_queries):
    make_tasks("alice", 2500)

    with django_assert_num_queries(3):
        exported = lines(run("export_tasks", "alice").out)

    assert len({task["id"] for task in exported}) == 2500


def test_an_export_writes_a_new_file(run, make_task, tmp_path):
    make_task(title="Paint")

    printed = run("export_tasks", "alice", "--output", str(tmp_path / "alice.jsonl")).out

    assert printed == f"Bytes written: {(tmp_path / 'alice.jsonl').stat().st_size}\n"
    assert [task["title"] for task in lines((tmp_path / "alice.jsonl").read_text())] == ["Paint"]


@pytest.mark.django_db
def test_an_export_overwrites_no_file(run, tmp_path):
    file = tmp_path / "alice.jsonl"
    file.write_text("precious")

    with pytest.raises(CommandError, match="cannot be written: File exists"):
        run("export_tasks", "alice", "--output", str(file))

    assert file.read_text() == "precious"


def test_an_export_that_fails_leaves_no_file(run, make_tasks, tmp_path, django_db_blocker):
    make_tasks("alice", 1)
    file = tmp_path / "alice.jsonl"

    with django_db_blocker.block(), pytest.raises(RuntimeError):
        run("export_tasks", "alice", "--output", str(file))

    assert not file.exists()


def test_a_deletion_without_yes_only_counts(run, make_tasks, django_assert_num_queries):
    make_tasks("alice", 3)

    with django_assert_num_queries(1):
        assert run("delete_tasks", "alice").out == "Tasks: 3. Nothing was deleted: add --yes to delete them.\n"

    assert Task.objects.count() == 3


def test_a_deletion_leaves_other_users_tasks(run, make_tasks):
    make_tasks("alice", 3)
    make_tasks("Alice", 2)

    result = run("delete_tasks", "alice", "--yes")

    assert (result.out, result.err) == ("Tasks deleted: 3\n", "")
    assert set(Task.objects.values_list("user_id", flat=True)) == {"Alice"}


def test_many_tasks_are_deleted_in_batches_with_progress(run, make_tasks, django_assert_num_queries):
    make_tasks("alice", 2500)

    with django_assert_num_queries(
        1 + 3 * 4 + 3
    ):  # a count; of each batch begin, locks, delete, commit; an empty batch
        result = run("delete_tasks", "alice", "--yes")

    assert result.err.splitlines() == ["1000 of 2500", "2000 of 2500", "2500 of 2500"]
    assert Task.objects.count() == 0


class Terminal(StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_is_one_line(make_tasks):
    make_tasks("alice", 2500)
    terminal = Terminal()

    call_command("delete_tasks", "alice", "--yes", stdout=StringIO(), stderr=terminal)

    assert terminal.getvalue() == "1000 of 2500\r2000 of 2500\r2500 of 2500\n"


@pytest.mark.django_db
@pytest.mark.parametrize("yes", [["--yes"], []])
def test_a_user_without_tasks_may_be_a_wrong_id(run, make_tasks, yes):
    make_tasks("alice", 1)

    assert run("delete_tasks", "Alice", *yes).out == "This user has no tasks. Upper and lower case differ in ids.\n"

"""ROW_LEVEL_SECURITY: PostgreSQL itself shows the service's role only the rows of the caller."""

from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.urls import include, path
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from tasks import rows
from tasks.models import DeletedTask, LatestVersion, Task
from tasks.views import TaskViewSet
from todo_api.checks import check_policies, check_settings, refuse_to_start_misconfigured
from todo_api.identity.current_user import current_user
from todo_api.tests.server import Server, database_of_the_tests
from todo_api.tests.tokens import make_token

postgresql_only = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no policies")


class CarelessViewSet(TaskViewSet):
    @action(detail=False)
    def titles(self, request, *args, **kwargs):
        return Response([task.title for task in Task.objects.order_by("title")])


router = SimpleRouter()
router.register("tasks", CarelessViewSet, basename="task")
urlpatterns = [path("careless/", include(router.urls)), path("", include("todo_api.urls"))]


def reconnect():
    """Close the connections, so that the next one is made with the settings as they are now."""
    connection.close()
    if connection.pool:
        connection.pool.close()


@pytest.fixture
def role(transactional_db):
    """A role that the command has given the rights of the service."""
    name = f"service_of_{connection.settings_dict['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN")
    call_command("enable_row_level_security", name)
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        for model in (Task, LatestVersion, DeletedTask):
            cursor.execute(f"DROP POLICY own_rows ON {model._meta.db_table}")
            cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE ROW LEVEL SECURITY")


@pytest.fixture
def protected(role, make_task, configured, monkeypatch):
    """The service's role is in use. alice, bob and carol have a task."""
    for user_id in ("alice", "bob", "carol"):
        make_task(user_id=user_id, title=f"A task of {user_id}")
    with configured(ROW_LEVEL_SECURITY=True, ADMIN_ENABLED=False), monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "USER", role)
        reconnect()
        yield
    current_user.set(None)
    reconnect()


def titles():
    return sorted(title for [title] in rows.execute("SELECT title FROM tasks", [], repeatable=True))


@postgresql_only
def test_a_statement_without_a_user_id_returns_only_the_callers_rows(protected):
    current_user.set("alice")

    assert titles() == ["A task of alice"]


@postgresql_only
@pytest.mark.parametrize("table", ["tasks", "task_versions", "deleted_tasks"])
def test_without_a_caller_every_table_is_empty(protected, alice, table):
    alice.delete(f"{alice.tasks_url}?status=all")
    current_user.set(None)

    assert rows.execute(f"SELECT * FROM {table}", [], repeatable=True) == []


@postgresql_only
def test_the_caller_of_the_request_before_is_forgotten(protected, alice, client):
    assert alice.get(alice.tasks_url).status_code == 200
    assert client.get("/health").status_code == 200

    assert titles() == []


@postgresql_only
@pytest.mark.parametrize(
    "statement", ["UPDATE tasks SET title = '100 %%' RETURNING user_id", "DELETE FROM tasks RETURNING user_id"]
)
def test_a_write_without_a_user_id_reaches_only_the_callers_rows(protected, statement):
    current_user.set("alice")

    assert rows.execute(statement, [], repeatable=False) == [("alice",)]


@postgresql_only
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tasks (user_id, title) VALUES ('bob', 'Not mine') RETURNING id",
        "UPDATE tasks SET user_id = 'bob' RETURNING id",
        "UPDATE task_versions SET user_id = 'dave' RETURNING user_id",
    ],
)
def test_a_row_cannot_be_given_to_another_user(protected, statement):
    current_user.set("alice")

    with pytest.raises(ProgrammingError, match="row-level security"):
        rows.execute(statement, [], repeatable=False)


@postgresql_only
@pytest.mark.urls(__name__)
def test_a_view_that_forgets_the_user_returns_only_the_callers_tasks(protected, alice):
    assert alice.get("/careless/tasks/titles/").json() == ["A task of alice"]


@postgresql_only
def test_the_callers_id_is_no_sql(protected, client_for):
    attacker = client_for("x'; DELETE FROM tasks; SELECT '\\%s")

    assert attacker.get("/api/tasks").json() == []
    assert attacker.post("/api/tasks", {"title": "Mine"}).status_code == 201
    current_user.set("alice")
    assert titles() == ["A task of alice"]


@postgresql_only
def test_every_operation_works(protected, alice):
    task = alice.post(alice.tasks_url, {"title": "100 %", "tags": ["a"]}).json()
    url, match = f"{alice.tasks_url}/{task['id']}", {"If-Match": f'"{task["version"]}"'}
    key = {"Idempotency-Key": "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"}
    token = alice.get(f"{alice.tasks_url}/changes").json()["next"]

    responses = [
        alice.get(url),
        alice.put(url, {"title": "10 %"}, headers=match),
        alice.patch(f"{url}/complete"),
        alice.post(alice.tasks_url, {"title": "A key"}, headers=key),
        alice.post(alice.tasks_url, {"title": "A key"}, headers=key),
        alice.post(alice.tasks_url, [{"title": "One"}, {"title": "Two"}]),
        alice.get(f"{alice.tasks_url}?search=task&tag=a&sort=title&limit=1"),
        alice.get(f"{alice.tasks_url}/counts"),
        alice.patch(f"{alice.tasks_url}?status=all", {"priority": "high"}),
        alice.delete(url),
        alice.get(f"{alice.tasks_url}/changes?since={token}"),
    ]

    assert [response.status_code for response in responses] == [200, 200, 200, 201, 201, 201, 200, 200, 200, 204, 200]
    assert alice.put(url, {"title": "x"}, headers=match).status_code == 404
    assert len(b"".join(alice.get(f"{alice.tasks_url}/export?format=csv"))) > 100
    assert [row["id"] for row in responses[-1].json()["deleted"]] == [task["id"]]


@postgresql_only
def test_a_request_still_runs_one_statement(protected, alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        alice.get(alice.tasks_url)


@postgresql_only
def test_the_owner_still_reaches_all_rows(role, make_task):
    make_task(user_id="bob")

    assert Task.objects.update(title="Done by an operator") == 1
    call_command("delete_tasks", "bob", "--yes")
    assert DeletedTask.objects.count() == 1


@postgresql_only
def test_the_service_starts_as_the_role_and_is_ready(protected, role, tmp_path):
    url = urlsplit(database_of_the_tests())
    url = url._replace(netloc=f"{role}@{url.netloc.rpartition('@')[2]}").geturl()
    server = Server(tmp_path, DATABASE_URL=url, ROW_LEVEL_SECURITY="true", ADMIN_ENABLED="false")
    try:
        assert server.get("/health/ready")[0] == 200
        assert "A task of alice" in str(server.get("/api/tasks/export", Authorization=f"Bearer {make_token('alice')}"))
    finally:
        server.stop()


@postgresql_only
def test_the_service_does_not_start_as_a_role_that_sees_all_rows(transactional_db, configured):
    with (
        configured(ROW_LEVEL_SECURITY=True, ADMIN_ENABLED=False),
        pytest.raises(ImproperlyConfigured, match="all rows"),
    ):
        refuse_to_start_misconfigured()

    assert connection.connection is None


@postgresql_only
def test_the_configuration_of_a_protected_service_is_accepted(protected):
    refuse_to_start_misconfigured()


@postgresql_only
def test_the_command_can_run_twice(role):
    call_command("enable_row_level_security", role)


def test_the_command_names_what_is_missing(transactional_db):
    with pytest.raises(CommandError, match=r'role "nobody_knows" does not exist|needs PostgreSQL'):
        call_command("enable_row_level_security", "nobody_knows")


def test_the_admin_cannot_run_with_it(configured):
    with configured(ROW_LEVEL_SECURITY=True, ADMIN_ENABLED=True):
        found = [message.id for message in check_settings(None)]

    assert found == (["todo_api.E012"] if connection.vendor == "postgresql" else ["todo_api.E011", "todo_api.E012"])


def test_the_check_needs_no_database(configured, unreachable_database):
    with configured(ROW_LEVEL_SECURITY=True):
        assert check_policies(None) == []

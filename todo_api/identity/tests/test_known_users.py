"""REQUIRE_KNOWN_USER: deleted users are refused, and operators see e-mail addresses."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from tasks.models import Task
from todo_api.admin import TaskWithOwnerAdmin
from todo_api.checks import refuse_to_start_misconfigured
from todo_api.identity.known_users import find_user, is_past
from todo_api.tests.server import Server, clean_environment, database_of_the_tests

UUID = "0b9f4d0e-7c1e-4c53-9a55-0a1f8f3b2c11"

operators = admin.AdminSite()
operators.register(Task, TaskWithOwnerAdmin)
urlpatterns = [path("admin/", operators.urls), path("", include("todo_api.urls"))]


@pytest.fixture
def required(configured):
    with configured(REQUIRE_KNOWN_USER=True):
        yield


@pytest.fixture
def operator(client, django_user_model, configured):
    client.force_login(django_user_model.objects.create_superuser("operator"))
    with configured(ROOT_URLCONF=__name__):
        yield client


def shown(response):
    assert response.status_code == 200
    return [task.title for task in response.context["cl"].result_list]


def test_a_known_user_costs_one_more_statement(required, make_users, alice, django_assert_num_queries):
    make_users(alice="alice@example.com")

    with django_assert_num_queries(2):
        assert alice.get(alice.tasks_url).status_code == 200


def test_a_deleted_user_is_refused(required, make_users, bob, make_task):
    make_users(alice="alice@example.com")
    make_task(user_id="bob")
    response = bob.get(bob.tasks_url)

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert response.json()["detail"] == "Invalid token: its user no longer exists"
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.fixture
def ban(make_users):
    """`ban(expires)`: give the table the columns of Better Auth's admin plugin, and ban alice until this time."""

    def ban(expires, banned=True):
        make_users(alice="alice@example.com")
        with connection.cursor() as cursor:
            cursor.execute('ALTER TABLE "user" ADD COLUMN banned boolean')
            cursor.execute('ALTER TABLE "user" ADD COLUMN "banReason" text')
            kind = "timestamptz" if connection.vendor == "postgresql" else "text"
            cursor.execute(f'ALTER TABLE "user" ADD COLUMN "banExpires" {kind}')
            cursor.execute('UPDATE "user" SET banned = %s, "banExpires" = %s', [banned, expires])

    return ban


@pytest.mark.parametrize("expires", [None, "2999-01-01T00:00:00.000Z"])
def test_a_banned_user_is_refused_in_the_same_statement(required, ban, alice, django_assert_num_queries, expires):
    ban(expires)

    with django_assert_num_queries(1):
        response = alice.get(alice.tasks_url)

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert response.json()["detail"] == "Invalid token: its user is banned"


@pytest.mark.parametrize(
    ("banned", "expires"),
    [(True, "2001-01-01T00:00:00.000Z"), (False, None), (None, None), (False, "2999-01-01T00:00Z")],
)
def test_a_user_whose_ban_is_over_is_not_refused(required, ban, alice, banned, expires):
    ban(expires, banned)

    assert alice.get(alice.tasks_url).status_code == 200


WEST = timezone(-timedelta(hours=2))


@pytest.mark.parametrize("form", [lambda time: time, datetime.isoformat], ids=["timestamp", "text"])
@pytest.mark.parametrize("zone", [UTC, WEST, None])
def test_the_time_of_a_ban_is_read_in_its_zone_and_in_utc_without_one(form, zone):
    now = datetime.now(zone or UTC).replace(tzinfo=zone)

    assert is_past(form(now - timedelta(minutes=5)))
    assert not is_past(form(now + timedelta(minutes=5)))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pool")
@pytest.mark.django_db(transaction=True)
def test_the_connection_is_in_the_pool_again_before_the_body_is_read(make_users):
    make_users(alice="alice@example.com")

    assert find_user("alice") is not None
    assert connection.connection is None


@pytest.mark.parametrize("user_id", ["Alice", " alice", "alic", "alice%", "%", "' OR '1'='1", "ALICE"])
def test_the_user_id_is_compared_exactly(required, make_users, client_for, user_id):
    make_users(alice="alice@example.com")

    assert client_for(user_id).get("/api/tasks").status_code == 401


@pytest.mark.parametrize(
    ("id_type", "user_id", "others"),
    [
        ("uuid", UUID, [UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}", "alice", "7"]),
        ("integer", "7", ["07", "+7", "7.0", "8", "alice", UUID, "9" * 40]),
    ],
)
def test_ids_of_other_types_are_compared_as_text(required, make_users, client_for, id_type, user_id, others):
    make_users(id_type, **{user_id: "alice@example.com"})

    assert client_for(user_id).get("/api/tasks").status_code == 200
    assert {client_for(other).get("/api/tasks").status_code for other in others} == {401}


def test_a_bad_token_needs_no_query(required, client_for):
    assert client_for("alice", token="garbage").get("/api/tasks").status_code == 401


def test_an_unreachable_database_is_503(required, unreachable_database, alice):
    response = alice.get(alice.tasks_url)

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")


@pytest.mark.django_db
def test_without_the_setting_no_user_table_is_needed(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert alice.get(alice.tasks_url).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_start_fails_without_the_user_table(required):
    with pytest.raises(ImproperlyConfigured) as error:
        refuse_to_start_misconfigured()

    assert re.match(
        r'REQUIRE_KNOWN_USER is true, but the table "user" cannot be read: .+ Use the database', str(error.value)
    )
    assert "\n" not in str(error.value)


@pytest.mark.django_db(transaction=True)
def test_the_start_with_the_user_table_leaves_no_connection_open(required, make_users):
    make_users()
    refuse_to_start_misconfigured()

    assert connection.connection is None


def test_the_start_does_not_need_the_database(required, unreachable_database):
    refuse_to_start_misconfigured()


@pytest.mark.django_db(transaction=True)
def test_gunicorn_stops_with_one_line_without_the_user_table(tmp_path):
    with pytest.raises(AssertionError) as log:
        Server(tmp_path, DATABASE_URL=database_of_the_tests(), REQUIRE_KNOWN_USER="true")

    assert "The service does not start: REQUIRE_KNOWN_USER is true" in str(log.value)
    assert "Traceback" not in str(log.value)


@pytest.mark.django_db(transaction=True)
def test_the_database_check_warns_of_a_missing_user_table(required):
    [warning] = [message for message in run_checks(databases=["default"]) if message.id == "todo_api.W001"]

    assert not warning.is_serious()


@pytest.mark.django_db
def test_the_model_needs_no_migration():
    call_command("makemigrations", "todo_api", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("id_type", ["text", "uuid"])
def test_operators_see_the_owners_email_address(operator, make_users, make_task, id_type):
    make_users(id_type, **{UUID: "alice@example.com"})
    make_task(user_id=UUID)
    make_task(user_id="gone")
    page = operator.get("/admin/tasks/task/").content.decode()

    assert re.findall(r'field-owner_email">(.*?)<', page) == ["-", "alice@example.com"]


@pytest.mark.parametrize(
    ("search", "titles"),
    [
        ("alice@example.com", ["milk"]),
        ("ALICE@", ["milk"]),
        (" example.com ", ["bread", "milk"]),
        ("bob", ["bread"]),
        ("bread", ["bread"]),
        ("%", []),
        ("nobody@example.com", []),
        ("", ["of nobody", "bread", "milk"]),
    ],
)
def test_operators_search_by_title_user_and_email_address(operator, make_users, make_task, search, titles):
    make_users(alice="alice@example.com", bob="robert@example.com")
    make_task(user_id="alice", title="milk")
    make_task(user_id="bob", title="bread")
    make_task(user_id="nobody", title="of nobody")

    assert shown(operator.get("/admin/tasks/task/", {"q": search})) == titles


@pytest.mark.parametrize("search", ["", "example"])
def test_a_long_list_takes_no_more_statements(operator, make_users, make_task, search):
    make_users(alice="alice@example.com")
    counts = []
    for _ in range(2):
        make_task()
        with CaptureQueriesContext(connection) as captured:
            operator.get("/admin/tasks/task/", {"q": search})
        counts.append(len(captured))
        for _ in range(10):
            make_task()

    assert counts[0] == counts[1]


def test_operators_change_and_delete_tasks_they_searched_for(operator, make_users, make_task):
    make_users(alice="alice@example.com")
    task = make_task()
    url = "/admin/tasks/task/?q=alice%40example.com"
    operator.post(url, {"action": "mark_completed", "_selected_action": [task.pk]})
    completed = Task.objects.get().completed
    operator.post(url, {"action": "delete_selected", "_selected_action": [task.pk], "post": "yes"})

    assert (completed, Task.objects.count()) == (True, 0)


def test_operators_can_edit_a_task(operator, make_users, make_task):
    make_users()

    assert operator.get(f"/admin/tasks/task/{make_task().pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("required", "shows"), [("true", "TaskWithOwnerAdmin"), ("false", "TaskAdmin"), (None, "TaskAdmin")]
)
def test_the_setting_decides_which_task_admin_is_used(required, shows):
    program = (
        "from django.contrib import admin; from tasks.models import Task; print(type(admin.site.get_model_admin(Task)))"
    )
    result = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", program],
        cwd=settings.BASE_DIR, env=clean_environment(REQUIRE_KNOWN_USER=required), capture_output=True, text=True,
    )  # fmt: skip

    assert f"admin.{shows}'" in result.stdout, result.stderr


def test_a_foreign_path_needs_no_query(required, make_users, alice, django_assert_num_queries):
    make_users(alice="alice@example.com")

    with django_assert_num_queries(0):
        assert alice.get("/api/bob/tasks").status_code == 403

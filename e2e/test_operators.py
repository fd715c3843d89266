"""Operators and developers at the service's own pages: the admin, Swagger UI and DRF's browsable API."""

import subprocess
import sys

import psycopg
import pytest
from django.conf import settings
from playwright.sync_api import expect

from e2e.people import Person
from e2e.processes import BetterAuth, Service

OPERATOR = {"USERNAME": "operator", "PASSWORD": "an operator's password", "EMAIL": "operator@example.com"}
WEEKS = [f"Report of week {week}" for week in range(1, 13)]


@pytest.fixture(scope="module")
def users_and_tasks(new_database):
    """A database that Better Auth and the service share, as the admin's search by e-mail needs it."""
    return new_database("operators")


@pytest.fixture(scope="module")
def better_auth(logs, users_and_tasks):
    with BetterAuth(logs, JWT_ALGORITHM="EdDSA", DATABASE_URL=users_and_tasks).running() as better_auth:
        yield better_auth


@pytest.fixture(scope="module")
def service(logs, settings_for, users_and_tasks, better_auth):
    """Without TLS, an operator's session needs DEBUG."""
    variables = settings_for(better_auth) | {"DATABASE_URL": users_and_tasks, "REQUIRE_KNOWN_USER": "true"}
    with Service(logs, DEBUG="true", **variables).running() as service:
        yield service


@pytest.fixture
def bob(better_auth):
    return Person(better_auth, "bob")


@pytest.fixture
def alice(service, better_auth, users_and_tasks, bob):
    """She has written a report each week, and Bob has painted. There are no other tasks."""
    with psycopg.connect(users_and_tasks) as database:
        database.execute("TRUNCATE tasks RESTART IDENTITY")
    alice = Person(better_auth, "alice")
    token = alice.token()
    for week in WEEKS:
        service.call(token, "POST", alice.path, {"title": week})
    service.call(bob.token(), "POST", bob.path, {"title": "Paint the fence", "priority": "high"})
    return alice


@pytest.fixture(scope="module")
def operator(service):
    variables = {f"DJANGO_SUPERUSER_{name}": value for name, value in OPERATOR.items()}
    command = [sys.executable, "manage.py", "createsuperuser", "--noinput"]
    environment = service.environment() | variables
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def admin(service, operator, new_page):
    """The admin's page for an operator who has signed in."""
    page = new_page(viewport={"width": 1440, "height": 800})
    page.goto(f"{service.url}/admin/")
    page.get_by_label("Username").fill(OPERATOR["USERNAME"])
    page.get_by_label("Password").fill(OPERATOR["PASSWORD"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("row").get_by_role("link", name="Tasks", exact=True).click()
    page.get_by_role("button", name="Toggle navigation").click()
    return page


def search(admin, words):
    admin.get_by_role("textbox", name="Search").fill(words)
    admin.get_by_role("button", name="Search").click()


def test_an_operator_marks_ten_tasks_completed(service, alice, admin, picture):
    search(admin, "report week")
    rows = admin.locator("#result_list tbody tr")
    expect(rows).to_have_count(12)
    for row in rows.all()[:10]:
        row.get_by_role("checkbox").check()

    admin.get_by_label("Action:").select_option("Mark completed")
    admin.get_by_role("button", name="Go").click()

    expect(admin.get_by_role("listitem").filter(has_text="10 changed to completed.")).to_be_visible()
    picture(admin, "admin")
    completed = service.call(alice.token(), "GET", f"{alice.path}?status=completed").json()
    assert [task["title"] for task in completed] == WEEKS[2:]


def test_an_operator_finds_tasks_by_their_owners_address(alice, bob, admin):
    search(admin, bob.account["email"].partition(".")[0])

    expect(admin.locator("#result_list tbody tr")).to_have_count(1)
    expect(admin.locator("#result_list")).to_contain_text("Paint the fence")


def test_an_operator_edits_a_task(service, alice, admin):
    admin.get_by_role("link", name=WEEKS[0], exact=True).click()
    admin.get_by_label("Title:").fill("Read it again")
    admin.get_by_role("button", name="Save", exact=True).click()

    expect(admin.get_by_role("listitem").filter(has_text="was changed successfully")).to_be_visible()
    titles = [task["title"] for task in service.call(alice.token(), "GET", alice.path).json()]
    assert titles == ["Read it again", *WEEKS[1:]]


def test_every_page_of_the_admin_obeys_its_policy(service, alice, admin):
    """The fixture of the page fails the test for what the policy blocks."""
    for path in ("", "tasks/task/add/", "tasks/task/1/change/", "tasks/task/1/delete/", "tasks/task/1/history/",
                 "auth/user/add/", "auth/user/1/change/", "auth/user/1/password/", "auth/group/add/",
                 "password_change/"):  # fmt: skip
        assert admin.goto(f"{service.url}/admin/{path}").status == 200
        admin.wait_for_load_state("networkidle")
    admin.goto(f"{service.url}/admin/auth/group/add/")
    admin.get_by_role("link", name="Choose all permissions").or_(
        admin.get_by_role("button", name="Choose all permissions")
    ).first.click()  # a script of the admin works

    expect(admin.locator("#id_permissions_to option").first).to_be_attached()


def test_a_visitor_reads_the_start_page_and_redoc(service, new_page):
    page = new_page()
    page.goto(service.url)
    page.get_by_role("main").get_by_role("link", name="Reference").click()

    expect(page.get_by_role("heading", name="Task API").first).to_be_visible()
    expect(page.locator("#redoc")).to_contain_text("/api/tasks/{id}")


def test_a_developer_creates_a_task_in_swagger_ui(service, alice, new_page, picture):
    page = new_page(viewport={"width": 1100, "height": 1330})
    page.goto(f"{service.url}/docs")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(alice.token())
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()

    operation = page.locator("[id$='-tasks_create']")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table .response-col_status").last).to_contain_text("201")
    operation.evaluate("(element) => element.scrollIntoView()")
    picture(page, "swagger")
    assert len(service.call(alice.token(), "GET", alice.path).json()) == len(WEEKS) + 1


def test_a_developer_sees_tasks_in_the_browsable_api(service, alice, new_page):
    page = new_page()
    page.goto(f"{service.url}/api/tasks")
    page.get_by_label("JWT").fill(alice.token())
    page.get_by_role("button", name="Use this token").click()

    expect(page.locator(".token")).to_contain_text(alice.id)
    expect(page.locator("main")).to_contain_text("Report of week 12")
    expect(page.locator("main")).not_to_contain_text("Paint the fence")

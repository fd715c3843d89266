"""A deleted account leaves no task: the front end of examples/nextjs with the service, in a browser."""

import psycopg
import pytest
import requests
from playwright.sync_api import expect

from e2e.people import PASSWORD, Visitor, new_account
from e2e.processes import ALGORITHMS, API_PORT, FRONT_END_PORT, FrontEnd, Service, build_front_end
from e2e.test_accessibility import CLEAN, in_both_schemes

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end

UNREACHABLE = "The account was not deleted. The task service cannot be reached. Try again in a moment."


class Account:
    """A session with Better Auth, and what the databases hold of its user."""

    def __init__(self, front_end, database_url, action, **account):
        self.url, self.database_url, self.account = f"{front_end.url}/api/auth", database_url, account
        self.session = requests.Session()
        self.session.headers["Origin"] = front_end.url
        self.id = self.post(f"/{action}/email", account).json()["user"]["id"]

    def post(self, path, body):
        return self.session.post(self.url + path, json=body, timeout=20)

    def execute(self, statement):
        with psycopg.connect(self.database_url) as database:
            cursor = database.execute(statement, [self.id])
            return cursor.fetchall() if cursor.description else None

    def add_tasks(self, count):
        self.execute(f"INSERT INTO tasks (user_id, title) SELECT %s, 'Buy milk' FROM generate_series(1, {count})")
        return self

    @property
    def tasks(self):
        return self.execute("SELECT count(*) FROM tasks WHERE user_id = %s")[0][0]

    @property
    def exists(self):
        return bool(self.execute('SELECT 1 FROM "user" WHERE id = %s'))

    def can_sign_in(self):
        return self.post("/sign-in/email", self.account).ok


@pytest.fixture(scope="module")
def url(new_database):
    """The database of the service and of Better Auth."""
    return new_database("accounts")


@pytest.fixture(scope="module", params=ALGORITHMS)
def front_end(url, logs, request):
    build_front_end()
    with FrontEnd(logs, FRONT_END_PORT, TOKEN_MODE=request.param, DATABASE_URL=url).running() as front_end:
        yield front_end


@pytest.fixture(scope="module")
def service(front_end, url, logs):
    """A service that knows the users. It refuses the token of a deleted user, so the tasks have to be deleted first."""
    variables = {"BETTER_AUTH_URL": front_end.url, "CORS_ORIGINS": front_end.url, "DATABASE_URL": url}
    variables |= {"JWT_ALGORITHM": ALGORITHMS[front_end.variables["TOKEN_MODE"]], "REQUIRE_KNOWN_USER": "true"}
    with Service(logs, API_PORT, **variables).running() as service:
        yield service


@pytest.fixture
def sign_up(front_end, service, url):
    """`sign_up("Bob")`: the account of a user without a browser."""

    return lambda name: Account(front_end, url, "sign-up", **new_account(name))


@pytest.fixture
def bob(sign_up):
    return sign_up("Bob").add_tasks(2)


@pytest.fixture
def admin(sign_up):
    admin = sign_up("Admin")
    admin.execute("UPDATE \"user\" SET role = 'admin' WHERE id = %s")
    return admin


@pytest.fixture
def visitor(new_page, front_end, service):
    """A user who has signed up in a browser."""
    return Visitor(new_page(), front_end, "Alice").open()


@pytest.fixture
def alice(visitor, front_end, url):
    """The account of `visitor`."""
    return Account(front_end, url, "sign-in", email=visitor.account["email"], password=PASSWORD)


@pytest.fixture
def deleted(visitor):
    """The heading of the page that follows the deletion."""
    return visitor.page.get_by_role("heading", name="Your account is deleted")


def delete_account(page, password=PASSWORD):
    """Use the page with the keyboard alone."""
    page.get_by_role("link", name="Account").press("Enter")
    page.get_by_label("Password").press_sequentially(password)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Delete account")).to_be_focused()
    page.keyboard.press("Enter")


def test_a_user_deletes_the_account_with_all_tasks(visitor, alice, bob, deleted, picture):
    visitor.add("Call the dentist")
    visitor.sees("Call the dentist")
    alice.add_tasks(1000)  # one request deletes 1,000

    delete_account(visitor.page)

    expect(deleted).to_be_focused()
    picture(visitor.page, "account-deleted")
    assert (alice.tasks, alice.can_sign_in()) == (0, False)
    assert (bob.tasks, bob.can_sign_in()) == (2, True)


with_key_set = pytest.mark.parametrize("front_end", ["jwks"], indirect=True)


@with_key_set
def test_nothing_is_deleted_while_the_service_is_down(visitor, alice, service, deleted, picture):
    visitor.add("Call the dentist")
    visitor.sees("Call the dentist")
    with service.stopped():
        delete_account(visitor.page)
        expect(visitor.alert).to_have_text(UNREACHABLE)
        picture(visitor.page, "account")
        assert in_both_schemes(visitor.page) == CLEAN

    assert (alice.tasks, alice.can_sign_in()) == (1, True)
    visitor.page.keyboard.press("Enter")  # the button still has the focus

    expect(deleted).to_be_visible()
    assert (alice.tasks, alice.exists) == (0, False)


@with_key_set
def test_a_wrong_password_deletes_nothing(visitor, alice):
    alice.add_tasks(1)

    delete_account(visitor.page, "wrong")

    expect(visitor.alert).to_have_text("Invalid password")
    assert (alice.tasks, alice.can_sign_in()) == (1, True)


@with_key_set
def test_an_administrator_removes_a_user_with_all_tasks(admin, bob):
    assert bob.post("/admin/remove-user", {"userId": admin.id}).status_code == 403
    assert admin.post("/admin/remove-user", {"userId": bob.id}).ok

    assert (bob.tasks, bob.exists, admin.exists) == (0, False, True)


@with_key_set
def test_an_administrator_repeats_a_removal_that_failed(admin, bob, service):
    with service.stopped():
        response = admin.post("/admin/remove-user", {"userId": bob.id})
    assert (response.status_code, response.json()["message"]) == (503, UNREACHABLE)
    assert (bob.tasks, bob.exists) == (2, True)

    assert admin.post("/admin/remove-user", {"userId": bob.id}).ok
    assert (bob.tasks, bob.exists) == (0, False)


@with_key_set
def test_a_banned_user_is_unbanned_before_a_removal(admin, bob):
    assert admin.post("/admin/ban-user", {"userId": bob.id}).ok
    response = admin.post("/admin/remove-user", {"userId": bob.id})
    assert "its user is banned" in response.json()["message"]

    assert admin.post("/admin/unban-user", {"userId": bob.id}).ok
    assert admin.post("/admin/remove-user", {"userId": bob.id}).ok
    assert (bob.tasks, bob.exists) == (0, False)

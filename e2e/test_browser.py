"""The front end of examples/nextjs with the service, in a browser."""

import pytest
from playwright.sync_api import Error, expect

from e2e.people import Visitor
from e2e.processes import API_PORT, FRONT_END_PORT, FrontEnd, Service, build_front_end, wait_until

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end

NO_TASK_SERVICE = "The task service cannot be reached."
NO_SIGN_IN_SERVICE = "The sign-in service cannot be reached."
ALGORITHMS = {"jwks": "EdDSA", "hs256": "HS256"}  # of the front end's TOKEN_MODE


@pytest.fixture(scope="session")
def built():
    build_front_end()


@pytest.fixture
def tokens():
    """The front end's variables for tokens. A test can override this fixture."""
    return {"TOKEN_MODE": "jwks"}


@pytest.fixture
def front_end(built, start, tokens):
    return start(FrontEnd, FRONT_END_PORT, **tokens)


@pytest.fixture
def service(start, database_url, front_end, tokens):
    variables = {"BETTER_AUTH_URL": front_end.url, "CORS_ORIGINS": front_end.url, "DATABASE_URL": database_url}
    return start(Service, API_PORT, JWT_ALGORITHM=ALGORITHMS[tokens["TOKEN_MODE"]], JWT_LEEWAY="0", **variables)


@pytest.fixture
def visitor(new_page, service, front_end):
    """`visitor("Alice")`: a user who has signed up."""
    return lambda name: Visitor(new_page(), front_end, name).sign_up()


@pytest.fixture
def alice(visitor):
    return visitor("Alice")


def wait_until_expired(token, service):
    wait_until(lambda: service.call(token, "GET", "/api/tasks").status_code == 401)


@pytest.mark.parametrize("tokens", [{"TOKEN_MODE": mode} for mode in ALGORITHMS])
def test_a_user_works_with_tasks(alice):
    alice.add("Buy milk")
    alice.add("Call the dentist", "High")
    alice.sees("Call the dentist", "Buy milk")

    alice.press("Edit Buy milk")
    alice.fill("Title", "Buy oat milk")
    alice.fill("Description", "Two litres")
    alice.press("Save")
    alice.sees("Call the dentist", "Buy oat milk")
    alice.page.get_by_role("checkbox", name="Complete Buy oat milk").click()
    alice.press("Delete Call the dentist")
    alice.sees("Buy oat milk")
    alice.press("Undo")

    alice.sees("Call the dentist", "Buy oat milk")
    alice.page.reload()
    expect(alice.page.get_by_role("checkbox", name="Complete Buy oat milk")).to_be_checked()
    expect(alice.page.get_by_role("listitem").last).to_contain_text("Two litres")


TASKS = {"Buy milk": "Low", "Call the dentist": "High", "Water the plants": "Medium", "Buy stamps": "High"}


@pytest.fixture
def tasks(alice):
    """Titles of different tasks, newest first."""
    for title, priority in TASKS.items():
        alice.add(title, priority)
        expect(alice.page.get_by_role("checkbox", name=f"Complete {title}")).to_be_visible()
    alice.page.get_by_role("checkbox", name="Complete Water the plants").click()
    expect(alice.page.get_by_role("status")).to_contain_text("Completed “Water the plants”.")
    return list(reversed(TASKS))


def test_a_user_finds_tasks(alice, tasks, picture):
    alice.sees(*tasks)
    picture(alice.page, "frontend")

    alice.fill("Search", "buy")
    alice.sees("Buy stamps", "Buy milk")
    alice.page.get_by_role("combobox", name="Sort").select_option("Oldest")
    alice.sees("Buy milk", "Buy stamps")
    alice.page.get_by_role("combobox", name="Sort").select_option("Priority")
    alice.sees("Buy stamps", "Buy milk")
    alice.page.get_by_role("combobox", name="Priority").select_option("Low")
    alice.sees("Buy milk")


def test_the_page_fits_a_phone(alice, tasks, picture):
    alice.page.set_viewport_size({"width": 360, "height": 780})
    alice.sees(*tasks)
    picture(alice.page, "frontend-phone")

    assert alice.page.evaluate("document.documentElement.scrollWidth") == 360
    for button in ("Add", "Sign out", "Delete Call the dentist"):
        alice.page.get_by_role("button", name=button).click(trial=True)


def test_text_that_is_typed_during_a_save_stays(alice):
    held = []
    alice.page.route(
        "**/tasks", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    with alice.page.expect_request(lambda request: request.method == "POST"):
        alice.add("Buy milk")
    alice.fill("New task", "Call the dentist")

    held[0].continue_()

    alice.sees("Buy milk")
    expect(alice.page.get_by_label("New task")).to_have_value("Call the dentist")


def test_two_users_see_only_their_own_tasks(visitor, picture):
    alice, bob = visitor("Alice"), visitor("Bob")

    alice.add("Buy milk")
    bob.add("Paint the fence")
    alice.sees("Buy milk")
    bob.sees("Paint the fence")

    for person, title in ((alice, "Buy milk"), (bob, "Paint the fence")):
        person.press("Sign out")
        expect(person.page.get_by_role("button", name="Sign in")).to_be_enabled()
        picture(person.page, "sign-in")
        person.sign_in().sees(title)


def test_the_next_user_of_a_browser_sees_no_tasks_of_the_last(alice, front_end):
    alice.add("Buy milk")
    alice.sees("Buy milk")
    alice.press("Sign out")
    expect(alice.page.get_by_role("button", name="Sign in")).to_be_enabled()

    Visitor(alice.page, front_end, "Bob").sign_up().sees()


def test_the_browser_refuses_the_page_of_an_unknown_origin(start, alice, service, new_page):
    script = "([url, token]) => fetch(url, {headers: {Authorization: `Bearer ${token}`}}).then(({status}) => status)"
    url = f"{service.url}/api/tasks"
    alice.sees()
    other_front_end = start(FrontEnd)
    other_page = new_page()
    other_page.goto(other_front_end.url + FrontEnd.ready)
    preflights = service.methods_for("none")  # CORS answers before the route is known

    with pytest.raises(Error, match="Failed to fetch"):
        other_page.evaluate(script, [url, alice.tokens[-1]])

    assert service.methods_for("none") == [*preflights, "OPTIONS"]
    assert service.methods_for("/api/tasks") == []
    assert alice.page.evaluate(script, [url, alice.tokens[-1]]) == 200


@pytest.mark.parametrize("tokens", [{"TOKEN_MODE": "jwks", "TOKEN_EXPIRES_IN": "4s"}])
@pytest.mark.parametrize("clock_goes_back", [False, True])  # then the token looks valid to the page
def test_an_expired_token_is_renewed_without_a_message(alice, service, clock_goes_back):
    alice.sees()
    if clock_goes_back:
        alice.page.clock.set_fixed_time(alice.page.evaluate("Date.now() / 1000 - 60"))
    wait_until_expired(alice.tokens[-1], service)
    before = len(alice.statuses)

    alice.add("Buy milk")

    alice.sees("Buy milk")
    assert alice.statuses[before:].count(401) == clock_goes_back


def test_the_page_recovers_from_an_outage_of_the_service(alice, service, picture):
    alice.sees()
    service.stop()
    alice.add("Buy milk")
    expect(alice.alert).to_contain_text(f"{NO_TASK_SERVICE} 1 change waits for the network.")
    picture(alice.page, "error")

    service.start()
    alice.returns()

    alice.sees("Buy milk")


def test_the_page_opens_during_an_outage_of_the_service(alice, service):
    alice.add("Buy milk")
    alice.sees("Buy milk")
    service.stop()
    alice.page.reload()
    expect(alice.page.get_by_role("heading", name="Your tasks")).to_be_visible()
    expect(alice.alert).to_contain_text(NO_TASK_SERVICE)

    service.start()
    alice.returns()

    alice.sees("Buy milk")


@pytest.mark.parametrize("tokens", [{"TOKEN_MODE": "jwks", "TOKEN_EXPIRES_IN": "1s"}])
def test_the_page_recovers_from_an_outage_of_better_auth(alice, service, front_end):
    alice.sees()
    front_end.stop()
    wait_until_expired(alice.tokens[-1], service)
    alice.add("Buy milk")
    expect(alice.alert).to_contain_text(NO_SIGN_IN_SERVICE)

    front_end.start()
    alice.returns()

    alice.sees("Buy milk")


@pytest.mark.parametrize("tokens", [{"TOKEN_MODE": "jwks", "TOKEN_EXPIRES_IN": "1s"}])
def test_an_expired_session_leads_to_the_sign_in_and_loses_nothing(alice, service):
    alice.sees()
    alice.page.context.clear_cookies()
    wait_until_expired(alice.tokens[-1], service)

    alice.add("Buy milk")
    expect(alice.alert).to_contain_text("Your session has ended. What you typed is kept on this device.")
    alice.page.get_by_role("link", name="Sign in again").click()

    expect(alice.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    alice.sign_in().sees("Buy milk")

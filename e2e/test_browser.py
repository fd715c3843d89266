"""The front end of examples/nextjs with the service, in a browser: accounts, tokens, origins and outages."""

import pytest
from playwright.sync_api import Error, expect

from e2e.people import Visitor, wait_until_expired, with_tokens
from e2e.processes import FrontEnd

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end

NO_TASK_SERVICE = "The task service cannot be reached."
NO_SIGN_IN_SERVICE = "The sign-in service cannot be reached."


def test_a_user_finds_tasks(alice):
    for title, priority in {"Buy milk": "Low", "Call the dentist": "High", "Buy stamps": "High"}.items():
        alice.add(title, priority)
    alice.sees("Buy stamps", "Call the dentist", "Buy milk")

    alice.page.get_by_label("Search").fill("buy")
    alice.sees("Buy stamps", "Buy milk")
    alice.page.get_by_role("combobox", name="Sort").select_option("Oldest")
    alice.sees("Buy milk", "Buy stamps")
    alice.page.get_by_role("combobox", name="Sort").select_option("Priority")
    alice.sees("Buy stamps", "Buy milk")
    alice.page.get_by_role("combobox", name="Priority").select_option("Low")
    alice.sees("Buy milk")


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
    alice.page.goto(alice.front_end.url + FrontEnd.ready)  # the list would send requests of its own
    other_front_end = start(FrontEnd)
    other_page = new_page()
    other_page.goto(other_front_end.url + FrontEnd.ready)
    before = service.methods_for("none"), service.methods_for("/api/tasks")

    with pytest.raises(Error, match="Failed to fetch"):
        other_page.evaluate(script, [url, alice.tokens[-1]])

    preflights, requests = before  # CORS answers a preflight before the route is known
    assert service.methods_for("none") == [*preflights, "OPTIONS"]
    assert service.methods_for("/api/tasks") == requests
    assert alice.page.evaluate(script, [url, alice.tokens[-1]]) == 200


def test_the_page_recovers_from_an_outage_of_the_service(alice, service, picture):
    alice.sees()
    with service.stopped():
        alice.add("Buy milk")
        expect(alice.alert).to_contain_text(f"{NO_TASK_SERVICE} 1 change waits for the network.")
        picture(alice.page, "error")

    alice.returns()

    alice.sees("Buy milk")


def test_the_page_opens_during_an_outage_of_the_service(alice, service):
    alice.add("Buy milk")
    alice.sees("Buy milk")
    with service.stopped():
        alice.go()
        expect(alice.alert).to_contain_text(NO_TASK_SERVICE)
        alice.shows("Buy milk")

    alice.returns()

    alice.sees("Buy milk")


@with_tokens(None, {"TOKEN_MODE": "hs256"})
def test_a_user_works_with_tasks(alice):
    alice.add("Buy milk")
    alice.add("Call the dentist", "High")
    alice.sees("Call the dentist", "Buy milk")

    alice.edit("Buy milk", Title="Buy oat milk", Description="Two litres")
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


@with_tokens({"TOKEN_EXPIRES_IN": "4s"})
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


@with_tokens({"TOKEN_EXPIRES_IN": "1s"})
def test_the_page_recovers_from_an_outage_of_better_auth(alice, service, front_end):
    alice.sees()
    with front_end.stopped():
        wait_until_expired(alice.tokens[-1], service)
        alice.add("Buy milk")
        expect(alice.alert).to_contain_text(f"{NO_SIGN_IN_SERVICE} 1 change waits for the network.")

    alice.returns()

    alice.sees("Buy milk")

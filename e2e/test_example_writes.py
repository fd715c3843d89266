"""The example loses no write: in a browser, with the service, while responses are lost or late."""

import pytest
from playwright.sync_api import expect

from e2e.people import wait_until_expired, with_tokens
from e2e.processes import wait_until

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end

DETAILS = {"Due date": "2031-02-01T18:00", "Tags": "home, shop", "Description": "Two litres"}


def test_a_create_whose_response_is_lost_makes_one_task(alice):
    keys, lost = [], []

    def lose_the_first_response(route):
        if route.request.method == "POST":
            keys.append(route.request.headers.get("idempotency-key") or route.request.post_data_json["client_id"])
        if keys and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    alice.page.route("**/tasks", lose_the_first_response)

    alice.add("Buy milk")

    alice.sees("Buy milk")
    assert (lost, len(keys), len(set(keys))) == ([201], 2, 1)
    assert [task["title"] for task in alice.call("GET")] == ["Buy milk"]


def test_undo_restores_the_same_task(alice):
    alice.add("Buy milk", "High", **DETAILS)
    alice.page.get_by_role("checkbox", name="Complete Buy milk").click()
    alice.sees("Buy milk")
    [task] = alice.call("GET")

    alice.press("Delete Buy milk")
    alice.shows()
    alice.press("Undo")

    alice.sees("Buy milk")
    assert alice.call("GET") == [task]
    assert (task["completed"], task["tags"], task["priority"]) == (True, ["home", "shop"], "high")


def test_a_delete_is_sent_when_undo_ends(alice):
    alice.page.clock.install()
    alice.go()
    alice.add("Buy milk")
    alice.sees("Buy milk")
    alice.press("Delete Buy milk")
    expect(alice.page.get_by_role("button", name="Undo")).to_be_visible()
    alice.has_saved()

    alice.page.clock.fast_forward(15_000)

    expect(alice.page.get_by_role("button", name="Undo")).to_have_count(0)
    wait_until(lambda: alice.call("GET") == [])


@pytest.fixture
def held(alice):
    """Requests that create a task, while nothing answers them."""
    requests = []
    alice.page.clock.install()
    alice.go()
    alice.page.route(
        "**/tasks", lambda route: requests.append(route) if route.request.method == "POST" else route.continue_()
    )
    return requests


def test_a_slow_request_is_never_silent(alice, held):
    with alice.page.expect_request(lambda request: request.method == "POST"):
        alice.add("Buy milk")
    alice.shows("Buy milk")
    expect(alice.status).to_contain_text("Saving …")
    expect(alice.page.locator("[aria-busy=true]")).to_have_count(1)

    alice.page.clock.fast_forward(5_000)
    expect(alice.status).to_contain_text("The task service answers slowly.")
    held[0].continue_()

    alice.sees("Buy milk")
    expect(alice.page.locator("[aria-busy=true]")).to_have_count(0)


def test_a_request_without_a_response_ends_after_a_time(alice, held):
    with alice.page.expect_request(lambda request: request.method == "POST"):
        alice.add("Buy milk")
    expect(alice.status).to_contain_text("Saving …")

    alice.page.clock.fast_forward(10_000)

    expect(alice.alert).to_contain_text("The task service did not answer in time. 1 change waits for the network.")
    alice.page.unroute("**/tasks")
    alice.returns()
    alice.sees("Buy milk")


def test_text_that_is_typed_during_a_save_stays(alice, held):
    with alice.page.expect_request(lambda request: request.method == "POST"):
        alice.add("Buy milk")
    alice.page.get_by_label("New task").fill("Call the dentist")

    held[0].continue_()

    alice.sees("Buy milk")
    expect(alice.page.get_by_label("New task")).to_have_value("Call the dentist")


def test_without_a_network_changes_wait_and_are_sent_later(alice):
    alice.add("Buy milk")
    alice.sees("Buy milk")
    alice.page.context.set_offline(True)

    alice.add("Call the dentist")
    expect(alice.alert).to_contain_text("You are offline. 1 change waits for the network.")
    alice.page.get_by_role("checkbox", name="Complete Buy milk").click()
    expect(alice.alert).to_contain_text("2 changes wait for the network.")
    alice.page.context.set_offline(False)

    alice.sees("Call the dentist", "Buy milk")
    assert [(task["title"], task["completed"]) for task in alice.call("GET")] == [
        ("Buy milk", True),
        ("Call the dentist", False),
    ]


@with_tokens({"TOKEN_EXPIRES_IN": "1s"})
def test_an_ended_session_keeps_what_was_typed(alice, service):
    alice.sees()
    alice.page.context.clear_cookies()
    wait_until_expired(alice.tokens[-1], service)
    alice.add("Buy milk")
    alice.page.get_by_label("New task").fill("Call the dentist")
    expect(alice.alert).to_contain_text("Your session has ended. What you typed is kept on this device.")
    expect(alice.alert).to_contain_text("1 change waits for your sign-in.")

    alice.page.get_by_role("link", name="Sign in again").click()
    alice.sign_in()

    alice.sees("Buy milk")
    expect(alice.page.get_by_label("New task")).to_have_value("Call the dentist")

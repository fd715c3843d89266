"""Several tabs, devices and people of one browser: the example shows each person the newest of their own tasks."""

import jwt
import pytest
from playwright.sync_api import expect

from e2e.people import Visitor

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end


@pytest.fixture
def task(alice):
    """A task of Alice, as the service answers it."""
    alice.add("Buy milk")
    alice.sees("Buy milk")
    [task] = alice.call("GET")
    return task


@pytest.fixture
def other_tab(alice, task):
    tab = alice.tab()
    tab.sees("Buy milk")
    return tab


def test_tabs_follow_each_other(alice, other_tab):
    alice.add("Call the dentist")
    other_tab.sees("Call the dentist", "Buy milk")

    other_tab.page.get_by_role("checkbox", name="Complete Buy milk").click()

    expect(alice.page.get_by_role("checkbox", name="Complete Buy milk")).to_be_checked()


def test_a_tab_looks_for_changes_when_it_is_shown(alice, task):
    alice.call("PATCH", f"/{task['id']}", {"title": "Buy oat milk"})

    alice.returns()

    alice.sees("Buy oat milk")


def test_different_fields_of_two_tabs_merge(alice, other_tab):
    alice.edit("Buy milk", Title="Buy oat milk")
    other_tab.edit("Buy milk", Description="Two litres")

    alice.press("Save")
    alice.sees("Buy oat milk")
    other_tab.press("Save")

    other_tab.sees("Buy oat milk")
    alice.sees("Buy oat milk")
    [merged] = alice.call("GET")
    assert (merged["title"], merged["description"]) == ("Buy oat milk", "Two litres")


ANSWERS = [("Keep mine", "Buy soy milk"), ("Keep theirs", "Buy oat milk")]


@pytest.mark.parametrize(("answer", "title"), ANSWERS)
def test_the_same_field_of_two_tabs_is_the_persons_choice(alice, other_tab, answer, title):
    alice.edit("Buy milk", Title="Buy oat milk")
    other_tab.edit("Buy milk", Title="Buy soy milk")

    alice.press("Save")
    alice.sees("Buy oat milk")
    expect(other_tab.question("also changed elsewhere")).to_contain_text("Buy soy milk")
    expect(other_tab.question("also changed elsewhere")).to_contain_text("Buy oat milk")
    other_tab.press(answer)
    other_tab.press("Save")

    other_tab.sees(title)
    alice.sees(title)
    assert [task["title"] for task in alice.call("GET")] == [title]


@pytest.mark.parametrize(("answer", "title"), ANSWERS)
def test_the_same_field_of_two_devices_is_the_persons_choice(alice, task, answer, title):
    alice.page.context.set_offline(True)
    alice.edit("Buy milk", Title="Buy soy milk")
    alice.press("Save")
    alice.shows("Buy soy milk")
    alice.call("PATCH", f"/{task['id']}", {"title": "Buy oat milk", "priority": "high"})

    alice.page.context.set_offline(False)
    expect(alice.question("also changed elsewhere")).to_be_visible()
    alice.press(answer)

    alice.sees(title)
    [kept] = alice.call("GET")
    assert (kept["title"], kept["priority"]) == (title, "high")


def test_a_task_that_is_deleted_elsewhere_disappears_with_a_notice(alice, task):
    alice.call("DELETE", f"/{task['id']}")

    alice.returns()

    expect(alice.status).to_contain_text("“Buy milk” was deleted elsewhere.")
    alice.sees()


def test_a_task_that_is_deleted_elsewhere_during_an_edit_keeps_what_was_typed(alice, task):
    alice.edit("Buy milk", Title="Buy oat milk", Description="Two litres")
    alice.call("DELETE", f"/{task['id']}")

    alice.returns()
    expect(alice.question("deleted elsewhere")).to_contain_text("Buy oat milk")
    alice.press("Keep as a new task")

    alice.sees("Buy oat milk")
    [new] = alice.call("GET")
    assert (new["id"] != task["id"], new["title"], new["description"]) == (True, "Buy oat milk", "Two litres")


def test_after_a_sign_out_no_tab_shows_or_requests_the_persons_tasks(alice, other_tab):
    other_tab.page.get_by_label("New task").fill("Call the dentist")
    alice.press("Sign out")
    for tab in (alice, other_tab):
        expect(tab.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    requests = len(other_tab.tokens)

    for tab in (alice, other_tab):
        tab.page.goto(alice.front_end.url)
        expect(tab.page.get_by_role("heading", name="Welcome back")).to_be_visible()
        expect(tab.page.get_by_text("Buy milk")).to_have_count(0)

    assert len(other_tab.tokens) == requests
    assert other_tab.kept_on_the_device() == []


def owners(tokens):
    return {jwt.decode(token, options={"verify_signature": False})["sub"] for token in tokens}


def test_after_another_sign_in_no_tab_shows_or_sends_the_last_persons_tasks(alice, other_tab):
    alice.page.context.route("**/tasks", lambda route: route.abort())
    other_tab.add("Call the dentist")  # this waits in the browser
    other_tab.shows("Call the dentist", "Buy milk")

    bob = Visitor(alice.page, alice.front_end, "Bob").sign_up()
    expect(other_tab.page.get_by_role("link", name="Account of Bob")).to_be_visible()
    bob.tokens.clear()
    other_tab.tokens.clear()
    alice.page.context.unroute("**/tasks")
    other_tab.add("Paint the fence")

    for tab in (bob, other_tab):
        tab.sees("Paint the fence")
    assert [task["title"] for task in bob.call("GET")] == ["Paint the fence"]
    assert owners(bob.tokens + other_tab.tokens) == {bob.id}

    bob.press("Sign out")
    expect(other_tab.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    expect(alice.page.get_by_role("button", name="Sign in")).to_be_enabled()
    alice.sign_in().sees("Call the dentist", "Buy milk")  # her change has waited for her

"""Every state of the example follows axe-core's rules, light and dark."""

import pytest
from playwright.sync_api import expect

from e2e.test_accessibility import CLEAN, in_both_schemes

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end


@pytest.fixture
def tasks(alice):
    """A task of each kind."""
    alice.add("Buy milk", "High", **{"Due date": "2020-02-01T18:00", "Tags": "home", "Description": "Two litres"})
    alice.add("Call the dentist", "Low")
    alice.add("Water the plants")
    alice.page.get_by_role("checkbox", name="Complete Water the plants").click()
    alice.sees("Water the plants", "Call the dentist", "Buy milk")
    alice.go().sees("Water the plants", "Call the dentist", "Buy milk")  # the form for new tasks is small again


def test_an_empty_list_follows_the_rules_of_axe(alice):
    expect(alice.page.get_by_text("Nothing here yet.")).to_be_visible()

    assert in_both_schemes(alice.page) == CLEAN


def test_a_list_with_an_open_form_an_error_and_undo_follows_the_rules_of_axe(alice, tasks, picture):
    picture(alice.page, "frontend")
    alice.edit("Buy milk", Title=" ")
    alice.press("Save")
    alice.press("Delete Call the dentist")
    expect(alice.page.get_by_role("button", name="Undo")).to_be_visible()
    expect(alice.page.get_by_text("Write a title.")).to_be_visible()

    assert in_both_schemes(alice.page) == CLEAN


def test_a_page_with_questions_about_a_conflict_and_a_deleted_task_follows_the_rules_of_axe(alice, tasks):
    milk, dentist, _ = alice.call("GET")
    alice.edit("Buy milk", Title="Buy oat milk")
    alice.edit("Call the dentist", Title="Call the vet")
    alice.call("PATCH", f"/{milk['id']}", {"title": "Buy soy milk"})
    alice.call("DELETE", f"/{dentist['id']}")
    alice.returns()
    expect(alice.question("also changed elsewhere")).to_be_visible()
    expect(alice.question("was deleted elsewhere")).to_be_visible()

    assert in_both_schemes(alice.page) == CLEAN


def test_a_page_without_a_network_follows_the_rules_of_axe(alice, tasks, picture):
    alice.page.context.set_offline(True)
    alice.add("Buy stamps")
    expect(alice.alert).to_contain_text("1 change waits for the network.")
    picture(alice.page, "frontend-offline")

    assert in_both_schemes(alice.page) == CLEAN


def test_a_question_before_a_sign_out_follows_the_rules_of_axe(alice):
    alice.page.route("**/tasks", lambda route: route.abort())
    alice.add("Buy milk")
    alice.press("Sign out")
    expect(alice.page.get_by_role("button", name="Sign out and lose them")).to_be_visible()

    assert in_both_schemes(alice.page) == CLEAN
    alice.press("Stay signed in")
    alice.page.unroute("**/tasks")
    alice.sees("Buy milk")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up"])
def test_a_form_of_visitors_follows_the_rules_of_axe(service, front_end, new_page, path):
    page = new_page()
    page.goto(front_end.url + path)
    expect(page.get_by_label("Password")).to_be_editable()

    assert in_both_schemes(page) == CLEAN

"""The example's list and forms in a browser: many tasks, due dates, errors, filters, a phone, the keyboard."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end

MANY = """INSERT INTO tasks (user_id, title, completed, created_at)
          SELECT %s, 'Task ' || number, number <= 200, now() - interval '1 minute' * (1200 - number)
          FROM generate_series(1, 1200) AS number"""


def test_every_one_of_1200_tasks_can_be_reached(alice, database_url):
    with psycopg.connect(database_url) as database:
        database.execute(MANY, [alice.id])
    alice.page.reload()
    titles = alice.page.locator("li .title")

    expect(alice.status).to_contain_text("1,200 tasks: 1,000 pending, 200 completed.")
    expect(titles.first).to_have_text("Task 1200")
    while alice.page.get_by_role("button", name="Show 100 more").count():
        alice.press("Show 100 more")

    expect(titles).to_have_count(1200)
    expect(titles.last).to_have_text("Task 1")
    alice.page.get_by_label("Search").fill("task 77")
    expect(alice.status).to_contain_text("21 tasks of 1,200: 19 pending, 2 completed.")
    alice.page.get_by_label("Status").select_option("Completed")
    expect(alice.status).to_contain_text("2 tasks of 1,200: 0 pending, 2 completed.")


def local(time):
    """Return a time as the browser's field has it. The browser's time zone is UTC."""
    return time.strftime("%Y-%m-%dT%H:%M")


def test_due_dates_and_tags_are_shown_in_words(visitor):
    alice, now = visitor("Alice", timezone_id="UTC"), datetime.now(UTC)
    alice.add("Buy milk", Tags="home, shop", **{"Due date": local(now - timedelta(days=1))})
    alice.add("Call the dentist", **{"Due date": local(now + timedelta(days=1))})
    alice.sees("Call the dentist", "Buy milk")

    expect(alice.row("Buy milk")).to_contain_text("Overdue since")
    expect(alice.row("Buy milk")).to_contain_text("Tags: homeshop")
    expect(alice.row("Call the dentist")).to_contain_text("Due ")
    expect(alice.status).to_contain_text("2 tasks: 2 pending, 0 completed, 1 overdue.")
    alice.page.get_by_label("Status").select_option("Overdue")
    alice.shows("Buy milk")
    alice.page.get_by_role("checkbox", name="Complete Buy milk").click()
    alice.shows()


def test_an_error_stands_beside_its_field(alice):
    form = alice.page.get_by_role("form", name="Add a task")
    title, tags = form.get_by_label("New task"), form.get_by_label("Tags")

    alice.add(" ", Tags="x" * 51)

    expect(title).to_be_focused()
    for field, error in ((title, "Write a title."), (tags, "Use at most 50 characters for a tag.")):
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(error)
    expect(title).to_have_attribute("maxlength", "200")
    expect(form.get_by_label("Description")).to_have_attribute("maxlength", "1000")
    alice.add("Buy milk", Tags="home")
    alice.sees("Buy milk")
    expect(title).not_to_have_attribute("aria-invalid", "true")


def test_an_error_of_the_service_stands_beside_its_field(alice):
    alice.add("Buy\0milk")
    title = alice.page.get_by_role("form", name="Correct").get_by_label("Title")

    expect(title).to_have_attribute("aria-invalid", "true")
    expect(title).to_have_accessible_description("Null characters are not allowed.")
    title.fill("Buy milk")
    alice.press("Save")

    alice.sees("Buy milk")


def test_a_half_written_edit_survives_filters_and_a_reload(alice):
    alice.add("Buy milk")
    alice.add("Call the dentist")
    form = alice.edit("Buy milk", Title="Buy oat", Description="Two")

    alice.page.get_by_label("Search").fill("dentist")
    alice.shows("Call the dentist")
    expect(alice.status).to_contain_text("1 unfinished edit of tasks that do not match.")
    alice.page.get_by_label("Search").fill("")
    alice.page.reload()

    expect(form.get_by_label("Title")).to_have_value("Buy oat")
    expect(form.get_by_label("Description")).to_have_value("Two")


def test_each_page_has_a_title_of_its_own(alice):
    alice.add("Buy milk")
    expect(alice.page).to_have_title("Tasks (1 pending)")

    alice.page.get_by_role("link", name="Account of Alice").click()
    expect(alice.page.get_by_role("heading", name="Delete your account")).to_be_visible()
    titles = [alice.page.title()]
    alice.page.context.clear_cookies()
    for path in ("/sign-in", "/sign-up"):
        alice.page.goto(alice.front_end.url + path)
        titles.append(alice.page.title())

    assert titles == ["Your account", "Sign in", "Create an account"]


def test_the_page_fits_a_phone(visitor, picture):
    alice = visitor("Alice", viewport={"width": 360, "height": 780})
    alice.add(
        "Call the dentist and ask whether Thursday suits", "High", **{"Due date": "2020-02-01T18:00", "Tags": "health"}
    )
    alice.add("https://example.com/" + "a" * 180)
    alice.has_saved()
    widths = [alice.page.evaluate("document.documentElement.scrollWidth")]
    alice.go()
    expect(alice.page.get_by_role("listitem")).to_have_count(2)
    picture(alice.page, "frontend-phone")

    alice.edit("Call the dentist and ask whether Thursday suits")
    widths.append(alice.page.evaluate("document.documentElement.scrollWidth"))

    assert widths == [360, 360]
    for button in ("Add", "Sign out", "Save", "Cancel"):
        alice.page.get_by_role("button", name=button, exact=True).click(trial=True)


def test_the_keyboard_alone_is_enough(alice):
    keyboard = alice.page.keyboard
    alice.page.get_by_label("New task").focus()
    keyboard.type("Buy milk")
    keyboard.press("Enter")
    alice.sees("Buy milk")
    alice.tab_to("checkbox", "Complete Buy milk")
    keyboard.press("Space")
    expect(alice.page.get_by_role("checkbox", name="Complete Buy milk")).to_be_checked()

    alice.tab_to("button", "Edit Buy milk")
    keyboard.press("Enter")
    expect(alice.page.get_by_label("Title", exact=True)).to_be_focused()
    keyboard.press("End")
    keyboard.type(" and bread")
    keyboard.press("Enter")
    expect(alice.page.get_by_role("button", name="Edit Buy milk and bread")).to_be_focused()
    alice.tab_to("button", "Delete Buy milk and bread")
    keyboard.press("Enter")
    alice.shows()
    expect(alice.page.get_by_role("heading", name="Your tasks")).to_be_focused()
    alice.tab_to("button", "Undo")
    keyboard.press("Enter")

    alice.sees("Buy milk and bread")

"""Users of the end-to-end tests: one with an HTTP client, and one with a browser."""

import itertools
import re

import pytest
import requests
from playwright.sync_api import expect

from e2e.processes import API_PORT, wait_until

PASSWORD = "correct horse battery"
CREDENTIALS = {"E-mail": "email", "Password": "password"}  # labels of the forms
NUMBERS = itertools.count(1)


def new_account(name):
    """Return what Better Auth asks for. The address has a number, because tests share servers."""
    return {"name": name, "email": f"{name.lower()}-{next(NUMBERS)}@example.com", "password": PASSWORD}


class Person:
    """A user who has signed up with a Better Auth server."""

    def __init__(self, better_auth, name="alice"):
        self.server = better_auth
        self.session = requests.Session()
        self.session.headers["Origin"] = better_auth.address
        self.account = new_account(name)
        response = self._post("sign-up", self.account)
        self.id = response.json()["user"]["id"]
        self.session_token = response.headers["set-auth-token"]  # of the bearer() plugin
        self.path = f"/api/{self.id}/tasks"

    def sign_in(self):
        """Sign in again, with a new session."""
        self.session.cookies.clear()
        self._post("sign-in", self.account)

    def token(self):
        """Return a new token for the service."""
        return self._get("/api/auth/token").json()["token"]

    def session_cache(self):
        return self.session.cookies["better-auth.session_data"]

    def mailed_token(self):
        """Return the token of the e-mail that verifies the address."""
        return self._get(f"/mails/{self.id}").text

    def _post(self, action, body):
        response = self.session.post(f"{self.server.url}/api/auth/{action}/email", json=body, timeout=10)
        response.raise_for_status()
        return response

    def _get(self, path):
        response = self.session.get(self.server.url + path, timeout=10)
        response.raise_for_status()
        return response


def bearer(request):
    return request.headers.get("authorization", "").removeprefix("Bearer ")


class Visitor:
    """A user with a browser. The methods use the labels of the front end. All users have the same password."""

    def __init__(self, page, front_end, name):
        self.page, self.front_end = page, front_end
        self.account = new_account(name)
        self.tokens, self.statuses = [], []  # of the requests to the service, in order
        self.alert = page.get_by_role("main").get_by_role("alert")
        self.status = page.get_by_role("main").get_by_role("status")
        page.on("request", lambda request: self._note(self.tokens, request, bearer(request)))
        page.on("response", lambda response: self._note(self.statuses, response, response.status))

    def open(self):
        """Create an account without the form, and wait for the task list."""
        url, headers = f"{self.front_end.url}/api/auth/sign-up/email", {"Origin": self.front_end.url}
        self.page.request.post(url, data=self.account, headers=headers, fail_on_status_code=True)
        return self.go()

    def go(self):
        """Open the task list and wait for it."""
        self.page.goto(self.front_end.url)
        return self._entered()

    def tab(self):
        """Open another tab of the same browser."""
        tab = Visitor(self.page.context.new_page(), self.front_end, self.account["name"])
        tab.account = self.account
        return tab.go()

    def sign_up(self):
        """Create an account and wait for the task list."""
        return self._enter("/sign-up", "Sign up", {"Name": "name"} | CREDENTIALS)

    def sign_in(self):
        """Sign in and wait for the task list."""
        return self._enter("/sign-in", "Sign in", CREDENTIALS)

    def call(self, method, path="", body=None):
        """Send a request for this user's tasks as another device does, and return the body of the response."""
        token = self.page.request.get(f"{self.front_end.url}/api/auth/token").json()["token"]
        headers, url = {"Authorization": f"Bearer {token}"}, f"http://127.0.0.1:{API_PORT}/api/tasks{path}"
        response = requests.request(method, url, headers=headers, json=body, timeout=10)
        response.raise_for_status()
        return response.json() if response.content else None

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def add(self, title, priority="Medium", **more):
        form = self.page.get_by_role("form", name="Add a task")
        form.get_by_label("New task").fill(title)
        form.get_by_text(priority, exact=True).click()
        if more and not form.get_by_label("Tags").is_visible():
            form.get_by_text("Due date, tags, description").click()
        write(form, more)
        form.get_by_role("button", name="Add").click()

    def edit(self, title, **texts):
        """Open the form of a task and write into its fields. Return the form."""
        self.press(f"Edit {title}")
        form = self.page.get_by_role("form", name=f"Edit {title}")
        write(form, texts)
        return form

    def row(self, title):
        return self.page.get_by_role("listitem").filter(has=self.page.locator(".title").get_by_text(title, exact=True))

    def shows(self, *titles):
        """Expect exactly these tasks in this order."""
        expect(self.page.locator("li .title")).to_have_text(list(titles))

    def sees(self, *titles):
        """Expect exactly these tasks in this order, everything saved, and no error."""
        self.shows(*titles)
        expect(self.status).to_contain_text(f"{len(titles)} task")
        self.has_saved()
        expect(self.alert).to_have_count(0)

    def has_saved(self):
        """Expect that the service has everything. The status has no numbers until the tasks are loaded."""
        expect(self.status).to_contain_text(re.compile(r"\d pending"))
        expect(self.status).not_to_contain_text("Saving")

    def question(self, words):
        """Return the card that asks the person, or tells what became of an edit."""
        return self.page.locator("section").filter(has=self.page.get_by_role("heading", name=words))

    def tab_to(self, role, name):
        """Press Tab until the focus is on this element."""
        element = self.page.get_by_role(role, name=name, exact=True)
        for _ in range(40):
            if element.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {name}")

    def returns(self):
        """Do what the browser does when the tab is shown again. Without a window, every tab has the focus."""
        self.page.evaluate("window.dispatchEvent(new Event('focus'))")

    def kept_on_the_device(self):
        """Return the names of what the browser holds of anyone."""
        return self.page.evaluate(
            "async () => [...(await indexedDB.databases()).map(({name}) => name), ...Object.keys(sessionStorage)]"
        )

    @property
    def id(self):
        return self.page.request.get(f"{self.front_end.url}/api/auth/get-session").json()["user"]["id"]

    def _enter(self, path, button, labels):
        self.page.goto(self.front_end.url + path)
        for label, name in labels.items():
            self.page.get_by_label(label, exact=True).fill(self.account[name])
        self.press(button)
        return self._entered()

    def _entered(self):
        expect(self.page.get_by_role("heading", name="Your tasks")).to_be_visible()
        return self

    def _note(self, notes, message, value):
        if f":{API_PORT}/" in message.url:
            notes.append(value)


def write(form, texts):
    """Fill the fields with these labels."""
    for label, text in texts.items():
        form.get_by_label(label, exact=True).fill(text)


def wait_until_expired(token, service):
    wait_until(lambda: service.call(token, "GET", "/api/tasks").status_code == 401)


def with_tokens(*variables):
    """Run a test with a front end that has these variables for its tokens."""
    return pytest.mark.parametrize("tokens", variables, indirect=True)

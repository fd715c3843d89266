"""Users of the end-to-end tests: one with an HTTP client, and one with a browser."""

import itertools

import requests
from playwright.sync_api import expect

from e2e.processes import API_PORT

PASSWORD = "correct horse battery"
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
        self.account = {"Name": name, "E-mail": f"{name.lower()}@example.com", "Password": PASSWORD}
        self.tokens, self.statuses = [], []  # of the requests to the service, in order
        self.alert = page.get_by_role("main").get_by_role("alert")
        page.on("request", lambda request: self._note(self.tokens, request, bearer(request)))
        page.on("response", lambda response: self._note(self.statuses, response, response.status))

    def sign_up(self):
        """Create an account and wait for the task list."""
        return self._enter("/sign-up", "Sign up", "Name", "E-mail", "Password")

    def sign_in(self):
        """Sign in and wait for the task list."""
        return self._enter("/sign-in", "Sign in", "E-mail", "Password")

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def fill(self, label, text):
        self.page.get_by_label(label, exact=True).fill(text)

    def add(self, title, priority="Medium"):
        self.fill("New task", title)
        self.page.get_by_role("group", name="Priority").get_by_text(priority).click()
        self.press("Add")

    def sees(self, *titles):
        """Expect exactly these tasks in this order, saved, and no error."""
        status = self.page.get_by_role("status")
        expect(status).to_contain_text(f"{len(titles)} task")
        expect(status).not_to_contain_text("Saving")
        expect(self.page.locator("li .title")).to_have_text(list(titles))
        expect(self.alert).to_have_count(0)

    def returns(self):
        """Come back to the tab: the page looks for changes at once."""
        self.page.evaluate("window.dispatchEvent(new Event('focus'))")

    def _enter(self, path, button, *labels):
        self.page.goto(self.front_end.url + path)
        for label in labels:
            self.fill(label, self.account[label])
        self.press(button)
        expect(self.page.get_by_role("heading", name="Your tasks")).to_be_visible()
        return self

    def _note(self, notes, message, value):
        if f":{API_PORT}/" in message.url:
            notes.append(value)

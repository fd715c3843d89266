"""Every page of the service follows axe-core's rules and loads nothing from another host."""

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from e2e.processes import SECRET, Service

# Rules that Swagger UI and Redoc violate. Our settings, templates and style sheets cannot change this markup.
SWAGGER_UI = {
    "button-name",  # the button that closes the dialog "Available authorizations" is an icon
    "heading-order",  # groups of operations are h3 below the h1
    "landmark-unique",  # tables of responses are regions without names
    "region",  # the title and the button "Authorize" are outside of its main landmark
    "select-name",  # parameters with choices have no label
}
REDOC = {"heading-order"}  # the parts of an operation are h5 below its h2
CLEAN = {"light": {}, "dark": {}}


@pytest.fixture(scope="module")
def service(logs, database_url):
    with Service(logs, DATABASE_URL=database_url, BROWSABLE_API="true").running() as service:
        yield service


@pytest.fixture
def page(new_page):
    return new_page(viewport={"width": 1280, "height": 800})


@pytest.fixture
def signed_in(service, page, token_for, request):
    """A page of the browsable API with the token of a user who has one task."""
    token = token_for(request.node.name, secret=SECRET)
    service.call(token, "POST", "/api/tasks", {"title": "Buy milk"})
    page.goto(f"{service.url}/api/tasks")
    page.get_by_label("JWT").fill(token)
    page.get_by_role("button", name="Use this token").click()
    expect(page.locator(".rows")).to_contain_text("Buy milk")
    return page


def violations(page, within=None, known=frozenset()):
    """Return the violated rules of the page, or of the element `within`, with the violating elements."""
    found = Axe().run(page, within).response["violations"]
    return {rule["id"]: [node["target"] for node in rule["nodes"]] for rule in found if rule["id"] not in known}


def in_both_schemes(page):
    found = {}
    for scheme in CLEAN:
        page.emulate_media(color_scheme=scheme)
        found[scheme] = violations(page)
    return found


def test_axe_finds_a_missing_language_and_low_contrast(service, page):
    page.goto(service.url)
    page.evaluate("document.documentElement.lang = ''")
    page.evaluate("document.body.style.color = document.body.style.background = '#777'")

    assert {"html-has-lang", "color-contrast"} <= violations(page).keys()


def test_the_root(service, page, picture):
    page.goto(service.url)

    picture(page, "root")
    assert in_both_schemes(page) == CLEAN


def test_the_browsable_api_without_a_token(service, page):
    page.goto(f"{service.url}/api/tasks")
    expect(page.get_by_label("JWT")).to_be_visible()

    assert in_both_schemes(page) == CLEAN


def test_the_browsable_api_with_a_token(service, signed_in):
    assert in_both_schemes(signed_in) == CLEAN

    signed_in.get_by_role("navigation", name="Tasks").get_by_role("link").click()
    expect(signed_in.get_by_role("button", name="DELETE")).to_be_visible()
    assert in_both_schemes(signed_in) == CLEAN


def test_the_browsable_api_shows_an_error(service, signed_in):
    signed_in.get_by_label("Body").fill("{")
    signed_in.get_by_role("button", name="POST").click()
    expect(signed_in.locator(".prettyprint")).to_contain_text("400 Bad Request")

    assert in_both_schemes(signed_in) == CLEAN


def test_swagger_ui(service, page):
    page.goto(f"{service.url}/docs")
    page.locator("[id$='-user_tasks_list'] .opblock-summary-control").click()
    page.locator("[id$='-user_tasks_create'] .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").first.click()
    expect(page.get_by_role("button", name="Execute")).to_be_visible()

    assert violations(page, known=SWAGGER_UI) == {}

    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_label("auth-bearer-value")).to_be_visible()
    assert violations(page, ".dialog-ux", known=SWAGGER_UI) == {}


def test_redoc(service, page):
    page.goto(f"{service.url}/redoc")
    expect(page.get_by_role("heading", name="Task API")).to_be_visible()

    assert violations(page, known=REDOC) == {}


def test_the_pages_load_only_from_the_service(service, page):
    sent = []
    page.on("request", lambda request: sent.append(request))

    for path in ("/", "/docs", "/redoc", "/api/tasks", "/admin/"):
        page.goto(service.url + path)
        page.wait_for_load_state("networkidle")

    allowed = [request for request in sent if request.failure != "csp"]  # the policy of the page blocks Redoc's logo
    assert len(allowed) >= 20
    assert {urlsplit(request.url.removeprefix("blob:")).netloc for request in allowed} == {urlsplit(service.url).netloc}

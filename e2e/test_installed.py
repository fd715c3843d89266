"""The front end of examples/nextjs as an installed application: it opens without a network."""

import os
import signal
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import expect

from e2e.people import Visitor
from e2e.processes import API_PORT, FRONT_END_PORT, FrontEnd, Service, build_front_end, wait_until
from e2e.test_accessibility import CLEAN, in_both_schemes

pytestmark = pytest.mark.timeout(300)  # the first test builds the front end

KEPT = """async () => {
  const files = performance.getEntriesByType("resource").map(({ name }) => name);
  const kept = files.filter((name) => name.includes("/_next/static/")).concat("/");
  return (await Promise.all(kept.map((name) => caches.match(name)))).every(Boolean);
}"""
ADDRESSES = """async () => {
  const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const requests = await Promise.all(caches_.map((cache) => cache.keys()));
  return requests.flat().map(({ url }) => url);
}"""
KEEPS_THE_PAGE = """async (signsOut) => {
  await caches.delete(PAGE);
  const work = [];
  const loading = load({ waitUntil: (promise) => work.push(promise) }, new Request("/"));
  await caches.open(PAGE);
  if (signsOut) await caches.delete(PAGE);
  await loading;
  await Promise.all(work);
  return Boolean(await caches.match("/"));
}"""
UPDATE = """async () => {
  const changed = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
  await navigator.serviceWorker.register("/sw.js?build=next");
  await changed;
}"""


@pytest.fixture(scope="session")
def built():
    build_front_end()


@pytest.fixture
def front_end(built, start):
    return start(FrontEnd, FRONT_END_PORT)


@pytest.fixture
def service(start, database_url, front_end):
    variables = {"BETTER_AUTH_URL": front_end.url, "CORS_ORIGINS": front_end.url, "DATABASE_URL": database_url}
    return start(Service, API_PORT, JWT_ALGORITHM="EdDSA", **variables)


@pytest.fixture
def alice(new_page, service, front_end):
    """A user with one task, which the service has, and a browser that has kept the page."""
    alice = Visitor(new_page(service_workers="allow"), front_end, "Alice").sign_up()
    alice.add("Buy milk")
    alice.sees("Buy milk")
    wait_until(lambda: titles(alice) == ["Buy milk"])
    wait_until_kept(alice.page)
    return alice


def wait_until_kept(page):
    wait_until(lambda: page.evaluate(KEPT))


def shows(visitor, *titles):
    """Expect these tasks, newest first, and the words that the page is offline."""
    expect(visitor.page.locator("li .title")).to_have_text(list(titles))
    expect(visitor.alert).to_contain_text("You see your tasks as they were.")


def titles(visitor):
    return [task["title"] for task in visitor.call("GET")]


@contextmanager
def failing_proxy():
    """A server at the address of the front end that answers 501 to every request."""
    with HTTPServer(("127.0.0.1", FRONT_END_PORT), BaseHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@contextmanager
def hanging(process):
    """The process accepts connections and does not answer."""
    os.killpg(process.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(process.process.pid, signal.SIGCONT)


def test_chromium_can_install_it(alice):
    devtools = alice.page.context.new_cdp_session(alice.page)

    assert devtools.send("Page.getAppManifest")["errors"] == []
    reasons = [error["errorId"] for error in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert reasons == ["in-incognito"]  # as is every page of a test


def test_the_manifest_and_its_icons_are_there(alice, front_end):
    link = alice.page.locator("link[rel=manifest]").get_attribute("href")
    manifest = alice.page.request.get(front_end.url + link).json()

    assert (manifest["name"], manifest["start_url"], manifest["display"]) == ("Tasks", "/", "standalone")
    icons = {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert icons == {(size, purpose) for size in ("192x192", "512x512") for purpose in ("any", "maskable")}
    for icon in manifest["icons"]:
        response = alice.page.request.get(front_end.url + icon["src"])
        assert (response.status, response.headers["content-type"]) == (200, "image/png")


def test_the_page_opens_without_a_network_and_sends_its_writes_later(alice, picture):
    context = alice.page.context
    context.set_offline(True)
    alice.page.reload()
    shows(alice, "Buy milk")
    alice.add("Call the dentist")
    expect(alice.alert).to_contain_text("1 change waits for the network.")
    picture(alice.page, "frontend-offline")

    context.set_offline(False)

    alice.sees("Call the dentist", "Buy milk")
    wait_until(lambda: titles(alice) == ["Buy milk", "Call the dentist"])


def test_the_page_opens_while_the_front_end_hangs(alice, front_end):
    with hanging(front_end):
        alice.page.reload()
        expect(alice.page.locator("li .title")).to_have_text("Buy milk")


def test_the_page_opens_while_a_proxy_reports_an_error(alice, front_end):
    front_end.stop()
    with failing_proxy():
        alice.page.reload()
        expect(alice.page.locator("li .title")).to_have_text("Buy milk")


def test_another_page_says_that_there_is_no_network(alice, front_end):
    alice.page.context.set_offline(True)

    alice.page.goto(f"{front_end.url}/account")

    expect(alice.page.get_by_role("heading", name="No connection")).to_be_visible()
    assert in_both_schemes(alice.page) == CLEAN


def test_after_a_sign_out_no_page_opens_without_a_network(alice, front_end):
    alice.press("Sign out")
    expect(alice.page.get_by_role("button", name="Sign in")).to_be_enabled()
    alice.page.context.set_offline(True)

    alice.page.goto(front_end.url)

    expect(alice.page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(alice.page.get_by_text("Buy milk")).to_have_count(0)


def test_after_another_persons_sign_in_only_their_page_opens(alice, front_end):
    alice.page.context.clear_cookies()
    bob = Visitor(alice.page, front_end, "Bob").sign_up()
    wait_until_kept(bob.page)
    bob.page.context.set_offline(True)

    bob.page.reload()

    shows(bob)
    expect(bob.page.get_by_role("banner")).to_contain_text("Bob")


def test_a_session_that_has_ended_leaves_no_page(alice, front_end):
    alice.page.context.clear_cookies()

    alice.page.reload()

    expect(alice.page.get_by_role("button", name="Sign in")).to_be_enabled()
    wait_until(lambda: alice.page.evaluate("caches.match('/').then((kept) => !kept)"))


def test_a_page_that_is_loaded_is_kept(alice):
    [worker] = alice.page.context.service_workers

    assert worker.evaluate(KEEPS_THE_PAGE, False)


def test_a_page_that_was_requested_before_a_sign_out_is_not_kept(alice):
    [worker] = alice.page.context.service_workers

    assert not worker.evaluate(KEEPS_THE_PAGE, True)


def test_nothing_of_the_apis_is_kept(alice, front_end):
    alice.page.goto(f"{front_end.url}/account")
    expect(alice.page.get_by_label("Password")).to_be_visible()

    kept = alice.page.evaluate(ADDRESSES)

    paths = {address.removeprefix(front_end.url) for address in kept}
    assert {"/", "/offline.html"} <= paths
    assert {path for path in paths if not path.startswith("/_next/static/")} == {"/", "/offline.html"}


def test_the_worker_of_a_new_build_keeps_the_page_again_and_deletes_the_old_caches(alice):
    alice.page.evaluate(UPDATE)
    wait_until(lambda: sorted(alice.page.evaluate("caches.keys()")) == ["files-next", "page-next"])
    wait_until_kept(alice.page)

    alice.page.context.set_offline(True)
    alice.page.reload()

    shows(alice, "Buy milk")

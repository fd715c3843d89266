"""Fixtures of the end-to-end tests: databases, processes that stop after their test, and a browser."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from playwright.sync_api import expect, sync_playwright
from xdist.scheduler import LoadFileScheduling

from e2e.database import Database
from e2e.people import Visitor
from e2e.processes import ALGORITHMS, API_PORT, FRONT_END_PORT, FrontEnd, Service, build_front_end
from e2e.report import Load, TooLong
from todo_api.tests.server import clean_environment

FRONT_END = ("e2e/test_account", "e2e/test_browser", "e2e/test_example", "e2e/test_installed")
REDOCS_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"  # blocked on purpose; Redoc then leaves it out


def pytest_collection_modifyitems(items):
    """Repeat a test twice when a time was over its bound. Any other failure is final."""
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=2, only_rerun=TooLong))


class ModulesTogether(LoadFileScheduling):
    """Runs each module in one process, and all modules of the front end in the same one: they use the same ports."""

    def _split_scope(self, nodeid):
        module = super()._split_scope(nodeid)
        return "front end" if module.startswith(FRONT_END) else module


def pytest_xdist_make_scheduler(config, log):
    return ModulesTogether(config, log)


def pytest_terminal_summary(terminalreporter):
    """Print what tests have counted with `record_property`."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(scope="session")
def new_database():
    """`new_database("name")`: a PostgreSQL database with the service's tables, and its URL."""
    if not settings.DATABASE_URL.startswith("postgresql:"):
        pytest.exit("The end-to-end tests run on PostgreSQL. Do not set TEST_DB.", returncode=2)

    worker = os.environ.get("PYTEST_XDIST_WORKER", "")  # several processes use one server

    def create(name, template):
        name += worker
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return settings.DATABASE_URL.replace("/postgres?", f"/{name}?")

    migrate(create("migrated", "template1"))
    return lambda name: create(name, f"migrated{worker}")


@pytest.fixture(scope="session")
def database_url(new_database):
    """One database for all tests that do not read it. Each test signs up new users."""
    return new_database("tasks")


@pytest.fixture(scope="session")
def own_database():
    """A PostgreSQL server that tests may stop, with the service's tables."""
    database = Database()
    try:
        database.start()
        migrate(database.url)
        yield database
    finally:
        database.remove()


def migrate(url):
    """Create the service's tables."""
    manage(url, "migrate", "--verbosity=0")


def manage(url, *arguments):
    """Run a command of manage.py on this database."""
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=settings.BASE_DIR, env=clean_environment(DATABASE_URL=url), check=True)


@pytest.fixture
def running():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(running, tmp_path):
    """`start(Service, DEBUG="true")`: a process that is stopped after the test."""

    def start(kind, port=None, **variables):
        process = kind(tmp_path, port, **variables)
        running.callback(process.stop)
        return process.start()

    return start


@pytest.fixture
def load(running):
    """`load(service, seconds)`: clients in a process that is stopped after the test."""

    def load(*args, **options):
        load = Load(*args, **options)
        running.callback(load.stop)
        return load

    return load


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The folder of the processes that the tests of a module share."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def tokens(request):
    """The front end's variables for tokens, which `indirect` parameters change; None changes nothing."""
    return {"TOKEN_MODE": "jwks"} | (getattr(request, "param", None) or {})


@pytest.fixture(scope="module")
def front_end(logs, tokens):
    """The example. The first test builds it."""
    build_front_end()
    with FrontEnd(logs, FRONT_END_PORT, **tokens).running() as front_end:
        yield front_end


@pytest.fixture(scope="module")
def service(logs, database_url, front_end, tokens):
    """The service that the example's build has the address of."""
    variables = {"BETTER_AUTH_URL": front_end.url, "CORS_ORIGINS": front_end.url, "DATABASE_URL": database_url}
    algorithm = ALGORITHMS[tokens["TOKEN_MODE"]]
    with Service(logs, API_PORT, JWT_ALGORITHM=algorithm, JWT_LEEWAY="0", **variables).running() as service:
        yield service


@pytest.fixture
def visitor(new_page, service, front_end):
    """`visitor("Alice")`: a user with an account, who sees the task list."""
    return lambda name, **options: Visitor(new_page(**options), front_end, name).open()


@pytest.fixture
def alice(visitor):
    return visitor("Alice")


@pytest.fixture(scope="session")
def settings_for(database_url):
    """`settings_for(better_auth)`: the variables with which a service accepts tokens of this Better Auth server."""

    def settings_for(better_auth):
        algorithm = better_auth.variables["JWT_ALGORITHM"]
        return {"DATABASE_URL": database_url, "JWT_ALGORITHM": algorithm, "BETTER_AUTH_URL": better_auth.address}

    return settings_for


@pytest.fixture(scope="session")
def chromium():
    expect.set_options(timeout=15_000)
    quiet = ["no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"]
    switches = [f"--{name}" for name in ("no-sandbox", "disable-gpu", "disable-quic", *quiet)]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=switches)


@pytest.fixture
def new_page(chromium, running):
    """`new_page(color_scheme="dark")`: a page with its own cookies.

    A script error, and anything that the Content-Security-Policy blocks, fails the test. Service workers are blocked by
    default: once one controls a page, Playwright does not see all requests of the page.
    """
    errors = []

    def read(message):
        if "Content Security Policy" in message.text and REDOCS_LOGO not in message.text:
            errors.append(message.text)

    def make(service_workers="block", **options):
        context = chromium.new_context(service_workers=service_workers, **options)
        running.callback(context.close)
        context.set_default_timeout(15_000)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", read)
        return context.new_page()

    yield make
    assert not errors


@pytest.fixture(scope="session")
def picture():
    """`picture(page, "admin")`: screenshots "admin" and "admin-dark" in the folder E2E_SCREENSHOTS, if it is set."""
    folder = os.environ.get("E2E_SCREENSHOTS")

    def take(page, name):
        if not folder:
            return
        page.mouse.move(0, 0)
        for scheme, file in (("dark", f"{name}-dark.png"), ("light", f"{name}.png")):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=Path(folder) / file)

    return take

"""A newcomer follows section 1 of docs/api.md in an empty folder, with empty caches: `make newcomer` prints the times.

The times are those of the machine. Reading the document, and copying its commands and files, takes time of its own.
"""

import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from e2e.processes import Process
from todo_api.tests.environment import variables_of_the_service

SECTION = re.compile(r"^## 1\. .*?(?=^## 2\. )", re.MULTILINE | re.DOTALL)
STEP = re.compile(r'^```tsx? title="(?P<file>.+)"\n(?P<text>[\s\S]*?)^```$|^ {4}(?P<command>.+)$', re.MULTILINE)
SERVERS = {"make run": (8000, "/health"), "npm run dev": (3000, "/")}
SLOW = 120_000  # milliseconds: the development server compiles each page and route at its first request
DATABASE = "postgresql://user:password@host/name"  # in the document

pytestmark = pytest.mark.timeout(1800)


class Server(Process):
    seconds = 900  # the first start of the service installs its packages

    def __init__(self, command, terminal, port, path):
        super().__init__(terminal.logs, port)
        self.command, self.folder, self.ready = ["bash", "-ec", command], terminal.folder, path
        self.environment = lambda: terminal.environment


class Terminal:
    """A shell that keeps its folder between two commands."""

    def __init__(self, folder, logs):
        self.folder, self.logs, self.lines = folder, logs, 0
        own = variables_of_the_service()
        self.environment = {name: value for name, value in os.environ.items() if name not in own}
        caches = {"npm_config_cache": f"{logs}/npm", "PIP_CACHE_DIR": f"{logs}/pip"}
        self.environment |= caches | {"npm_config_yes": "true"}  # the answer to "Ok to proceed?" of npm create

    def run(self, command):
        command = ["bash", "-ec", f"{{ {command}\n}} >&2; pwd"]
        options = {"cwd": self.folder, "env": self.environment, "stdin": subprocess.DEVNULL}
        result = subprocess.run(command, **options, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        self.folder = Path(result.stdout.strip())

    def write(self, file, text):
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.lines += text.count("\n")


@pytest.fixture
def terminal(tmp_path):
    """An empty folder with a copy of the repository."""
    folder = tmp_path / "work"
    folder.mkdir()
    subprocess.run(["git", "clone", "--quiet", settings.BASE_DIR, folder / "task-api"], check=True)
    return Terminal(folder, tmp_path)


@pytest.fixture
def watch():
    """`with watch("npm ci")`: note the seconds of a step. They are printed after the test."""
    times = {}

    @contextmanager
    def watch(name):
        begin = time.monotonic()
        yield
        times[name] = time.monotonic() - begin

    yield watch
    for name, seconds in {**times, "all": sum(times.values())}.items():
        print(f"{seconds:6.1f} s  {name}")


def test_a_list_is_on_the_screen(terminal, watch, running, own_database, new_page):
    section = SECTION.search((settings.BASE_DIR / "docs/api.md").read_text())[0]
    for step in STEP.finditer(section.replace(DATABASE, own_database.url)):
        if step["file"]:
            terminal.write(step["file"], step["text"])
            continue
        with watch(step["command"]):
            execute(step["command"], terminal, running)

    with watch("sign up, add a task"):
        add_a_task(new_page())
    print(f"\n{terminal.lines} lines of code to copy")


def execute(command, terminal, running):
    for name, address in SERVERS.items():
        if command.endswith(name):
            server = Server(command, terminal, *address)
            running.callback(server.stop)
            return server.start()
    return terminal.run(command)


def add_a_task(page):
    page.set_default_timeout(SLOW)
    page.goto("http://localhost:3000")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    page.get_by_label("New task").fill("Buy milk")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("listitem")).to_have_text("Buy milk", timeout=SLOW)

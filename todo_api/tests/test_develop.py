"""`manage.py develop`, which `make run` calls: its banner, the commands in the banner, and its end."""

import json
import signal
import subprocess
import sys

import pytest
from django.conf import settings

from todo_api.management.commands.develop import welcome
from todo_api.tests.server import Server

DEVELOP = (sys.executable, "manage.py", "develop")


@pytest.fixture
def develop(tmp_path):
    server = Server(tmp_path, DEVELOP, DEBUG="true", DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3")
    yield server
    server.stop()


def commands_in(text):
    return [line for line in text.splitlines() if line.lstrip().startswith(("TOKEN=", "curl "))]


def test_the_printed_commands_create_list_and_complete_a_task(develop):
    token, *calls = commands_in(develop.log)

    script = "\n".join([token, *(f"{call} --silent --show-error --fail; echo" for call in calls)])
    result = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, timeout=20, check=False)

    assert result.returncode == 0, result.stderr
    created, listed, completed = map(json.loads, result.stdout.splitlines())
    assert (created["title"], created["completed"]) == ("Buy groceries", False)
    assert listed == [created]
    assert (completed["id"], completed["completed"]) == (created["id"], True)


def test_the_pages_in_the_banner_exist(develop):
    for path in ("/docs", "/admin/login/", "/health/ready"):
        assert develop.get(path)[0] == 200
    assert f"http://localhost:{develop.port}/docs" in develop.log
    assert f"http://localhost:{develop.port}/admin/" in develop.log


def test_ctrl_c_stops_it_without_a_traceback(develop):
    develop.process.send_signal(signal.SIGINT)

    assert develop.process.wait(timeout=15) == 0
    assert "Traceback" not in develop.log


def test_it_starts_again_with_the_same_database(develop, tmp_path):
    develop.stop()

    again = Server(tmp_path, DEVELOP, DEBUG="true", DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3")
    try:
        assert again.get("/health/ready")[0] == 200
    finally:
        again.stop()


def test_a_foreign_host_header_is_refused(develop):
    assert develop.get("/docs", Host="evil.example")[0] == 400


def test_the_banner_says_why_there_is_no_token(configured):
    with configured(DEBUG=True, JWT_ALGORITHM="EdDSA"):
        assert "only Better Auth can sign tokens" in welcome()


def test_the_banner_says_that_other_machines_can_reach_it(configured):
    with configured(HOST="0.0.0.0"):
        banner = welcome()

    assert "other machines can reach it: HOST=0.0.0.0" in banner
    assert f"http://localhost:{settings.PORT}/docs" in banner

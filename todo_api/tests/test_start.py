"""Starting the service: a wrong configuration ends each command with one line before anything listens."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from todo_api.tests.server import Server, clean_environment, free_port

DEVELOP = [sys.executable, "manage.py", "develop"]
MIGRATE = [sys.executable, "manage.py", "migrate"]
GUNICORN = [sys.executable, "-m", "gunicorn"]
CONTAINER = [sys.executable, "-m", "todo_api"]
# One value for each kind of check: a type, a range, the database URL, our checks, checks of a library.
WRONG = {
    "no boolean": ({"DEBUG": "maybe"}, "DEBUG", "Not a valid boolean"),
    "port out of range": ({"PORT": "80000"}, "PORT", "less than or equal to 65535"),
    "mysql": ({"DATABASE_URL": "mysql://u:hunter2@h/n"}, "DATABASE_URL", "use postgresql://"),
    "no secret": ({"BETTER_AUTH_SECRET": None}, "BETTER_AUTH_SECRET", "Set it to the secret"),
    "short key": ({"DJANGO_SECRET_KEY": "x"}, "DJANGO_SECRET_KEY", "openssl rand"),
    "unknown Redis option": ({"REDIS_URL": "redis://:hunter2@h?foo=bar"}, "REDIS_URL", "Use redis://"),
    "no origin": ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS", "Add a scheme"),
}
NO_DATABASE = {
    "refused": ("postgresql://u:hunter2@127.0.0.1:1/n", "Connection refused"),
    "unknown host": ("postgresql://u:hunter2@no-such-host.invalid/n", "host name has no address"),
    "no folder": ("sqlite:////does/not/exist/db.sqlite3", "unable to open database file"),
}


def run(command, **variables):
    return subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=clean_environment(**{"PORT": str(free_port())} | variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def the_only_line(result):
    """Return the one line that a failed command printed."""
    assert result.returncode not in (0, None)
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert "hunter2" not in line
    return line


@pytest.mark.parametrize("command", [DEVELOP, GUNICORN], ids=["develop", "gunicorn"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_one_line_with_the_variable_and_the_cure(command, name):
    variables, variable, cure = WRONG[name]

    line = the_only_line(run(command, **variables))

    assert variable in line
    assert cure in line


@pytest.mark.parametrize("value", ["abc", "1.5", "-1", "0"])
def test_a_wrong_number_of_workers_is_one_line_in_the_container(value):
    assert "WEB_CONCURRENCY" in the_only_line(run(CONTAINER, WEB_CONCURRENCY=value))


@pytest.mark.parametrize("command", [DEVELOP, MIGRATE], ids=["develop", "migrate"])
@pytest.mark.parametrize("name", NO_DATABASE)
def test_a_database_that_cannot_be_reached_is_one_line(command, name):
    url, problem = NO_DATABASE[name]

    line = the_only_line(run(command, DATABASE_URL=url))

    assert problem in line
    assert line.endswith("Check DATABASE_URL.")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite makes a missing database")
def test_a_missing_database_is_one_line():
    url = settings.DATABASE_URL.replace("/postgres?", "/missing?")

    assert 'database "missing" does not exist' in the_only_line(run(DEVELOP, DATABASE_URL=url))


def test_the_option_traceback_prints_the_traceback():
    result = run([*MIGRATE, "--traceback"], DATABASE_URL="sqlite:////does/not/exist/db.sqlite3")

    assert "Traceback" in result.stderr


def test_gunicorn_starts_without_the_database_and_is_not_ready(tmp_path):
    server = Server(tmp_path, DATABASE_URL="postgresql://u:p@127.0.0.1:1/n")
    try:
        assert server.get("/health/ready")[0] == 503
    finally:
        server.stop()


def test_the_container_command_starts_gunicorn(tmp_path):
    server = Server(tmp_path, command=CONTAINER)
    try:
        assert server.get("/health")[0] == 200
    finally:
        server.stop()


def test_develop_refuses_a_taken_port_before_it_prints_anything(server):
    line = the_only_line(run(DEVELOP, PORT=str(server.port)))

    assert f"PORT {server.port} is in use" in line

"""`manage.py create_token`, and an export into a pipe."""

import re
import subprocess
import sys
import time

import jwt
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tasks.models import Task
from todo_api.management.commands.create_token import duration
from todo_api.tests.server import clean_environment, database_of_the_tests


def token(capsys, *arguments):
    call_command("create_token", *arguments)
    return capsys.readouterr().out.strip()


@pytest.mark.django_db
def test_the_api_accepts_the_printed_token(configured, capsys, client_for):
    with configured(DEBUG=True, JWT_AUDIENCE=["tasks", "more"], JWT_ISSUER="http://localhost:3000"):
        alice = client_for("alice", token=token(capsys, "alice"))

        assert alice.get(alice.tasks_url).status_code == 200


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604800)])
def test_the_token_expires_after_the_given_time(configured, capsys, text, seconds):
    with configured(DEBUG=True):
        claims = jwt.decode(token(capsys, "alice", "--expires", text), options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == seconds
    assert claims["iat"] == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "1.5h", "1w", "1 h", "9999999s"])
def test_an_invalid_duration_is_refused(text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        duration(text)


def test_no_token_is_printed_outside_of_debug(configured):
    with configured(DEBUG=False), pytest.raises(CommandError, match="DEBUG is off"):
        call_command("create_token", "alice")


def test_no_token_is_printed_in_key_set_mode(configured):
    with configured(DEBUG=True, JWT_ALGORITHM="EdDSA"), pytest.raises(CommandError, match="EdDSA"):
        call_command("create_token", "alice")


@pytest.mark.django_db(transaction=True)
def test_an_export_ends_quietly_when_its_reader_has_enough():
    Task.objects.bulk_create(Task(user_id="alice", title="Paint") for _ in range(2500))
    command = [sys.executable, "manage.py", "export_tasks", "alice"]
    environment = clean_environment(DATABASE_URL=database_of_the_tests())
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, **pipes) as export:
        export.stdout.readline()
        export.stdout.close()
        errors = export.stderr.read()

    assert (export.returncode, errors) == (0, b"")

"""manage.py create_token and manage.py develop."""

import re
import time

import jwt
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from todo_api.management.commands import develop
from todo_api.management.commands.create_token import duration


def token(capsys, *arguments):
    call_command("create_token", *arguments)
    return capsys.readouterr().out.strip()


@pytest.mark.django_db
def test_a_made_token_opens_the_api(configured, capsys, caller):
    with configured(DEBUG=True, JWT_AUDIENCE=["tasks", "more"], JWT_ISSUER="http://localhost:3000"):
        alice = caller("alice", token=token(capsys, "alice"))

        assert alice.get(alice.tasks_url).status_code == 200


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604800)])
def test_it_expires_when_asked(configured, capsys, text, seconds):
    with configured(DEBUG=True):
        claims = jwt.decode(token(capsys, "alice", "--expires", text), options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == seconds
    assert claims["iat"] == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "1.5h", "1w", "1 h", "9999999s"])
def test_it_refuses_what_is_no_duration(text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        duration(text)


def test_it_refuses_outside_of_development(configured):
    with configured(DEBUG=False), pytest.raises(CommandError, match="DEBUG is off"):
        call_command("create_token", "alice")


def test_it_refuses_where_better_auth_alone_can_sign(configured):
    with configured(DEBUG=True, JWT_ALGORITHM="EdDSA"), pytest.raises(CommandError, match="EdDSA"):
        call_command("create_token", "alice")


@pytest.mark.django_db
def test_develop_migrates_greets_and_becomes_the_server(configured, capsys, monkeypatch):
    started = []
    monkeypatch.setattr(develop.os, "execv", lambda path, arguments: started.append(arguments))
    with configured(DEBUG=True):
        call_command("develop")

    out = capsys.readouterr().out
    assert f"http://localhost:{settings.PORT}/docs" in out
    assert f"http://localhost:{settings.PORT}/api/alice/tasks" in out
    assert "--reload" in started[0]


@pytest.mark.django_db
def test_develop_says_why_there_is_no_token(configured, capsys, monkeypatch):
    monkeypatch.setattr(develop.os, "execv", lambda path, arguments: None)
    with configured(DEBUG=True, JWT_ALGORITHM="EdDSA"):
        call_command("develop")

    assert "only Better Auth holds the key" in capsys.readouterr().out

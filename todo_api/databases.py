"""Django's DATABASES for a database URL, with options for libpq and SQLite."""

from __future__ import annotations

import re
from typing import Any

import dj_database_url
import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import make_conninfo, timeout_from_conninfo

POSTGRESQL, SQLITE = "django.db.backends.postgresql", "django.db.backends.sqlite3"
FORM = "postgresql://user:password@host/name"
POOL_WAIT = 2  # seconds without a connection that comes back


def database(url: str, max_age: int, statement_timeout: int, pool_size: int) -> dict[str, Any]:
    """Return DATABASES["default"] for a URL. Times are in seconds. Raise ImproperlyConfigured for an unusable URL."""
    config = parse(url)
    if config["ENGINE"] == POSTGRESQL:
        options = config.get("OPTIONS", {})
        check_options(options)
        config |= {"ENGINE": "todo_api.postgresql", "DISABLE_SERVER_SIDE_CURSORS": True}
        config["OPTIONS"] = postgresql_options(config["HOST"], statement_timeout) | options
        # See docs/decisions/0015-greenlets-and-a-pool-of-our-own.md.
        config["OPTIONS"]["pool"] = {"size": pool_size, "wait": POOL_WAIT, "max_age": max_age}
    else:
        config["CONN_MAX_AGE"] = max_age
        config["OPTIONS"] = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
        }
        config["TEST"] = {"NAME": f"{config['NAME']}.test"}  # a file, as outside of tests: threads can share it
    return config


def parse(url: str) -> dict[str, Any]:
    """Return the parts of a URL, without the driver in its scheme (postgresql+asyncpg). Errors hide the password."""
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)))
    except (ValueError, dj_database_url.ParseError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a database URL: use {FORM}") from error
    if config["ENGINE"] not in (POSTGRESQL, SQLITE):
        raise ImproperlyConfigured(f"DATABASE_URL names a database that is not supported: use {FORM}")
    return config


def check_options(options: dict[str, Any]) -> None:
    """Raise ImproperlyConfigured for an option that libpq does not know; each request would fail with it."""
    try:
        make_conninfo(**options)
        timeout_from_conninfo(options)
    except psycopg.Error as error:
        problem = str(error).strip()
        raise ImproperlyConfigured(f"DATABASE_URL: {problem}. Remove it, or use a parameter of libpq.") from error


def postgresql_options(host: str, statement_timeout: int) -> dict[str, Any]:
    """Return default options for libpq: timeouts, also for the detection of a lost server."""
    options: dict[str, Any] = {
        "connect_timeout": 3,
        "gssencmode": "disable",
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    # A pooler in transaction mode refuses startup options; there the timeout is set on the role (docs/deployment.md).
    if statement_timeout and "-pooler" not in host:
        options["options"] = f"-c statement_timeout={statement_timeout}s"
    return options

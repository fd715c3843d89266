"""From a database URL to Django's DATABASES: what libpq and SQLite are told besides the address."""

from __future__ import annotations

import re
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured


def database(url: str, max_age: int, statement_timeout: int) -> dict[str, Any]:
    """DATABASES["default"] for a URL; a driver's name in its scheme is dropped. Times are in seconds."""
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)))
    except (ValueError, dj_database_url.ParseError) as error:
        hint = "use postgresql://user:pass@host/name"
        raise ImproperlyConfigured(f"DATABASE_URL is not a database URL: {hint}") from error
    # A thread keeps its connection; is_usable() finds a dead one without a round trip. See decision 6.
    config |= {"CONN_MAX_AGE": max_age, "CONN_HEALTH_CHECKS": True}
    if config["ENGINE"] == "django.db.backends.postgresql":
        config |= {"ENGINE": "todo_api.postgresql", "DISABLE_SERVER_SIDE_CURSORS": True}
        config["OPTIONS"] = postgresql_options(config["HOST"], statement_timeout) | config.get("OPTIONS", {})
    elif config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
        }
        config["TEST"] = {"NAME": f"{config['NAME']}.test"}  # a file, as in use: threads can share it
    return config


def postgresql_options(host: str, statement_timeout: int) -> dict[str, Any]:
    """What libpq is told unless the URL says otherwise: how long to wait (seconds), and when a peer is lost."""
    options: dict[str, Any] = {
        "connect_timeout": 3,
        "gssencmode": "disable",
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    # A pooler in transaction mode refuses startup options; there the role carries the timeout (docs/deployment.md).
    if statement_timeout and "-pooler" not in host:
        options["options"] = f"-c statement_timeout={statement_timeout}s"
    return options

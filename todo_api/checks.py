"""Rules between settings, as system checks: `manage.py check` lists them, and a server with an error does not start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

from todo_api.identity.jwks import KEY_TYPES

SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2: as long as the hash
ALGORITHMS = (*SECRET_BYTES, *KEY_TYPES)
GENERATE = "openssl rand -base64 48"


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """All of the rules below."""
    return [message for rule in RULES for message in rule()]


def check_algorithm() -> Iterator[CheckMessage]:
    """The algorithm is one that is verified here."""
    if settings.JWT_ALGORITHM not in ALGORITHMS:
        yield Error(
            f"JWT_ALGORITHM is {settings.JWT_ALGORITHM!r}, which is not known.",
            hint=f"Use one of {', '.join(ALGORITHMS)}.",
            id="todo_api.E001",
        )


def check_shared_secrets() -> Iterator[CheckMessage]:
    """In shared-secret mode the secret is there and as long as the algorithm's hash."""
    needed = SECRET_BYTES.get(settings.JWT_ALGORITHM)
    if not needed:
        return
    if not settings.BETTER_AUTH_SECRET:
        yield Error(
            "BETTER_AUTH_SECRET is not set.",
            hint="Set it to the secret that your Better Auth server signs with.",
            id="todo_api.E002",
        )
    for name in ("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_PREVIOUS"):
        if 0 < len(getattr(settings, name).encode()) < needed:
            yield Error(
                f"{name} is shorter than {needed} bytes.",
                hint=f"Use a longer one, here and in Better Auth: {GENERATE}",
                id="todo_api.E003",
            )


def check_key_set_address() -> Iterator[CheckMessage]:
    """In key-set mode there is an address to read the keys from, and it can be asked over HTTP."""
    if settings.JWT_ALGORITHM not in KEY_TYPES or is_http_address(settings.JWKS_URL):
        return
    if settings.JWKS_URL:
        problem = f"JWKS_URL is {settings.JWKS_URL!r}, which is not an http or https address."
    else:
        problem = f"JWT_ALGORITHM is {settings.JWT_ALGORITHM}, and neither BETTER_AUTH_URL nor JWKS_URL is set."
    yield Error(
        problem,
        hint="Set BETTER_AUTH_URL to where Better Auth lives (https://app.example.com), or JWKS_URL to its key set.",
        id="todo_api.E005",
    )


def is_http_address(url: str) -> bool:
    """Whether `url` has what a connection needs."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that does not close
        return False


def check_origins() -> Iterator[CheckMessage]:
    """What is compared with a browser's Origin, or with `iss`, is written as they write it."""
    lists = {"CORS_ORIGINS": settings.CORS_ALLOWED_ORIGINS, "CSRF_TRUSTED_ORIGINS": settings.CSRF_TRUSTED_ORIGINS}
    for name, origins in lists.items():
        for one in origins:
            if not re.fullmatch(r"https?://[^/?#*\s]+", one):
                yield Error(
                    f"{name} (or FRONTEND_URL) holds {one!r}, which is not an origin.",
                    hint="Write scheme, host and port alone: https://app.example.com",
                    id="todo_api.E008",
                )
    if (
        settings.JWT_ALGORITHM in KEY_TYPES
        and settings.BETTER_AUTH_URL
        and not is_http_address(settings.BETTER_AUTH_URL)
    ):
        yield Error(
            f"BETTER_AUTH_URL is {settings.BETTER_AUTH_URL!r}, which is not an http or https address.",
            hint="Set it to where Better Auth lives: https://app.example.com",
            id="todo_api.E009",
        )


def check_default_sort() -> Iterator[CheckMessage]:
    """TASKS_DEFAULT_SORT is a sort that the API knows."""
    from tasks.statements import SORTS

    if settings.TASKS_DEFAULT_SORT not in SORTS:
        yield Error(
            f"TASKS_DEFAULT_SORT is {settings.TASKS_DEFAULT_SORT!r}, which is not a sort.",
            hint=f"Use one of {', '.join(SORTS)}.",
            id="todo_api.E004",
        )


def check_rates() -> Iterator[CheckMessage]:
    """Both limits are rates, or empty."""
    from todo_api.throttling import RATES, rate

    for variable in RATES.values():
        try:
            rate(getattr(settings, variable))
        except ValueError:
            yield Error(
                f"{variable} is {getattr(settings, variable)!r}, which is not a rate.",
                hint="Use a number and a period, such as 600/minute or 10/2 seconds, or leave it empty for no limit.",
                id="todo_api.E006",
            )


def check_redis_address() -> Iterator[CheckMessage]:
    """REDIS_URL, where it is set, is the address of a Redis; whether one answers there is not asked."""
    from todo_api.throttling import redis_storage

    try:
        if settings.REDIS_URL:
            redis_storage(settings.REDIS_URL)
    except ValueError:
        yield Error(  # without the address, which may hold a password
            "REDIS_URL is not the address of a Redis.",
            hint="Use redis://:password@host:6379/0, or rediss:// for TLS.",
            id="todo_api.E007",
        )


RULES: tuple[Callable[[], Iterator[CheckMessage]], ...] = (
    check_algorithm,
    check_shared_secrets,
    check_key_set_address,
    check_origins,
    check_default_sort,
    check_rates,
    check_redis_address,
)


def check_user_table(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With REQUIRE_KNOWN_USER there is a table of users to look in; a database that is away proves nothing.

    A warning, so that `migrate` can run before Better Auth has made its tables; a server does not start with it.
    """
    from todo_api.identity.known_users import is_known

    if not settings.REQUIRE_KNOWN_USER:
        return []
    try:
        is_known("")
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        problem = str(error).partition("\n")[0]
        if isinstance(error, ProgrammingError) or "no such table" in problem:  # SQLite's word for it
            return [
                CheckWarning(
                    f'REQUIRE_KNOWN_USER is true, but the table "user" cannot be read: {problem}.',
                    hint="Use the database in which Better Auth keeps its users, or leave REQUIRE_KNOWN_USER unset.",
                    id="todo_api.W001",
                )
            ]
    finally:
        connection.close()
    return []


def refuse_to_start_misconfigured() -> None:
    """Raise ImproperlyConfigured with one line for the first rule that is broken."""
    for message in check_settings(None) or check_user_table(None):
        raise ImproperlyConfigured(f"{message.msg} {message.hint}")

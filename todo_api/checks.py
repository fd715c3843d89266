"""Rules for settings, as system checks: `manage.py check` lists them, and a server with an error does not start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, run_checks
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

from tasks.management.commands.enable_row_level_security import RIGHTS
from tasks.queries import SORTS
from todo_api.identity.jwks import KEY_TYPES
from todo_api.identity.known_users import find_user
from todo_api.throttling import RATES, rate, redis_storage

SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2: as long as the hash
ALGORITHMS = (*SECRET_BYTES, *KEY_TYPES)
MIN_KEY_BYTES = 32
GENERATE = "openssl rand -base64 48"
FORM_OF_REDIS_URL = "redis://:password@host:6379/0, or rediss:// for TLS"
# Checks of libraries name Django's settings; these are the variables that set them.
VARIABLES = {"CORS_ALLOWED_ORIGINS": "CORS_ORIGINS (or FRONTEND_URL)"}


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [message for rule in RULES for message in rule()]


def check_django_secret_key() -> Iterator[CheckMessage]:
    """Refuse a guessable key in production, such as the placeholder with which the Dockerfile collects static files."""
    if not settings.DEBUG and len(settings.SECRET_KEY.encode()) < MIN_KEY_BYTES:
        yield Error(
            f"DJANGO_SECRET_KEY is shorter than {MIN_KEY_BYTES} bytes.",
            hint=f"Generate one: {GENERATE}",
            id="todo_api.E010",
        )


def check_algorithm() -> Iterator[CheckMessage]:
    if settings.JWT_ALGORITHM not in ALGORITHMS:
        yield Error(
            f"JWT_ALGORITHM is {settings.JWT_ALGORITHM!r}, which is not known.",
            hint=f"Use one of {', '.join(ALGORITHMS)}.",
            id="todo_api.E001",
        )


def check_shared_secrets() -> Iterator[CheckMessage]:
    """In shared-secret mode require secrets that are at least as long as the algorithm's hash."""
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
    """In key-set mode require the HTTP address of a key set."""
    if settings.JWT_ALGORITHM not in KEY_TYPES or is_http_address(settings.JWKS_URL):
        return
    if settings.JWKS_URL:
        problem = f"JWKS_URL is {settings.JWKS_URL!r}, which is not an http or https address."
    else:
        problem = f"JWT_ALGORITHM is {settings.JWT_ALGORITHM}, and neither BETTER_AUTH_URL nor JWKS_URL is set."
    yield Error(
        problem,
        hint="Set BETTER_AUTH_URL to the address of Better Auth (https://app.example.com), or JWKS_URL to its key set.",
        id="todo_api.E005",
    )


def is_http_address(url: str) -> bool:
    """Return whether `url` is http or https, with a host and a valid port."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that does not close
        return False


def check_better_auth_address() -> Iterator[CheckMessage]:
    """In key-set mode require an HTTP address in BETTER_AUTH_URL, if it is set: its origin is the expected issuer."""
    url = settings.BETTER_AUTH_URL
    if settings.JWT_ALGORITHM in KEY_TYPES and url and not is_http_address(url):
        yield Error(
            f"BETTER_AUTH_URL is {url!r}, which is not an http or https address.",
            hint="Set it to the address of Better Auth: https://app.example.com",
            id="todo_api.E009",
        )


def check_default_sort() -> Iterator[CheckMessage]:
    if settings.TASKS_DEFAULT_SORT not in SORTS:
        yield Error(
            f"TASKS_DEFAULT_SORT is {settings.TASKS_DEFAULT_SORT!r}, which is not a sort.",
            hint=f"Use one of {', '.join(SORTS)}.",
            id="todo_api.E004",
        )


def check_rates() -> Iterator[CheckMessage]:
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
    """Require a Redis address with known options, if it is set. Nothing is sent to Redis."""
    if not settings.REDIS_URL:
        return
    from redis import RedisError  # 5 MB, for deployments with Redis only

    try:
        redis_storage(settings.REDIS_URL).storage.connection_pool.make_connection()
    except (ValueError, TypeError, RedisError):  # TypeError: an unknown option
        yield Error(  # without the address, which may hold a password
            "REDIS_URL is not the address of a Redis server, or has an unknown option.",
            hint=f"Use {FORM_OF_REDIS_URL}.",
            id="todo_api.E007",
        )


def check_row_level_security() -> Iterator[CheckMessage]:
    if not settings.ROW_LEVEL_SECURITY:
        return
    if connection.vendor != "postgresql":
        yield Error(
            "ROW_LEVEL_SECURITY is true, but the database is not PostgreSQL.",
            hint="Set DATABASE_URL, or leave ROW_LEVEL_SECURITY unset.",
            id="todo_api.E011",
        )
    if settings.ADMIN_ENABLED:
        yield Error(
            "ROW_LEVEL_SECURITY is true, so the admin would show no tasks.",
            hint="Set ADMIN_ENABLED=false. docs/deployment.md shows where to run the admin.",
            id="todo_api.E012",
        )


RULES: tuple[Callable[[], Iterator[CheckMessage]], ...] = (
    check_django_secret_key,
    check_algorithm,
    check_shared_secrets,
    check_key_set_address,
    check_better_auth_address,
    check_default_sort,
    check_rates,
    check_redis_address,
    check_row_level_security,
)


def check_user_table(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With REQUIRE_KNOWN_USER warn when the table of users cannot be read. Ignore an unreachable database.

    It is a warning, because `migrate` runs before Better Auth has created its tables. A server does not start with it.
    """
    if not settings.REQUIRE_KNOWN_USER:
        return []
    try:
        find_user("")
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        problem = str(error).partition("\n")[0]
        if isinstance(error, ProgrammingError) or "no such table" in problem:  # SQLite raises OperationalError
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


def check_policies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With ROW_LEVEL_SECURITY warn when the policies do not apply to the service's role.

    It is a warning, because `migrate` and the other commands run as the owner. A server does not start with it.
    """
    if not settings.ROW_LEVEL_SECURITY or connection.vendor != "postgresql":
        return []
    active = None
    with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:  # ignore an unreachable database
        cursor.execute(
            "SELECT bool_and(row_security_active(to_regclass(name)::oid)) FROM unnest(%s::text[]) AS name",
            [list(RIGHTS)],
        )
        [active] = cursor.fetchone()
    connection.close()
    if active is not False:  # None: there are no tables yet
        return []
    return [
        CheckWarning(
            "ROW_LEVEL_SECURITY is true, but PostgreSQL shows this role all rows.",
            hint="Run manage.py enable_row_level_security ROLE, and connect as that role.",
            id="todo_api.W002",
        )
    ]


def refuse_to_start_misconfigured() -> None:
    """Run all checks, also those of Django and of libraries. Raise ImproperlyConfigured for the first error."""
    for message in run_checks():
        if message.id in ("todo_api.W001", "todo_api.W002") or (message.level >= ERROR and not message.is_silenced()):
            text = f"{message.msg.rstrip('.')}. {message.hint or ''}".strip()
            for setting, variable in VARIABLES.items():
                text = text.replace(setting, variable)
            raise ImproperlyConfigured(text)

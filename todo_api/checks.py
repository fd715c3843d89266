"""Rules between settings, as system checks: `manage.py check` lists them, and a server with an error does not start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2: as long as the hash
ALGORITHMS = (*SECRET_BYTES,)
GENERATE = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """All of the rules below."""
    return [message for rule in RULES for message in rule()]


def check_secret_key() -> Iterator[CheckMessage]:
    """Django's own secret signs sessions and cursors; it has no default outside DEBUG."""
    if not settings.SECRET_KEY:
        yield Error("DJANGO_SECRET_KEY is not set.", hint=f"Generate one: {GENERATE}", id="todo_api.E001")


def check_algorithm() -> Iterator[CheckMessage]:
    """The algorithm is one that is verified here."""
    if settings.JWT_ALGORITHM not in ALGORITHMS:
        yield Error(
            f"JWT_ALGORITHM is {settings.JWT_ALGORITHM!r}, which is not known.",
            hint=f"Use one of {', '.join(ALGORITHMS)}.",
            id="todo_api.E002",
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
            id="todo_api.E003",
        )
    for name in ("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_PREVIOUS"):
        if 0 < len(getattr(settings, name).encode()) < needed:
            yield Error(
                f"{name} is shorter than {needed} bytes.",
                hint=f"Use a longer one, here and in Better Auth: {GENERATE}",
                id="todo_api.E004",
            )


def check_default_sort() -> Iterator[CheckMessage]:
    """TASKS_DEFAULT_SORT is a sort that the API knows."""
    from tasks.statements import SORTS

    if settings.TASKS_DEFAULT_SORT not in SORTS:
        yield Error(
            f"TASKS_DEFAULT_SORT is {settings.TASKS_DEFAULT_SORT!r}, which is not a sort.",
            hint=f"Use one of {', '.join(SORTS)}.",
            id="todo_api.E005",
        )


RULES: tuple[Callable[[], Iterator[CheckMessage]], ...] = (
    check_secret_key,
    check_algorithm,
    check_shared_secrets,
    check_default_sort,
)


def refuse_to_start_misconfigured() -> None:
    """Raise ImproperlyConfigured with one line for the first rule that is broken."""
    for message in check_settings(None):
        raise ImproperlyConfigured(f"{message.msg} {message.hint}")

"""`manage.py create_token alice --expires 1h`: a token for trying the API without a front end."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Parse `90s`, `15m`, `1h` or `7d`. Raise ValueError for other text."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    if not match:
        raise ValueError(text)
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def development_token(user_id: str, lifetime: timedelta) -> str:
    """Return a token as Better Auth signs it. Raise CommandError without DEBUG and in key-set mode."""
    if not settings.DEBUG:
        raise CommandError("Tokens are made in development only. DEBUG is off, so Better Auth must make them.")
    if not settings.JWT_ALGORITHM.startswith("HS"):
        raise CommandError(f"With JWT_ALGORITHM={settings.JWT_ALGORITHM} only Better Auth can sign tokens.")
    now = int(time.time())
    claims: dict[str, Any] = {"sub": user_id, "iat": now, "exp": now + int(lifetime.total_seconds())}
    if settings.JWT_ISSUER:
        claims["iss"] = settings.JWT_ISSUER
    if settings.JWT_AUDIENCE:
        claims["aud"] = settings.JWT_AUDIENCE[0]
    return jwt.encode(claims, settings.BETTER_AUTH_SECRET, algorithm=settings.JWT_ALGORITHM)


class Command(BaseCommand):
    """Prints only the token, so that a shell can use the output."""

    help = "Print a token for a user id. Works in development (DEBUG) only."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_id", help="the token's `sub` claim")
        parser.add_argument("--expires", type=duration, default=duration("1h"), help="90s, 15m, 1h (default), 7d")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(development_token(options["user_id"], options["expires"]))

"""REQUIRE_KNOWN_USER: refuse callers who are no longer in Better Auth's table of users, and banned ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import close_old_connections, connection
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

if TYPE_CHECKING:  # rest_framework.views imports the default permissions, so they cannot import it
    from rest_framework.request import Request
    from rest_framework.views import APIView


def find_user(user_id: str) -> dict[str, Any] | None:
    """Return Better Auth's row of this user, None without one, in one statement.

    All columns, because those of a ban exist only with Better Auth's admin plugin. The cast is for databases in which
    Better Auth's ids are UUIDs or numbers.
    """
    with connection.cursor() as cursor:
        cursor.execute('SELECT * FROM "user" WHERE CAST(id AS text) = %s', [user_id])
        row = cursor.fetchone()
        user = dict(zip([column[0] for column in cursor.description], row, strict=True)) if row else None
    if not connection.in_atomic_block:
        close_old_connections()  # back to the pool: the client may take half a minute to send the body
    return user


def is_banned(user: dict[str, Any]) -> bool:
    """Return whether a ban is in force. Better Auth removes an expired ban from the row at the next sign-in."""
    return bool(user.get("banned")) and not is_past(user.get("banExpires"))


def is_past(time: Any) -> bool:
    """Return whether a time of Better Auth is past: a timestamp, or on SQLite a text of ISO 8601. None never is."""
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if not isinstance(time, datetime):
        return False
    return (time if time.tzinfo else time.replace(tzinfo=UTC)) <= datetime.now(UTC)


class IsKnownUser(BasePermission):
    """Refuses a token of a deleted or banned user (401). It is the last permission, because it runs a statement."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not settings.REQUIRE_KNOWN_USER:
            return True
        caller: Any = request.user
        user = find_user(caller.user_id)
        if user is None:
            raise AuthenticationFailed("Invalid token: its user no longer exists", code="token_invalid")
        if is_banned(user):
            raise AuthenticationFailed("Invalid token: its user is banned", code="token_invalid")
        return True

"""REQUIRE_KNOWN_USER: refuse callers who are no longer in Better Auth's table of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import close_old_connections, connection
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

if TYPE_CHECKING:  # rest_framework.views imports the default permissions, so they cannot import it
    from rest_framework.request import Request
    from rest_framework.views import APIView


def is_known(user_id: str) -> bool:
    """Return whether Better Auth still has this user, in one statement.

    The cast is for databases in which Better Auth's ids are UUIDs or numbers.
    """
    with connection.cursor() as cursor:
        cursor.execute('SELECT EXISTS (SELECT 1 FROM "user" WHERE CAST(id AS text) = %s)', [user_id])
        known = bool(cursor.fetchone()[0])
    if not connection.in_atomic_block:
        close_old_connections()  # back to the pool: the client may take half a minute to send the body
    return known


class IsKnownUser(BasePermission):
    """Refuses a token of a deleted user (401). It is the last permission, because it runs a statement."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        caller: Any = request.user
        if settings.REQUIRE_KNOWN_USER and not is_known(caller.user_id):
            raise AuthenticationFailed("Invalid token: its user no longer exists", code="token_invalid")
        return True

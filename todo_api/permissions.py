"""Who may call at all, where a valid token is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from todo_api.models import is_known

if TYPE_CHECKING:  # as in tasks/permissions.py
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsKnownUser(BasePermission):
    """With REQUIRE_KNOWN_USER the caller is still a user of Better Auth. The last permission: it costs a statement."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or AuthenticationFailed (401): the token is no longer good."""
        caller: Any = request.user
        if settings.REQUIRE_KNOWN_USER and not is_known(caller.user_id):
            raise AuthenticationFailed("Invalid token: its user no longer exists", code="token_invalid")
        return True

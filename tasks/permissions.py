"""The permission for paths with a user id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

if TYPE_CHECKING:  # rest_framework.views imports the default permissions, so they cannot import it
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsPathOwner(BasePermission):
    """Refuses a path with the id of another user (403), before the body is read."""

    message = "Access denied: cannot access another user's tasks"

    def has_permission(self, request: Request, view: APIView) -> bool:
        caller: Any = request.user
        return bool(view.kwargs.get("user_id", caller.user_id) == caller.user_id)

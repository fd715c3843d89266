"""Whose path it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

if TYPE_CHECKING:  # rest_framework.views imports this module, the default permission, while it is being imported
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsPathOwner(BasePermission):
    """The user in the path, where there is one, is the caller. Decided before the body is read."""

    message = "Access denied: cannot access another user's tasks"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True when the path names nobody or the caller."""
        caller: Any = request.user
        return bool(view.kwargs.get("user_id", caller.user_id) == caller.user_id)

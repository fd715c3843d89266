"""The admin site: limits for the sign-in, and a 400 for values that Django's admin does not check.

See docs/decisions/0018-the-admins-sign-in-is-bounded.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import BadRequest, FieldDoesNotExist
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from rest_framework.exceptions import Throttled

from todo_api.logging import class_and_stack
from todo_api.throttling import client_address, rate_limits

logger = logging.getLogger(__name__)

password_check = threading.Lock()  # a check of a password takes 0.3 seconds of CPU time


class OperatorSiteConfig(AdminConfig):
    default_site = "todo_api.admin_site.OperatorSite"


class OperatorSite(AdminSite):
    site_header = site_title = "Task API"
    index_title = "Operations"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the form. Check a password only within the limits, and one at a time in this process."""
        if request.method != "POST":
            return super().login(request, extra_context)
        count_attempt(request)
        if not password_check.acquire(blocking=False):  # waiting would hold threads that serve requests
            raise Throttled(1)
        try:
            response = super().login(request, extra_context)
        finally:
            password_check.release()
        if getattr(request, "axes_locked_out", False):
            raise Throttled(int(settings.AXES_COOLOFF_TIME.total_seconds()), "Too many attempts to sign in failed.")
        return response

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Wrap every page except the sign-in."""
        return super().admin_view(refuse_values(view), cacheable)

    def get_urls(self) -> list[Any]:
        """Return Django's URLs without the redirect to an object's own page, because tasks have none."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]


def refuse_values(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer 400 to a value that Django's admin does not check and that the database or Python refuses."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            response = view(request, *args, **kwargs)
            return response.render() if isinstance(response, SimpleTemplateResponse) else response
        except (ValueError, OverflowError, DataError, FieldDoesNotExist) as error:
            # The message of the error is left out, because it holds the value. The stack shows whether it is a bug.
            logger.warning("The admin answers 400: %s", class_and_stack(error))
            raise BadRequest from error

    return checked


def count_attempt(request: HttpRequest) -> None:
    """Count an attempt to sign in for its address and for all addresses. Raise Throttled over the limit."""
    limits = rate_limits()
    for name, key in (("sign-in", client_address(request)), ("sign-ins", "all")):
        usage = limits[name].hit(key) if name in limits else None
        if usage and usage.is_over:
            raise Throttled(usage.seconds)


def attempt_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """AXES_USERNAME_CALLABLE. No name is stored: what is typed into this field may be a password.

    Not None: two workers could then store two rows for one client, because NULLs are distinct, and axes expects one.
    """
    return ""


def attempt_label(username: str, address: str, *details: object) -> str:
    """AXES_CLIENT_STR_CALLABLE: what log lines show of a client."""
    return address

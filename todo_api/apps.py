"""The HTTP side as a Django app: its checks, commands, templates and assets."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register


class TodoApiConfig(AppConfig):
    """Registers what Django finds by registration alone."""

    name = "todo_api"

    def ready(self) -> None:
        """Checks, and the OpenAPI description of our authentication."""
        from todo_api import checks
        from todo_api.identity import authentication  # noqa: F401

        register(checks.check_settings, Tags.security)
        register(checks.check_user_table, Tags.database)

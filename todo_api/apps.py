"""The HTTP part of the service as a Django app: checks, commands, templates and static files."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register


class TodoApiConfig(AppConfig):
    """Registers what Django does not discover by itself."""

    name = "todo_api"

    def ready(self) -> None:
        """Register the checks and the OpenAPI description of the authentication."""
        from todo_api import checks  # imports models, so it needs loaded apps
        from todo_api.identity import authentication  # noqa: F401

        register(checks.check_settings, Tags.security)
        register(checks.check_user_table, Tags.database)
        register(checks.check_policies, Tags.database)

"""The caller of the request in work, for the database's policies. See docs/decisions/0027-row-level-security.md."""

from __future__ import annotations

from contextvars import ContextVar

current_user: ContextVar[str | None] = ContextVar("current_user", default=None)

"""Statements that tell the database who the caller is. See docs/decisions/0027-row-level-security.md."""

from __future__ import annotations

from typing import Any, Self

import psycopg

from todo_api.identity.current_user import current_user


class CallersCursor(psycopg.ClientCursor[Any]):
    """Sends the caller's id before the statement, in the same message, which is one transaction.

    `SET LOCAL` ends with the transaction, so another client of a pooler never gets it. Without a caller no id is sent,
    and the policies hide all rows.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        user_id = current_user.get()
        if user_id is None:
            return super().execute(query, params, **options)
        if params is None:  # then % is an ordinary character
            query, params = query.replace("%", "%%"), ()
        super().execute(f"SET LOCAL app.user_id = %s; {query}", [user_id, *params], **options)
        self.nextset()
        return self

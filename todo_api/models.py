"""Better Auth's users, where they live in the same database: read here, and never written."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import NotSupportedError, connection, models


def refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Stands in the place of whatever writes."""
    raise NotSupportedError("Better Auth's users are read here, never written.")


class ReadOnlyQuerySet(models.QuerySet["BetterAuthUser"]):
    """Reads alone."""

    update = delete = bulk_create = bulk_update = refuse


class BetterAuthUser(models.Model):
    """A row of Better Auth's own table, as far as it is looked at here. The id may be of another type there."""

    id = models.TextField(primary_key=True)
    email = models.TextField()

    objects = ReadOnlyQuerySet.as_manager()
    save = delete = refuse

    class Meta:
        managed = False
        db_table = "user"
        default_permissions = ()

    def __str__(self) -> str:
        return self.email


def is_known(user_id: str) -> bool:
    """Whether Better Auth still has this user; one statement. The cast is for ids that are UUIDs or numbers there."""
    with connection.cursor() as cursor:
        cursor.execute('SELECT EXISTS (SELECT 1 FROM "user" WHERE CAST(id AS text) = %s)', [user_id])
        return bool(cursor.fetchone()[0])

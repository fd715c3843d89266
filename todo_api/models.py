"""Better Auth's users, where they are in the same database."""

from __future__ import annotations

from django.db import models


class BetterAuthUser(models.Model):
    """The columns of Better Auth's table that the admin shows. Better Auth makes and migrates the table.

    The service only reads it; a database grant enforces that (docs/deployment.md). The id may have another type there.
    """

    id = models.TextField(primary_key=True)
    email = models.TextField()

    class Meta:
        managed = False
        db_table = "user"
        default_permissions = ()

    def __str__(self) -> str:
        return self.email

"""Better Auth's users, for deployments with one database for both."""

from __future__ import annotations

from django.db import models


class BetterAuthUser(models.Model):
    """The columns of Better Auth's table that the admin shows. Better Auth creates and migrates the table.

    The service only reads it; a database grant enforces that (docs/deployment.md). Its ids may have another type.
    """

    id = models.TextField(primary_key=True)
    email = models.TextField()

    class Meta:
        managed = False
        db_table = "user"
        default_permissions = ()

    def __str__(self) -> str:
        return self.email

"""`manage.py enable_row_level_security ROLE`: policies for PostgreSQL, and the rights of the service's role."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError, connection, transaction

RIGHTS = {
    "tasks": "SELECT, INSERT, UPDATE, DELETE",
    "task_versions": "SELECT, INSERT, UPDATE",
    "deleted_tasks": "SELECT, INSERT, UPDATE",
}
# Without a second argument current_setting() raises an error when the setting is missing.
POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON {table};
CREATE POLICY own_rows ON {table} USING (user_id = current_setting('app.user_id', true));
GRANT {rights} ON {table} TO {role};
"""


class Command(BaseCommand):
    help = (
        "Let all roles but the tables' owner see only the rows of the caller, and give ROLE the rights of the service."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="the service's role, which is not the owner of the tables")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Row-level security needs PostgreSQL.")
        role = connection.ops.quote_name(options["role"])
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"GRANT SELECT ON django_migrations TO {role}")  # for /health/ready
                for table, rights in RIGHTS.items():
                    cursor.execute(POLICY.format(table=table, rights=rights, role=role))
        except ProgrammingError as error:
            raise CommandError(str(error).partition("\n")[0]) from error
        self.stdout.write(
            f"Row-level security is on. Start the service as {options['role']} with ROW_LEVEL_SECURITY=true."
        )

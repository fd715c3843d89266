#!/usr/bin/env python
"""Django's command line; `manage.py help` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, connection


def main() -> None:
    """Run the command. A wrong configuration and an unreachable database are one line, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todo_api.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")
    except OperationalError as error:
        if "--traceback" in sys.argv or connection.connection is not None:  # an error of a statement, not of connecting
            raise
        problem = str(error).partition("\n\tIs the server running")[0]  # libpq's hint
        sys.exit(f"The database cannot be used: {' '.join(problem.split())}. Check DATABASE_URL.")


if __name__ == "__main__":
    main()

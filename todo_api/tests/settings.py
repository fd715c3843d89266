"""Settings as they are with other variables."""

import os
import runpy
from unittest.mock import patch

from django.conf import settings

from todo_api.tests.server import clean_environment


def read_settings(**variables):
    """Return the names of the settings module in an environment with `variables`."""
    with patch.dict(os.environ, clean_environment(**variables), clear=True):
        return runpy.run_path(str(settings.BASE_DIR / "todo_api/settings.py"))

"""The tests do not depend on the variables of the shell that starts them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

EXPORTED = {
    "REQUIRE_KNOWN_USER": "true",
    "CSRF_TRUSTED_ORIGINS": "nonsense",
    "PORT": "nonsense",
    "DB_POOL_SIZE": "nonsense",
    "WEB_CONCURRENCY": "nonsense",
    "PROMETHEUS_MULTIPROC_DIR": "/does/not/exist",
    "TEST_DB": "sqlite",
}


@pytest.mark.timeout(150)  # other programs may use the machine
def test_exported_variables_of_the_service_change_no_test():
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | EXPORTED
    files = ["tasks/tests/test_retrieve.py", "todo_api/tests/test_metrics.py", "todo_api/tests/test_server.py"]

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *files],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr

"""The end-to-end tests of the client package, for a short time. `make client-e2e` runs them for longer."""

import re
import subprocess
import sys

import pytest

from e2e.processes import CLIENT, node_environment


@pytest.mark.timeout(300)
def test_no_write_is_lost_while_the_network_is_cut(record_property):
    environment = node_environment(PYTHON=sys.executable, SECONDS="15", NO_COLOR="1")
    command = ["npm", "run", "--silent", "test:e2e"]
    result = subprocess.run(command, cwd=CLIENT, env=environment, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
    [counts] = re.findall(r"^\{.*\}$", result.stdout, re.MULTILINE)
    record_property("client package, network cut at random moments", counts)

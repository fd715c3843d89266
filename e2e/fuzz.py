"""schemathesis sends generated requests to a running service. `make fuzz` runs this; `make e2e` does not.

CASES is the least number of requests. Every check but one is on: e2e/schemathesis.toml says which. SEED repeats a run.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.conf import settings

from e2e.processes import SECRET, Service
from todo_api.tests.server import ERRORS
from todo_api.tests.tokens import make_token

CASES = int(os.environ.get("CASES", "500"))
SEED = os.environ.get("SEED", "1")
DAY = 86_400  # seconds

pytestmark = pytest.mark.timeout(120 + CASES)


def users_file(folder):
    """Write the users' tokens in the form of Web Fuzzing Commons, and return the path."""
    users = [{"name": name, "fixedHeaders": [bearer(name)]} for name in ("alice", "bob")]
    path = folder / "users.json"
    path.write_text(json.dumps({"auth": users}))
    return str(path)


def bearer(user_id):
    token = make_token(user_id, secret=SECRET, exp=int(time.time()) + DAY)
    return {"name": "Authorization", "value": f"Bearer {token}"}


def schemathesis(service, folder):
    """Run schemathesis, show its output, and return its exit status and whether a request could not be made."""
    examples = 1 + CASES // 40  # of each of the 26 operations, and as many sequences of requests
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "e2e/schemathesis.toml", "run"]
    command += [f"{service.url}/openapi.json", "--max-examples", str(examples), "--seed", SEED]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "USERS": users_file(folder)}
    output = ""
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            output += line
    return process.returncode, " errored" in output


def responses(service):
    """Return how often each operation responded with each status, from the request log."""
    entries = map(json.loads, service.log.splitlines())
    return Counter((entry["route"], entry["method"], entry["status"]) for entry in entries if "route" in entry)


def report(counts):
    print(f"{counts.total()} requests", *Counter(status for *_, status in counts.elements()).items())
    for route, method in sorted({key[:2] for key in counts}):
        statuses = {key[2]: number for key, number in sorted(counts.items()) if key[:2] == (route, method)}
        print(f"{method:8}{route:36}{sum(statuses.values()):6}  {statuses}")


def test_no_generated_request_fails_a_check(start, new_database, tmp_path):
    service = start(Service, DATABASE_URL=new_database("fuzz"), RATE_LIMIT="1000000/minute", RATE_LIMIT_ANON="")

    status, has_errors = schemathesis(service, tmp_path)

    counts = responses(service)
    report(counts)
    assert (status, has_errors) == (0, False)
    assert counts.total() >= CASES
    assert not any(status >= 500 for *_, status in counts)
    assert not ERRORS.search(service.log)

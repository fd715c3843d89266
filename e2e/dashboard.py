"""The panels of the Grafana dashboard show figures of a service under load: `make dashboard` draws them.

A real Prometheus reads two instances: one with a shared secret and 24 clients, one with the key set of Better Auth.
During the load the database stops for ten seconds, and expired tokens arrive.
"""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
import requests

from e2e.people import Person
from e2e.plots import dashboard
from e2e.processes import SECRET, BetterAuth, Process, Service
from todo_api.tests.server import METRICS_TOKEN
from todo_api.tests.test_monitoring import FOLDER, PANELS
from todo_api.tests.tokens import make_token

STEP, SECONDS = 2, 150
PICTURE = os.environ.get("DASHBOARD_PICTURE")
RATE_INTERVAL = "10s"  # Grafana's $__rate_interval is at least four times the interval of the scrapes

pytestmark = pytest.mark.timeout(2 * SECONDS + 60)


class Prometheus(Process):
    ready = "/-/ready"

    def __init__(self, logs, port=None, *, instances):
        super().__init__(logs, port)
        job = {
            "job_name": "task-api",
            "authorization": {"credentials": METRICS_TOKEN},
            "static_configs": [{"targets": [f"127.0.0.1:{instance.port}" for instance in instances]}],
        }
        file = logs / "prometheus.json"
        configuration = {"global": {"scrape_interval": f"{STEP}s"}, "rule_files": [f"{FOLDER}/alerts.yml"]}
        file.write_text(json.dumps(configuration | {"scrape_configs": [job]}))
        address, data = f"--web.listen-address=127.0.0.1:{self.port}", f"--storage.tsdb.path={logs}/prometheus"
        self.command = [shutil.which("prometheus"), f"--config.file={file}", address, data]

    def environment(self):
        return {}

    def query(self, expression, begin, end):
        """Return {labels: [(seconds since begin, value)]} for each series."""
        parameters = {"query": expression, "start": begin, "end": end, "step": STEP}
        answer = requests.get(f"{self.url}/api/v1/query_range", params=parameters, timeout=30).json()
        assert answer["status"] == "success", answer
        return [
            (series["metric"], [(at - begin, float(value)) for at, value in series["values"] if value != "NaN"])
            for series in answer["data"]["result"]
        ]


def series_of(panel, prometheus, begin, end):
    """Return {legend: points} for the panel's own expressions, as Grafana evaluates them."""
    found = {}
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", RATE_INTERVAL)
        for labels, points in prometheus.query(expression, begin, end):
            name = target["legendFormat"]
            for label, value in labels.items():
                name = name.replace(f"{{{{{label}}}}}", value)
            found[name] = points
    return found


def test_every_panel_shows_figures_under_load(start, own_database, load):
    url = {"DATABASE_URL": own_database.url, "METRICS_TOKEN": METRICS_TOKEN}
    better_auth = start(BetterAuth, JWT_ALGORITHM="EdDSA")
    with_secret = start(Service, **url, WEB_CONCURRENCY="2")
    with_keys = start(Service, **url, JWT_ALGORITHM="EdDSA", BETTER_AUTH_URL=better_auth.address)
    prometheus = start(Prometheus, instances=[with_secret, with_keys])
    alice, expired = Person(better_auth), make_token("bob", secret=SECRET, exp=1)
    begin = time.time()
    clients = load(with_secret, SECONDS, pause=0.2)
    while (elapsed := time.time() - begin) < SECONDS:
        with_keys.call(alice.token(), "GET", "/api/tasks")
        if 30 < elapsed < 45:
            with_secret.call(expired, "GET", "/api/tasks")
        if 75 < elapsed < 85 and own_database.process:
            own_database.stop()
        if elapsed > 85 and not own_database.process:
            own_database.start()
        time.sleep(0.2)
    clients.report(own_database).print("load of the dashboard")

    shown = {panel["id"]: series_of(panel, prometheus, begin, begin + SECONDS) for panel in PANELS}

    if PICTURE:
        Path(PICTURE).write_text(dashboard(PANELS, shown, SECONDS))
    assert all(any(points for points in series.values()) for series in shown.values())
    assert {"token_expired", "database_unavailable"} <= shown[5].keys()

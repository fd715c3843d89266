"""deploy/monitoring: rules and dashboard are valid, and use only metrics that the service has."""

import json
import re
import shutil
import subprocess

import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from todo_api.metrics import registry
from todo_api.tests.server import METRICS_TOKEN

FOLDER = settings.BASE_DIR / "deploy" / "monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text()
PANELS = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
METRIC = re.compile(r"\b((?:http|key_set|database)_[a-z_]+)(?=[{\[) ])")

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: apt-get install prometheus")


def promtool(*arguments, **options):
    """Run promtool; its output is the message of a failure."""
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def families():
    return {
        name for metric in registry.collect() for name in [metric.name, *(sample.name for sample in metric.samples)]
    }


@needs_promtool
def test_the_rules_are_valid():
    promtool("check", "rules", "alerts.yml")


@needs_promtool
def test_the_alerts_fire_when_they_should():
    promtool("test", "rules", "alerts.test.yml")


@needs_promtool
def test_the_configuration_is_valid():
    promtool("check", "config", "--syntax-only", "prometheus.yml")


@needs_promtool
def test_the_expressions_of_the_dashboard_are_valid(tmp_path):
    rules = [{"record": f"panel:{n}", "expr": expression.replace("$__rate_interval", "1m")}
             for n, expression in enumerate(EXPRESSIONS)]  # fmt: skip
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))

    promtool("check", "rules", str(file))


@needs_promtool
def test_the_metrics_are_valid(server):
    server.get("/api/tasks")

    status, text = server.get("/metrics", Authorization=f"Bearer {METRICS_TOKEN}")

    assert status == 200
    promtool("check", "metrics", input=text)


@pytest.mark.parametrize("source", [ALERTS, "\n".join(EXPRESSIONS)], ids=["alerts", "dashboard"])
def test_only_metrics_of_the_service_are_used(source):
    used = set(METRIC.findall(source))

    assert len(used) > 3
    assert used <= families() | {"http_requests_total", "http_request_duration_seconds_bucket"}


def test_problems_are_counted_from_zero(server):
    _, text = server.get("/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
    [problems] = [family for family in text_string_to_metric_families(text) if family.name == "http_problems"]

    used = set(re.findall(r'code="(\w+)"', ALERTS))
    assert used < {sample.labels["code"] for sample in problems.samples}


def test_each_alert_is_explained():
    operations = (settings.BASE_DIR / "docs" / "operations.md").read_text()

    for alert in re.findall(r"- alert: (\w+)", ALERTS):
        assert f"| `{alert}` |" in operations

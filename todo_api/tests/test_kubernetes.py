"""deploy/kubernetes. `make check` compares the files with the schemas of Kubernetes."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from django.conf import settings

from todo_api.health import HEALTH_CHECKS
from todo_api.tests.environment import variables_of_the_service
from todo_api.tests.server import clean_environment

FOLDER = settings.BASE_DIR / "deploy/kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())


def manifest(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


def pod(name):
    return manifest(name)["spec"]["template"]["spec"]


def container(name):
    [container] = pod(name)["containers"]
    return container


def test_every_file_is_applied():
    assert set(KUSTOMIZATION["resources"]) == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kustomize_can_build_it():
    result = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True, check=True)

    built = {document["kind"]: document for document in yaml.safe_load_all(result.stdout)}
    assert len(built) == len(KUSTOMIZATION["resources"]) + 1  # and the ConfigMap
    assert "Secret" not in built
    labels = built["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert built["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert built["Service"]["spec"]["selector"].items() <= labels.items()


def test_a_variable_is_one_of_the_service():
    configured = {literal.partition("=")[0] for literal in KUSTOMIZATION["configMapGenerator"][0]["literals"]}
    given = {variable["name"] for name in ("deployment", "migrate") for variable in container(name)["env"]}

    assert configured | given <= set(variables_of_the_service())


@pytest.mark.parametrize("name", ["deployment", "migrate"])
def test_a_pod_has_no_rights(name):
    assert pod(name)["automountServiceAccountToken"] is False
    assert pod(name)["securityContext"] == {
        "runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/health/ready")],
)
def test_a_probe_requests_a_health_check(probe, path):
    assert container("deployment")[probe]["httpGet"] == {"path": path, "port": "http"}
    assert path in HEALTH_CHECKS


def test_the_port_is_the_one_that_the_service_listens_on():
    parts = container("deployment")

    assert {"name": "PORT", "value": str(parts["ports"][0]["containerPort"])} in parts["env"]


def test_a_pod_is_not_killed_while_it_drains():
    command = [sys.executable, "-m", "gunicorn", "--print-config"]
    config = subprocess.run(
        command, env=clean_environment(), cwd=settings.BASE_DIR, capture_output=True, text=True
    ).stdout
    [graceful_timeout] = re.findall(r"^graceful_timeout += (\d+)$", config, re.MULTILINE)

    assert pod("deployment")["terminationGracePeriodSeconds"] >= int(graceful_timeout) + 10


def test_a_secret_is_only_referred_to():
    assert "secretRef" in str(container("deployment")["envFrom"])
    assert all("SECRET" not in literal for literal in KUSTOMIZATION["configMapGenerator"][0]["literals"])

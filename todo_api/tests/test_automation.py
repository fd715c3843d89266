"""The GitHub workflow, Dependabot and the dev container agree with the Makefile and the image."""

import json
import re
import tomllib

import pytest
import yaml
from django.conf import settings

from todo_api.tests.test_compose import commands_of_the_image, services

ROOT = settings.BASE_DIR
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text())
DEV_CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())


def steps(job):
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def image_python():
    [version] = set(re.findall(r"^FROM python:(3\.\d+)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    return version


def targets():
    return set(re.findall(r"^([a-z0-9.-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("command", [command for job in WORKFLOW["jobs"] for command in steps(job)])
def test_a_make_target_exists(command):
    assert set(re.findall(r"make ([^ ]+)", command)) <= targets()


def test_the_workflow_runs_what_ci_runs():
    commands = re.findall(r"^make .*$", (ROOT / ".ci/run").read_text(), re.MULTILINE)

    assert [run for job in ("test", "check") for run in steps(job) if run.startswith("make")] == commands


def test_the_workflow_tests_the_oldest_python_to_that_of_the_image():
    oldest = re.search(r"sys.version_info < \(3, (\d+)\)", (ROOT / "Makefile").read_text())[1]
    newest = image_python().partition(".")[2]

    tested = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"]

    assert tested == [f"3.{minor}" for minor in range(int(oldest), int(newest) + 1)]


def test_ruff_checks_for_the_oldest_python():
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]

    assert ruff["target-version"].replace("py3", "3.") == WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"][0]


def test_a_job_may_only_read():
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_the_dev_container_has_the_python_of_the_image():
    assert f":{image_python()}-" in DEV_CONTAINER["image"]


@pytest.mark.parametrize(
    ("ecosystem", "file"),
    [
        ("uv", "requirements.in"),
        ("npm", "package.json"),
        ("docker", "Dockerfile"),
        ("docker-compose", "compose.yaml"),
        ("github-actions", ".github/workflows"),
    ],
)
def test_dependabot_finds_the_file(ecosystem, file):
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    [update] = [update for update in updates if update["package-ecosystem"] == ecosystem]

    for folder in update.get("directories") or [update["directory"]]:
        assert (ROOT / folder.strip("/") / file).exists()


def test_compose_runs_the_command_of_the_image():
    assert "command" not in services()["service"]
    assert commands_of_the_image()[1] == services("compose.override.yaml")["service"]["command"][:3]

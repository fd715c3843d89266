"""compose.yaml and the files that change it. No container engine is needed: their commands run as processes."""

import json
import re
import shutil
import subprocess
import sys
import time

import pytest
import yaml
from django.conf import settings

from todo_api.tests.environment import variables_of_the_service
from todo_api.tests.server import Server, clean_environment, free_port

FILES = ["compose.yaml", "compose.override.yaml", "compose.tls.yaml"]
OURS = ["service", "migrate"]


class Loader(yaml.SafeLoader):
    """YAML with Compose's tag for a value that is taken away."""


Loader.add_constructor("!reset", lambda loader, node: None)


def services(name="compose.yaml"):
    return yaml.load((settings.BASE_DIR / name).read_text(), Loader)["services"]


def commands_of_the_image():
    """The command of its health check, and the one that it runs."""
    text = (settings.BASE_DIR / "Dockerfile").read_text()
    return [json.loads(command) for command in re.findall(r"^ *CMD (\[.+\])$", text, re.MULTILINE)]


def as_process(command, port=8000):
    """A command of the image as a process here: this Python, and another port."""
    command = [sys.executable, *command[1:]] if command[0] == "python" else command
    return [part.replace("8000", str(port)) for part in command]


def run(command, **variables):
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=clean_environment(**variables), capture_output=True, text=True, check=False
    )


def health(command, port):
    return run(as_process(command, port), PORT=str(port)).returncode


def all_services():
    return [(name, service, parts) for name in FILES for service, parts in services(name).items()]


@pytest.mark.parametrize(
    ("file", "service", "parts"), all_services(), ids=lambda part: part if str(part) == part else ""
)
def test_an_image_names_its_version(file, service, parts):
    image = parts.get("image", "task-api")

    assert image == "task-api" or re.fullmatch(r"[a-z/]+:\d+(\.\d+)*(-alpine)?", image)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("service", OURS)
def test_a_variable_of_the_service_is_in_the_example(file, service):
    assert set(services(file).get(service, {}).get("environment", {})) <= set(variables_of_the_service())


@pytest.mark.parametrize("file", FILES)
def test_a_variable_that_an_operator_sets_is_documented(file):
    variables = set(re.findall(r"\$\{(\w+)", (settings.BASE_DIR / file).read_text()))

    assert all(f"{name}=" in (settings.BASE_DIR / "docs/deployment.md").read_text() for name in variables)


def test_a_service_starts_after_what_it_needs():
    needs = {service: parts.get("depends_on", {}) for service, parts in services().items()}

    assert {
        service: {name: need["condition"] for name, need in wanted.items()} for service, wanted in needs.items()
    } == {
        "proxy": {"service": "service_healthy"},
        "service": {"migrate": "service_completed_successfully", "redis": "service_healthy"},
        "migrate": {"database": "service_healthy"},
        "database": {},
        "redis": {},
    }


@pytest.mark.parametrize("service", ["proxy", "service", "database", "redis"])
def test_what_others_wait_for_has_a_health_check(service):
    assert services()[service]["healthcheck"]["test"][0] == "CMD"


def test_database_and_redis_are_reached_only_by_the_service():
    parts = services()

    assert [name for name in parts if "ports" in parts[name]] == ["proxy"]
    assert "back" not in parts["proxy"]["networks"]
    assert parts["database"]["networks"] == parts["redis"]["networks"] == ["back"]


@pytest.mark.parametrize("service", OURS)
def test_a_container_of_the_service_has_no_rights(service):
    parts = services()[service]

    assert parts["read_only"] is True
    assert parts["cap_drop"] == ["ALL"]
    assert parts["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.django_db(transaction=True)
def test_the_health_checks_know_a_running_service_from_a_stopped_one(server):
    commands = [commands_of_the_image()[0], services()["service"]["healthcheck"]["test"][1:]]

    assert [health(command, server.port) for command in commands] == [0, 0]
    assert all(health(command, free_port()) for command in commands)


def test_the_health_check_of_compose_fails_without_the_database(tmp_path):
    server = Server(tmp_path, as_process(commands_of_the_image()[1]), DATABASE_URL="postgresql://u:p@127.0.0.1:1/n")
    try:
        assert health(services()["service"]["healthcheck"]["test"][1:], server.port) != 0
    finally:
        server.stop()


def test_the_migration_can_be_repeated(tmp_path):
    command = as_process(services()["migrate"]["command"])
    url = f"sqlite:///{tmp_path}/db.sqlite3"

    first, second = run(command, DATABASE_URL=url), run(command, DATABASE_URL=url)

    assert "Applying tasks.0001_initial... OK" in first.stdout
    assert "No migrations to apply." in second.stdout


def test_in_development_the_service_restarts_when_a_file_changes(tmp_path):
    for name in ("manage.py", "gunicorn.conf.py"):
        shutil.copy(settings.BASE_DIR / name, tmp_path)
    for name in ("todo_api", "tasks"):
        shutil.copytree(settings.BASE_DIR / name, tmp_path / name, ignore=shutil.ignore_patterns("tests"))
    parts = services("compose.override.yaml")["service"]
    server = Server(tmp_path, as_process(parts["command"]), cwd=tmp_path, **parts["environment"])
    code = tmp_path / "todo_api/health.py"

    def shows_the_change():
        code.touch()  # again and again: gunicorn notices no change before its first look at the files
        return server.responds() and "changed" in server.get("/health")[1]

    try:
        code.write_text(code.read_text().replace('"status": "ok"', '"status": "changed"'))
        server.wait_until(shows_the_change)
    finally:
        server.stop()


@pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")
def test_redis_starts_and_its_health_check_succeeds():
    parts, port = services()["redis"], str(free_port())
    check = [*parts["healthcheck"]["test"][1:2], "-p", port, *parts["healthcheck"]["test"][2:]]
    redis = subprocess.Popen([*parts["command"], "--port", port], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while "PONG" not in run(check).stdout:
            assert time.monotonic() < deadline
    finally:
        redis.terminate()
        redis.wait()

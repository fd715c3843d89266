"""GET /health and GET /health/ready."""

import time

import pytest
from django.db import connection

from todo_api import __version__, health

# The address of a pod, a name that is not configured, and a value that is not a host.
HOSTS = ["10.1.2.3:8000", "evil.example", "[::1]:8000", "not a host!"]


@pytest.fixture
def unmigrated(transactional_db):
    """A database without the migrations of tasks, as after a deployment without `migrate`."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'gone' WHERE app = 'tasks'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'tasks' WHERE app = 'gone'")


@pytest.fixture(autouse=True)
def no_kept_result(monkeypatch):
    """Each test starts without a result, and keeps none unless it sets KEPT."""
    monkeypatch.setattr(health, "readiness", health.Readiness())
    monkeypatch.setattr(health, "KEPT", 0)


# Without the `db` fixture a query fails.
def test_alive_has_the_version(client):
    response = client.get("/health")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "version": __version__}


@pytest.mark.parametrize("host", HOSTS)
def test_alive_for_any_host(client, host):
    assert client.get("/health", HTTP_HOST=host).status_code == 200


@pytest.mark.parametrize("headers", [{"HTTP_AUTHORIZATION": "Bearer nonsense"}, {"HTTP_ACCEPT": "text/plain"}])
def test_alive_whatever_the_headers(client, headers):
    assert client.get("/health", **headers).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
@pytest.mark.django_db(transaction=True)
def test_a_health_check_may_use_head(client, path):
    assert client.head(path).status_code == 200


def test_alive_while_the_database_is_unavailable(client, unreachable_database):
    assert client.get("/health").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("host", ["testserver", *HOSTS])
def test_ready_for_any_host(client, host):
    response = client.get("/health/ready", HTTP_HOST=host)

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "version": __version__}


def test_not_ready_without_the_migrations(client, unmigrated):
    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "failed": "migrations"}
    assert response["Retry-After"] == "1"


def test_ready_as_soon_as_the_migrations_are_there(client, unmigrated):
    before = client.get("/health/ready")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'tasks' WHERE app = 'gone'")

    after = client.get("/health/ready")

    assert (before.status_code, after.status_code) == (503, 200)


def test_not_ready_without_the_database(client, unreachable_database):
    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "failed": "database"}
    assert response["Retry-After"] == "1"


def test_the_reason_is_logged_and_not_shown(client, unreachable_database, caplog):
    response = client.get("/health/ready")

    assert "Not ready: " in caplog.text
    assert "connect" not in response.content.decode()


def test_a_database_that_hangs_is_503_after_2_seconds(client, hanging_database):
    begin = time.monotonic()
    response = client.get("/health/ready")
    seconds = time.monotonic() - begin

    assert response.json() == {"status": "unavailable", "failed": "database"}
    assert 1.8 < seconds < 4


def test_health_checks_of_a_database_that_hangs_share_one_check(client, hanging_database, monkeypatch, caplog):
    monkeypatch.setattr(health, "READY_WITHIN", 0.5)
    begin = time.monotonic()
    for _ in range(5):
        client.get("/health/ready")
    seconds = time.monotonic() - begin

    hanging_database.close()
    health.readiness._check.result(5)

    assert seconds < 2
    assert caplog.text.count("Not ready: ") == 1


@pytest.mark.django_db(transaction=True)
def test_a_result_is_kept(client, monkeypatch):
    checks = []
    monkeypatch.setattr(health, "KEPT", 1)
    monkeypatch.setattr(health, "check_database", lambda: checks.append(1))

    assert {client.get("/health/ready").status_code for _ in range(20)} == {200}
    assert len(checks) == 1


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_the_table(client):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tasks RENAME TO lost")
    missing = client.get("/health/ready")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lost RENAME TO tasks")

    assert (missing.status_code, missing.json()["failed"]) == (503, "database")
    assert client.get("/health/ready").status_code == 200


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no standby")
def test_not_ready_while_the_database_is_read_only(client, read_only_database):
    response = client.get("/health/ready")

    assert (response.status_code, response.json()["failed"]) == (503, "database")

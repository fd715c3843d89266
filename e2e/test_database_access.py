"""The ways to a database of production: PgBouncer in transaction mode, and TLS with SCRAM and channel binding."""

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from shutil import chown, which

import psycopg
import pytest

from e2e.conftest import manage, migrate
from e2e.database import UNPRIVILEGED, Database
from e2e.processes import SECRET, Service
from todo_api.tests.server import free_port
from todo_api.tests.tokens import make_token

SECONDS = int(os.environ.get("E2E_SECONDS", "5"))
# Of Debian's package `postgresql`. The PostgreSQL of the other tests is built without TLS.
DEBIAN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
PGBOUNCER = which("pgbouncer") or which("pgbouncer", path="/usr/sbin")
STRICT = "?sslmode=require&channel_binding=require"

pytestmark = pytest.mark.timeout(4 * SECONDS + 60)


@pytest.fixture
def pgbouncer(own_database):
    """The port of a PgBouncer with 20 connections to the database, in transaction mode."""
    if not PGBOUNCER:
        pytest.skip("PgBouncer is not installed")
    port, file = free_port(), own_database.folder / "pgbouncer.ini"
    file.write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={own_database.port} user=app\n"
        f"protected = host=127.0.0.1 port={own_database.port} dbname=postgres user=service pool_size=2\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 20\nmax_client_conn = 200\n"
    )
    with (own_database.folder / "pgbouncer.log").open("w") as log:
        process = subprocess.Popen([PGBOUNCER, file], stdout=log, stderr=log, **UNPRIVILEGED)
    yield port
    process.send_signal(signal.SIGINT)
    process.wait(10)


@pytest.mark.alone
def test_100_clients_through_pgbouncer_with_20_connections(start, own_database, pgbouncer, load):
    # This PgBouncer refuses startup options. Each client has its own connection to it.
    options = {"DB_STATEMENT_TIMEOUT": "0", "WEB_CONCURRENCY": "2", "DB_POOL_SIZE": "50"}
    service = start(Service, DATABASE_URL=own_database.url_at(pgbouncer), **options)
    report = load(service, SECONDS, clients=100, pause=0.1).report(own_database)

    report.print("PgBouncer with 20 connections, 100 clients")
    assert not report.refused
    assert report.lost == 0


def test_row_level_security_through_pgbouncer_with_2_connections(start, own_database, pgbouncer):
    own_database.execute("CREATE ROLE service LOGIN")
    manage(own_database.url, "enable_row_level_security", "service")
    url = own_database.url_at(pgbouncer).replace("/postgres", "/protected")
    variables = {"ROW_LEVEL_SECURITY": "true", "ADMIN_ENABLED": "false", "DB_STATEMENT_TIMEOUT": "0"}
    service = start(Service, DATABASE_URL=url, WEB_CONCURRENCY="2", USER_CONCURRENCY="0", **variables)

    def titles(user_id):
        token = make_token(user_id, secret=SECRET)
        made = [service.call(token, "POST", "/api/tasks", {"title": f"{user_id} {n}"}).status_code for n in range(10)]
        return made, [task["title"] for task in service.call(token, "GET", "/api/tasks").json()]

    users = [f"user{n}" for n in range(20)]
    with ThreadPoolExecutor(20) as threads:
        found = list(threads.map(titles, users))
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as other:
        foreign = [other.execute("SELECT count(*) FROM tasks").fetchone() for _ in range(20)]

    assert found == [([201] * 10, [f"{user_id} {n}" for n in range(10)]) for user_id in users]
    assert foreign == [(0,)] * 20


@pytest.fixture
def strict_database():
    """`strict_database("-c", "ssl=on")`: Debian's PostgreSQL, which asks for a password with SCRAM."""
    if not DEBIAN:
        pytest.skip("Debian's postgresql is not installed")
    database = Database(DEBIAN, "scram-sha-256")
    key, certificate = (database.folder / "data" / name for name in ("server.key", "server.crt"))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o600)
    if UNPRIVILEGED:
        for path in (key, certificate):
            chown(path, "nobody", "nogroup")
    yield partial(database.start, "-c", "fsync=off")
    database.remove()


def test_tls_with_channel_binding(strict_database, start):
    database = strict_database("-c", "ssl=on")
    migrate(database.url)
    service = start(Service, DATABASE_URL=database.url_at(database.port, STRICT))

    response = service.call(make_token("alice", secret=SECRET), "POST", "/api/tasks", {"title": "Buy milk"})

    [[version]] = database.execute(
        "SELECT version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND pid <> pg_backend_pid()"
    )
    print(f"\nTLS with channel binding: {response.status_code}, {version}")
    assert response.status_code == 201
    assert version == "TLSv1.3"


def test_a_server_without_tls_is_refused(strict_database, start):
    database = strict_database()
    service = start(Service, DATABASE_URL=database.url_at(database.port, STRICT))

    response = service.call(make_token("alice", secret=SECRET), "GET", "/api/tasks")

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert "server does not support SSL, but SSL was required" in service.log

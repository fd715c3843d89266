"""Fixtures: the real server, unavailable databases, the table of users, and rate limits."""

import socket
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, connections
from rest_framework.test import APIClient

from tasks.views import TaskViewSet
from todo_api.browsable import BrowsableAPIRenderer
from todo_api.postgresql import pool
from todo_api.renderers import ORJSONRenderer
from todo_api.tests.client import BROWSER
from todo_api.tests.server import METRICS_TOKEN, Server, database_of_the_tests
from todo_api.throttling import RateLimitThrottle, rate_limits


@pytest.fixture(scope="session")
def server(django_db_setup, tmp_path_factory):
    """gunicorn with the tests' database. It sees only committed rows: use `django_db(transaction=True)`."""
    server = Server(
        tmp_path_factory.mktemp("server"),
        DATABASE_URL=database_of_the_tests(),
        METRICS_TOKEN=METRICS_TOKEN,
        DB_POOL_SIZE="8",
    )
    yield server
    server.stop()


@contextmanager
def database_at(**changes):
    """Change the settings of the database connection during the block."""
    original = connection.settings_dict.copy()
    connections.close_all()
    pool.close_all()
    connection.settings_dict.update(changes)
    yield
    connections.close_all()
    pool.close_all()
    connection.settings_dict.update(original)


@pytest.fixture
def unreachable_database(transactional_db):
    """Every connection is refused."""
    sqlite = connection.vendor == "sqlite"
    with database_at(**({"NAME": "/nowhere/db.sqlite3"} if sqlite else {"HOST": "127.0.0.1", "PORT": "1"})):
        yield


@pytest.fixture
def read_only_database(transactional_db):
    """New connections are read-only, as to a standby."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    connections.close_all()
    pool.close_all()
    yield
    connections.close_all()
    pool.close_all()
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT")
    connections.close_all()
    pool.close_all()


@pytest.fixture
def hanging_database(transactional_db):
    """Connections are accepted, but get no response until the listener is closed."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no server that can hang")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with database_at(HOST=host, PORT=port):
            yield listener


@pytest.fixture
def fresh_connection(transactional_db):
    """The test gets a new connection."""
    connection.ensure_connection()
    yield
    connection.close()


@pytest.fixture
def other_session():
    """Another connection to the same database."""
    parameters = connection.get_connection_params()
    with psycopg.connect(
        **{name: parameters[name] for name in ("host", "port", "dbname", "user") if name in parameters}
    ) as other:
        other.autocommit = True
        yield other


@pytest.fixture
def make_users(db):
    """`make_users(alice="alice@example.com")`: create Better Auth's table, and a row for each user."""

    def make(id_type="text", **emails):
        with connection.cursor() as cursor:
            cursor.execute(
                f'CREATE TABLE "user" (id {id_type} PRIMARY KEY, name text, email text UNIQUE, "emailVerified" boolean,'
                ' image text, "createdAt" timestamp, "updatedAt" timestamp)'
            )
            cursor.executemany('INSERT INTO "user" (id, email) VALUES (%s, %s)', list(emails.items()))

    yield make
    with connection.cursor() as cursor:
        cursor.execute('DROP TABLE IF EXISTS "user"')


@pytest.fixture
def limited(configured, monkeypatch):
    """`with limited(RATE_LIMIT="5/day"): …`: settings of the limits, for one worker."""
    monkeypatch.setattr(TaskViewSet, "throttle_classes", [RateLimitThrottle])

    @contextmanager
    def limited(**values):
        with configured(**{"WEB_CONCURRENCY": 1} | values):
            rate_limits()  # built before the requests, as wsgi.py does
            yield

    return limited


@pytest.fixture
def switched_on(monkeypatch):
    """BROWSABLE_API=true. DRF reads its settings when it is imported."""
    monkeypatch.setattr(TaskViewSet, "renderer_classes", [ORJSONRenderer, BrowsableAPIRenderer])


@pytest.fixture
def browser(switched_on):
    """An anonymous client. It does not compare responses with the OpenAPI document, which does not describe HTML."""
    return APIClient(headers={"accept": BROWSER})


@pytest.fixture
def alices_browser(switched_on, token_for):
    browser = APIClient(headers={"accept": BROWSER})
    browser.credentials(HTTP_AUTHORIZATION=f"Bearer {token_for('alice')}")
    return browser

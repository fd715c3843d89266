"""DATABASES: the database URL and its options."""

import pytest
from django.conf import settings

from todo_api.tests.settings import read_settings


def database(**variables):
    return read_settings(**variables)["DATABASES"]["default"]


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2", "postgresql+psycopg"]
)
def test_a_driver_in_the_scheme_is_ignored(scheme):
    config = database(DATABASE_URL=f"{scheme}://alice:hunter2@db.example.com:5433/tasks?sslmode=require")

    assert config["ENGINE"] == "todo_api.postgresql"
    assert [config[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "alice", "hunter2", "db.example.com", 5433, "tasks",
    ]  # fmt: skip
    assert config["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize("absent", [None, ""])
def test_neon_db_url_is_read_when_database_url_is_absent(absent):
    config = database(DATABASE_URL=absent, NEON_DB_URL="postgresql://u:p@neon.example.com/n")

    assert config["HOST"] == "neon.example.com"


def test_database_url_takes_precedence_over_neon_db_url():
    config = database(DATABASE_URL="postgresql://u:p@first/n", NEON_DB_URL="postgresql://u:p@second/n")

    assert config["HOST"] == "first"


def test_the_default_database_is_a_sqlite_file():
    config = database(DATABASE_URL=None)

    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert str(config["NAME"]) == str(settings.BASE_DIR / "db.sqlite3")


def test_statements_have_a_timeout():
    assert database(DATABASE_URL="postgresql://u:p@h/n")["OPTIONS"]["options"] == "-c statement_timeout=4s"


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgresql://u:p@ep-x-pooler.eu.example.com/n"},
        {"DATABASE_URL": "postgresql://u:p@h/n", "DB_STATEMENT_TIMEOUT": "0"},
    ],
)
def test_startup_options_are_left_out_for_a_pooler_or_without_a_timeout(variables):
    assert "options" not in database(**variables)["OPTIONS"]


def test_a_lost_database_server_is_detected_in_bounded_time():
    options = database(DATABASE_URL="postgresql://u:p@h/n")["OPTIONS"]

    assert options["connect_timeout"] <= 5
    assert {"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"} <= options.keys()


def test_options_in_the_url_take_precedence():
    options = database(DATABASE_URL="postgresql://u:p@h/n?connect_timeout=9&channel_binding=require")["OPTIONS"]

    assert int(options["connect_timeout"]) == 9
    assert options["channel_binding"] == "require"

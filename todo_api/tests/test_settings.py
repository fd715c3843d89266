"""The meaning of the variables, and the values that are refused. test_start.py starts processes with wrong values."""

import os
import re
import runpy
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from todo_api.checks import check_settings, refuse_to_start_misconfigured
from todo_api.tests.server import clean_environment

SHORT = "x" * 31
# variable, value, part of the message
REFUSED = [
    ("DJANGO_SECRET_KEY", None, "Generate one"),
    ("DEBUG", "maybe", "Not a valid boolean"),
    ("HOST", "nonsense", "Use an IP address"),
    ("HOST", "", "Use an IP address"),
    ("PORT", "abc", "Not a valid integer"),
    ("PORT", "0", "greater than or equal to 1"),
    ("PORT", "80000", "less than or equal to 65535"),
    ("WEB_CONCURRENCY", "abc", "Not a valid integer"),
    ("WEB_CONCURRENCY", "0", "greater than or equal to 1"),
    ("DB_POOL_SIZE", "0", "greater than or equal to 1"),
    ("JWT_LEEWAY", "abc", "Not a valid number"),
    ("JWT_LEEWAY", "-1", "greater than or equal to 0"),
    ("LOG_LEVEL", "LOUD", "Must be one of: DEBUG, INFO"),
    ("DATABASE_URL", "nonsense", "use postgresql://"),
    ("DATABASE_URL", "://", "use postgresql://"),
    ("DATABASE_URL", "postgresql+://", "use postgresql://"),
    ("DATABASE_URL", "http://u:hunter2@h/n", "use postgresql://"),
    ("DATABASE_URL", "mysql://u:hunter2@h/n", "use postgresql://"),
    ("DATABASE_URL", "postgresql://u:hunter2@h:port/n", "use postgresql://"),
    ("DATABASE_URL", "postgresql://u:hunter2@h/n?foo=bar", 'invalid connection option "foo". Remove it'),
    ("DATABASE_URL", "postgresql://u:hunter2@h/n?connect_timeout=abc", "bad value for connect_timeout"),
]


def read_settings(**variables):
    """Return the names of the settings module in an environment with `variables`."""
    with patch.dict(os.environ, clean_environment(**variables), clear=True):
        return runpy.run_path(str(settings.BASE_DIR / "todo_api/settings.py"))


def database(**variables):
    return read_settings(**variables)["DATABASES"]["default"]


@pytest.mark.parametrize(("variable", "value", "cure"), REFUSED)
def test_a_refused_value_is_one_line_with_the_variable_and_the_cure(variable, value, cure):
    with pytest.raises(ImproperlyConfigured) as error:
        read_settings(**{variable: value})

    message = str(error.value)
    assert variable in message
    assert cure in message
    assert "\n" not in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"JWT_ALGORITHM": "hs256"}, ["todo_api.E001"]),
        ({"JWT_ALGORITHM": ""}, ["todo_api.E001"]),
        ({"JWT_ALGORITHM": "HS256", "BETTER_AUTH_SECRET": "x" * 32}, []),
        ({"JWT_ALGORITHM": "HS256", "BETTER_AUTH_SECRET": "é" * 16}, []),
        ({"JWT_ALGORITHM": "HS384", "BETTER_AUTH_SECRET": "x" * 47}, ["todo_api.E003"]),
        ({"JWT_ALGORITHM": "HS384", "BETTER_AUTH_SECRET": "x" * 48}, []),
        ({"JWT_ALGORITHM": "HS512", "BETTER_AUTH_SECRET": "x" * 63}, ["todo_api.E003"]),
        ({"JWT_ALGORITHM": "HS512", "BETTER_AUTH_SECRET": "x" * 64}, []),
        ({"BETTER_AUTH_SECRET_PREVIOUS": SHORT}, ["todo_api.E003"]),
        ({"TASKS_DEFAULT_SORT": "-priority"}, []),
        ({"TASKS_DEFAULT_SORT": "--priority"}, ["todo_api.E004"]),
        ({"BETTER_AUTH_SECRET": ""}, ["todo_api.E002"]),
        ({"SECRET_KEY": SHORT}, ["todo_api.E010"]),
        ({"SECRET_KEY": "collecting-static-files"}, ["todo_api.E010"]),
        ({"SECRET_KEY": SHORT, "DEBUG": True}, []),
        ({"REDIS_URL": "redis://:password@localhost:6379/0?socket_timeout=1"}, []),
        ({"REDIS_URL": "redis://localhost:6379/0?foo=bar"}, ["todo_api.E007"]),
        ({"REDIS_URL": "rediss://localhost?ssl_cert_reqs=nonsense"}, ["todo_api.E007"]),
        ({"JWT_ALGORITHM": "EdDSA", "JWKS_URL": "http://a/b", "BETTER_AUTH_URL": "a.example"}, ["todo_api.E009"]),
        ({"BETTER_AUTH_SECRET": "", "TASKS_DEFAULT_SORT": ""}, ["todo_api.E002", "todo_api.E004"]),
    ],
)
def test_each_rule_has_an_id_and_a_hint(configured, values, found):
    with configured(**values):
        messages = check_settings(None)

    assert [message.id for message in messages] == found
    assert all(message.hint for message in messages)


@pytest.mark.parametrize(
    ("setting", "origin", "variable"),
    [
        ("CORS_ALLOWED_ORIGINS", "https://app.example.com/", "CORS_ORIGINS (or FRONTEND_URL)"),
        ("CORS_ALLOWED_ORIGINS", "*", "CORS_ORIGINS (or FRONTEND_URL)"),
        ("CSRF_TRUSTED_ORIGINS", "tasks.example.com", "CSRF_TRUSTED_ORIGINS"),
    ],
)
def test_an_origin_that_no_browser_sends_stops_the_start(configured, setting, origin, variable):
    with configured(**{setting: [origin]}), pytest.raises(ImproperlyConfigured) as error:
        refuse_to_start_misconfigured()

    assert variable in str(error.value)
    assert origin in str(error.value)
    assert "\n" not in str(error.value)


def test_the_configuration_of_the_tests_is_accepted():
    refuse_to_start_misconfigured()


def test_a_slash_at_the_end_of_a_trusted_origin_is_dropped():
    values = read_settings(CSRF_TRUSTED_ORIGINS="https://tasks.example.com/,https://*.example.com")

    assert values["CSRF_TRUSTED_ORIGINS"] == ["https://tasks.example.com", "https://*.example.com"]


@pytest.mark.parametrize(
    ("variables", "host", "allowed"),
    [
        ({"DEBUG": "true"}, "127.0.0.1", ["localhost", "127.0.0.1", "[::1]"]),
        ({"DEBUG": "true", "HOST": "0.0.0.0"}, "0.0.0.0", ["*"]),
        ({"DEBUG": "true", "HOST": "0.0.0.0", "ALLOWED_HOSTS": "a.example"}, "0.0.0.0", ["a.example"]),
        ({}, "0.0.0.0", ["localhost", "127.0.0.1", "[::1]"]),
    ],
)
def test_the_default_host_of_development_is_127_0_0_1(variables, host, allowed):
    values = read_settings(**variables)

    assert (values["HOST"], values["ALLOWED_HOSTS"]) == (host, allowed)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES512", "RS256", "PS256"])
def test_key_set_mode_needs_no_secret(configured, algorithm):
    with configured(JWT_ALGORITHM=algorithm, BETTER_AUTH_SECRET="", JWKS_URL="https://app.example.com/api/auth/jwks"):
        assert check_settings(None) == []


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


@pytest.mark.parametrize(
    ("variables", "origins"),
    [
        ({}, ["http://localhost:3000", "http://localhost"]),
        ({"CORS_ORIGINS": "https://a.example"}, ["https://a.example"]),
        ({"CORS_ORIGINS": "https://a.example,https://b.example"}, ["https://a.example", "https://b.example"]),
        ({"FRONTEND_URL": "https://c.example"}, ["http://localhost:3000", "http://localhost", "https://c.example"]),
        ({"FRONTEND_URL": "https://c.example/"}, ["http://localhost:3000", "http://localhost", "https://c.example"]),
        ({"CORS_ORIGINS": "https://a.example", "FRONTEND_URL": "https://a.example"}, ["https://a.example"]),
    ],
)
def test_frontend_url_is_added_to_the_cors_origins(variables, origins):
    assert read_settings(**variables)["CORS_ALLOWED_ORIGINS"] == origins


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({"BETTER_AUTH_URL": "https://app.example"}, "https://app.example/api/auth/jwks"),
        ({"BETTER_AUTH_URL": "https://app.example/"}, "https://app.example/api/auth/jwks"),
        ({"BETTER_AUTH_URL": "https://app.example", "JWKS_URL": "https://keys.example"}, "https://keys.example"),
        ({}, ""),
    ],
)
def test_the_default_key_set_address_is_the_one_of_better_auth(variables, address):
    assert read_settings(JWT_ALGORITHM="EdDSA", **variables)["JWKS_URL"] == address


@pytest.mark.parametrize(
    ("variables", "audience", "issuer"),
    [
        ({}, [], ""),
        ({"BETTER_AUTH_URL": "https://app.example"}, [], ""),
        (
            {"JWT_ALGORITHM": "EdDSA", "BETTER_AUTH_URL": "https://a.example/x"},
            ["https://a.example"],
            "https://a.example",
        ),
        ({"JWT_ALGORITHM": "EdDSA", "JWKS_URL": "https://a.example/k"}, [], ""),
        (
            {
                "JWT_ALGORITHM": "EdDSA",
                "BETTER_AUTH_URL": "https://a.example",
                "JWT_AUDIENCE": "b,c",
                "JWT_ISSUER": "d",
            },
            ["b", "c"],
            "d",
        ),
    ],
)
def test_audience_and_issuer_are_the_origin_of_better_auth_in_key_set_mode(variables, audience, issuer):
    module = read_settings(**variables)

    assert (module["JWT_AUDIENCE"], module["JWT_ISSUER"]) == (audience, issuer)


def test_the_default_is_production():
    module = read_settings()

    assert module["DEBUG"] is False
    assert module["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert module["SESSION_COOKIE_SECURE"] is module["CSRF_COOKIE_SECURE"] is True
    assert module["LOG_FORMAT"] == "json"
    assert not any("Browsable" in name for name in module["REST_FRAMEWORK"]["DEFAULT_RENDERER_CLASSES"])


@pytest.mark.parametrize("variables", [{"DEBUG": "true"}, {"BROWSABLE_API": "true"}])
def test_debug_or_browsable_api_turns_the_browsable_api_on(variables):
    renderers = read_settings(**variables)["REST_FRAMEWORK"]["DEFAULT_RENDERER_CLASSES"]

    assert any("Browsable" in name for name in renderers)


def test_x_forwarded_proto_is_trusted_only_with_behind_https_proxy():
    assert "SECURE_PROXY_SSL_HEADER" not in read_settings()
    assert read_settings(BEHIND_HTTPS_PROXY="true")["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_the_environment_takes_precedence_over_the_dotenv_file(tmp_path):
    file = tmp_path / "variables"
    file.write_text("JWT_ISSUER=from-the-file\nJWT_LEEWAY=3\n")

    module = read_settings(DOTENV_FILE=str(file), JWT_LEEWAY="4")

    assert (module["JWT_ISSUER"], module["JWT_LEEWAY"]) == ("from-the-file", 4)


def variables_read_in(*names):
    text = "".join((settings.BASE_DIR / name).read_text() for name in names)
    return set(re.findall(r'\b(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)"', text))


def test_the_example_lists_every_variable_that_is_read_and_no_other():
    example = (settings.BASE_DIR / ".env.example").read_text()

    listed = re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)

    assert set(listed) == variables_read_in("todo_api/settings.py", "gunicorn.conf.py")
    assert len(listed) == len(set(listed))


def test_the_example_explains_every_variable():
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()

    assignment = re.compile(r"^(# )?[A-Z_]+=")
    for line, before in zip(lines[1:], lines, strict=False):
        if assignment.match(line) and not assignment.match(before):
            assert before.startswith("# "), line


def test_the_example_holds_no_secret():
    example = (settings.BASE_DIR / ".env.example").read_text()

    assert re.findall(r"^(?:# )?\w*(?:SECRET|TOKEN|PASSWORD)\w*=(.+)$", example, re.MULTILINE) == []


def test_only_the_settings_read_environment_variables():
    for folder in ("todo_api", "tasks"):
        for file in (settings.BASE_DIR / folder).rglob("*.py"):
            if "tests" not in file.parts and file.name not in ("settings.py", "__main__.py"):
                lines = [line for line in file.read_text().splitlines() if re.search(r"os\.(environ|getenv)", line)]
                assert [line for line in lines if "DJANGO_SETTINGS_MODULE" not in line] == [], file


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://App.Example.com/path", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://app.example.com:80", "https://app.example.com:80"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
        ("https://user@app.example.com", "https://app.example.com"),
    ],
)
def test_the_expected_issuer_is_an_origin_as_browsers_write_it(url, issuer):
    values = read_settings(JWT_ALGORITHM="EdDSA", BETTER_AUTH_URL=url)

    assert (values["JWT_ISSUER"], values["JWT_AUDIENCE"]) == (issuer, [issuer])

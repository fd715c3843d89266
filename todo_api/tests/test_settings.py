"""Configuration: what the variables mean, and that a wrong value stops the start with one line."""

import os
import re
import runpy
import subprocess
import sys
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from todo_api.checks import check_settings
from todo_api.tests.server import BIN, clean_environment, free_port

SHORT = "x" * 31
# variables -> the one that the line names, and its cure
WRONG = {
    "no secret": ({"BETTER_AUTH_SECRET": None}, "BETTER_AUTH_SECRET", "Set it to the secret"),
    "an empty secret": ({"BETTER_AUTH_SECRET": ""}, "BETTER_AUTH_SECRET", "Set it to the secret"),
    "a short secret": ({"BETTER_AUTH_SECRET": SHORT}, "BETTER_AUTH_SECRET", "Use a longer one"),
    "an unknown algorithm": ({"JWT_ALGORITHM": "none"}, "JWT_ALGORITHM", "Use one of HS256"),
    "no key set": ({"JWT_ALGORITHM": "EdDSA"}, "JWKS_URL", "Set BETTER_AUTH_URL"),
    "no key of Django's": ({"DJANGO_SECRET_KEY": None}, "DJANGO_SECRET_KEY", "Generate one"),
    "an unknown sort": ({"TASKS_DEFAULT_SORT": "newest"}, "TASKS_DEFAULT_SORT", "Use one of created"),
    "a database of no kind": ({"DATABASE_URL": "nonsense"}, "DATABASE_URL", "use postgresql://"),
    "an unknown database": ({"DATABASE_URL": "oracle9://u:hunter2@h/n"}, "DATABASE_URL", "use postgresql://"),
    "a port that is no number": ({"PORT": "abc"}, "PORT", "Not a valid integer"),
    "a leeway that is no number": ({"JWT_LEEWAY": "abc"}, "JWT_LEEWAY", "Not a valid number"),
    "a negative leeway": ({"JWT_LEEWAY": "-1"}, "JWT_LEEWAY", "greater than or equal to 0"),
    "an unknown level": ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL", "Must be one of: DEBUG, INFO"),
    "a vague switch": ({"DEBUG": "maybe"}, "DEBUG", "Not a valid boolean"),
}
# One of each way to be found out: by a rule, by a type, by the database's URL, by gunicorn.
TELLING = ["no secret", "a leeway that is no number", "a database of no kind", "a port that is no number"]


def output_of(command, **variables):
    """What the command says before it gives up."""
    result = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=clean_environment(**variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    output = result.stdout + result.stderr
    assert result.returncode not in (0, None), output
    return output


def read_settings(**variables):
    """The module's names, as another environment gives them."""
    with patch.dict(os.environ, clean_environment(**variables), clear=True):
        return runpy.run_path(str(settings.BASE_DIR / "todo_api/settings.py"))


def database(**variables):
    return read_settings(**variables)["DATABASES"]["default"]


@pytest.mark.parametrize("name", WRONG)
def test_a_check_names_the_variable_and_the_cure(name):
    variables, variable, cure = WRONG[name]

    output = output_of([sys.executable, "manage.py", "check"], **variables)

    assert variable in output
    assert cure in output
    assert "Traceback" not in output
    assert "hunter2" not in output


@pytest.mark.parametrize("name", TELLING)
def test_the_server_does_not_start_and_says_why_in_one_line(name):
    variables, variable, cure = WRONG[name]

    output = output_of([BIN / "gunicorn", "-c", "gunicorn.conf.py"], **{"PORT": str(free_port())} | variables)

    assert [line for line in output.splitlines() if variable in line and cure in line], output
    assert "Traceback" not in output


def test_the_server_refuses_its_own_variables_as_well():
    output = output_of([BIN / "gunicorn", "-c", "gunicorn.conf.py"], WEB_THREADS="many")

    assert [line for line in output.splitlines() if "WEB_THREADS" in line and "Not a valid integer" in line], output
    assert "Traceback" not in output


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
        ({"CORS_ALLOWED_ORIGINS": ["https://app.example.com", "http://localhost:3000"]}, []),
        ({"CORS_ALLOWED_ORIGINS": ["https://app.example.com/"]}, ["todo_api.E008"]),
        ({"CORS_ALLOWED_ORIGINS": ["*"]}, ["todo_api.E008"]),
        ({"CSRF_TRUSTED_ORIGINS": ["tasks.example.com"]}, ["todo_api.E008"]),
        ({"JWT_ALGORITHM": "EdDSA", "JWKS_URL": "http://a/b", "BETTER_AUTH_URL": "a.example"}, ["todo_api.E009"]),
        ({"BETTER_AUTH_SECRET": "", "TASKS_DEFAULT_SORT": ""}, ["todo_api.E002", "todo_api.E004"]),
    ],
)
def test_each_rule_has_an_id_and_a_hint(configured, values, found):
    with configured(**values):
        messages = check_settings(None)

    assert [message.id for message in messages] == found
    assert all(message.hint for message in messages)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES512", "RS256", "PS256"])
def test_key_set_mode_needs_no_secret(configured, algorithm):
    with configured(JWT_ALGORITHM=algorithm, BETTER_AUTH_SECRET="", JWKS_URL="https://app.example.com/api/auth/jwks"):
        assert check_settings(None) == []


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2", "postgresql+psycopg"]
)
def test_the_names_of_other_drivers_are_dropped(scheme):
    config = database(DATABASE_URL=f"{scheme}://alice:hunter2@db.example.com:5433/tasks?sslmode=require")

    assert config["ENGINE"] == "todo_api.postgresql"
    assert [config[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "alice", "hunter2", "db.example.com", 5433, "tasks",
    ]  # fmt: skip
    assert config["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize("url", ["nonsense", "postgresql+://", "http://h/n", "postgresql://u:hunter2@h:port/n", "://"])
def test_what_is_no_database_url_is_refused_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not a database URL") as refusal:
        read_settings(DATABASE_URL=url)

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("absent", [None, ""])
def test_the_other_name_of_the_database_is_read_when_the_first_is_absent(absent):
    config = database(DATABASE_URL=absent, NEON_DB_URL="postgresql://u:p@neon.example.com/n")

    assert config["HOST"] == "neon.example.com"


def test_the_first_name_of_the_database_wins():
    config = database(DATABASE_URL="postgresql://u:p@first/n", NEON_DB_URL="postgresql://u:p@second/n")

    assert config["HOST"] == "first"


def test_a_file_is_used_when_nobody_configured_a_database():
    config = database(DATABASE_URL=None)

    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert str(config["NAME"]) == str(settings.BASE_DIR / "db.sqlite3")


def test_a_statement_has_a_time_limit():
    assert database(DATABASE_URL="postgresql://u:p@h/n")["OPTIONS"]["options"] == "-c statement_timeout=5s"


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgresql://u:p@ep-x-pooler.eu.example.com/n"},
        {"DATABASE_URL": "postgresql://u:p@h/n", "DB_STATEMENT_TIMEOUT": "0"},
    ],
)
def test_a_pooler_gets_no_startup_options(variables):
    assert "options" not in database(**variables)["OPTIONS"]


def test_a_lost_server_is_noticed():
    options = database(DATABASE_URL="postgresql://u:p@h/n")["OPTIONS"]

    assert options["connect_timeout"] <= 5
    assert {"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"} <= options.keys()


def test_the_url_may_say_otherwise():
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
def test_the_front_ends_own_address_is_added_to_the_origins(variables, origins):
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
def test_the_key_set_lives_where_better_auth_puts_it(variables, address):
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


def test_production_is_the_default():
    module = read_settings()

    assert module["DEBUG"] is False
    assert module["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1"]
    assert module["SESSION_COOKIE_SECURE"] is module["CSRF_COOKIE_SECURE"] is True
    assert module["LOG_FORMAT"] == "json"
    assert not any("Browsable" in name for name in module["REST_FRAMEWORK"]["DEFAULT_RENDERER_CLASSES"])


@pytest.mark.parametrize("variables", [{"DEBUG": "true"}, {"BROWSABLE_API": "true"}])
def test_the_browsable_api_is_on_in_development_and_by_its_switch(variables):
    renderers = read_settings(**variables)["REST_FRAMEWORK"]["DEFAULT_RENDERER_CLASSES"]

    assert any("Browsable" in name for name in renderers)


def test_the_scheme_of_a_proxy_is_believed_only_when_there_is_one():
    assert "SECURE_PROXY_SSL_HEADER" not in read_settings()
    assert read_settings(BEHIND_HTTPS_PROXY="true")["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_a_file_of_variables_is_read_and_the_environment_wins(tmp_path):
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


def test_variables_are_read_in_the_settings_alone():
    for folder in ("todo_api", "tasks"):
        for file in (settings.BASE_DIR / folder).rglob("*.py"):
            if "tests" not in file.parts and file.name != "settings.py":
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
    ],
)
def test_the_expected_issuer_is_an_origin_as_browsers_write_it(url, issuer):
    values = read_settings(JWT_ALGORITHM="EdDSA", BETTER_AUTH_URL=url)

    assert (values["JWT_ISSUER"], values["JWT_AUDIENCE"]) == (issuer, [issuer])

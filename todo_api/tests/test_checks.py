"""Values that are refused, and the rules between settings."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from todo_api.checks import check_settings, refuse_to_start_misconfigured
from todo_api.tests.settings import read_settings

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


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES512", "RS256", "PS256"])
def test_key_set_mode_needs_no_secret(configured, algorithm):
    with configured(JWT_ALGORITHM=algorithm, BETTER_AUTH_SECRET="", JWKS_URL="https://app.example.com/api/auth/jwks"):
        assert check_settings(None) == []

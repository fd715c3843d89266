"""Settings and their defaults."""

import pytest

from todo_api.tests.settings import read_settings


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

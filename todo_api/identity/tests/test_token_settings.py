"""The settings that decide which tokens are accepted."""

import time

import pytest

OTHER_SECRET = "another-secret-0123456789-0123456789-0123456789-0123456789-0123456789"
OURS, OURS_TOO = "https://app.example.com", "https://ops.example.com"
now = time.time


def readable(value):
    return ascii(value)[:40]


@pytest.mark.django_db
def test_the_previous_secret_is_accepted_only_while_it_is_configured(client_for, token_for, configured):
    client = client_for("alice", token=token_for("alice", secret=OTHER_SECRET))

    with configured(BETTER_AUTH_SECRET_PREVIOUS=OTHER_SECRET):
        during = client.get("/api/tasks").status_code
    after = client.get("/api/tasks").status_code

    assert (during, after) == (200, 401)


@pytest.mark.django_db
def test_the_current_secret_is_accepted_beside_the_previous_one(alice, configured):
    with configured(BETTER_AUTH_SECRET_PREVIOUS=OTHER_SECRET):
        assert alice.get("/api/tasks").status_code == 200


def test_a_third_secret_is_refused(client_for, token_for, configured):
    client = client_for("alice", token=token_for("alice", secret=OTHER_SECRET[::-1]))

    with configured(BETTER_AUTH_SECRET_PREVIOUS=OTHER_SECRET):
        assert client.get("/api/tasks").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "secret", ["пароль-" * 8, OTHER_SECRET + "==", "{" + OTHER_SECRET, " " + OTHER_SECRET], ids=readable
)
def test_a_secret_is_used_as_its_utf_8_bytes(client_for, token_for, configured, secret):
    client = client_for("alice", token=token_for("alice", secret=secret.encode()))

    with configured(BETTER_AUTH_SECRET=secret):
        assert client.get("/api/tasks").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_only_the_configured_algorithm_is_accepted(client_for, token_for, configured, algorithm):
    every = ["HS256", "HS384", "HS512"]
    tokens = {name: token_for("alice", secret=OTHER_SECRET, algorithm=name) for name in every}

    with configured(JWT_ALGORITHM=algorithm, BETTER_AUTH_SECRET=OTHER_SECRET):
        good = [name for name in every if client_for("alice", token=tokens[name]).get("/api/tasks").status_code == 200]

    assert good == [algorithm]


@pytest.mark.django_db
@pytest.mark.parametrize(("leeway", "status"), [(0, 401), (10, 200)])
def test_the_leeway_covers_clock_skew(client_for, token_for, configured, leeway, status):
    client = client_for("alice", token=token_for("alice", exp=int(now()) - 3))

    with configured(JWT_LEEWAY=leeway):
        assert client.get("/api/tasks").status_code == status


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param({"aud": OURS, "iss": OURS}, 200, id="ours"),
        pytest.param(
            {"aud": ["https://other.example.com", OURS_TOO], "iss": OURS}, 200, id="aud a list with one of ours"
        ),
        pytest.param({"aud": "https://other.example.com", "iss": OURS}, 401, id="aud wrong"),
        pytest.param({"iss": OURS}, 401, id="aud missing"),
        pytest.param({"aud": OURS, "iss": "https://other.example.com"}, 401, id="iss wrong"),
        pytest.param({"aud": OURS}, 401, id="iss missing"),
    ],
)
def test_audience_and_issuer_are_checked_when_configured(client_for, token_for, configured, claims, status):
    client = client_for("alice", token=token_for("alice", **claims))

    with configured(JWT_AUDIENCE=[OURS, OURS_TOO], JWT_ISSUER=OURS):
        assert client.get("/api/tasks").status_code == status


@pytest.mark.django_db
@pytest.mark.parametrize("audience", [..., "x"])
def test_audience_and_issuer_are_not_checked_unless_configured(client_for, token_for, audience):
    client = client_for("alice", token=token_for("alice", aud=audience, iss="https://other.example.com"))

    assert client.get("/api/tasks").status_code == 200

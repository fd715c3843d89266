"""How operators sign in, and how often anyone may try."""

import json
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from todo_api.admin_site import password_check
from todo_api.tests.server import Server
from todo_api.tests.settings import read_settings

pytestmark = pytest.mark.django_db

SIGN_IN = "/admin/login/"
NAME, PASSWORD, WRONG = "operator", "the password of an operator", "not the password"
EVIL, GOOD = "203.0.113.66", "203.0.113.7"


@pytest.fixture(autouse=True)
def operator(configured):
    """An operator whose password is cheap to check."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    limits = {"ADMIN_LOGIN_LIMIT": "", "ADMIN_LOGIN_LIMIT_TOTAL": "", "WEB_CONCURRENCY": 1}
    with configured(PASSWORD_HASHERS=hashers, **limits):
        yield User.objects.create_superuser(NAME, password=PASSWORD)


@pytest.fixture
def attempt(client):
    """`attempt(WRONG)`: the response to a sign-in from an address."""
    return lambda password=WRONG, address=EVIL, **headers: client.post(
        SIGN_IN, {"username": NAME, "password": password}, REMOTE_ADDR=address, **headers
    )


def test_an_operator_signs_in(attempt, client):
    assert attempt(PASSWORD).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_each_address_has_a_number_of_attempts(attempt, configured):
    with configured(ADMIN_LOGIN_LIMIT="2/hour"):
        responses = [attempt() for _ in range(3)]
        assert attempt(address=GOOD).status_code == 200

    assert [response.status_code for response in responses] == [200, 200, 429]
    assert 0 < int(responses[2]["Retry-After"]) <= 3600
    assert responses[2].json()["code"] == "rate_limited"


def test_all_addresses_together_have_a_number_of_attempts(attempt, configured):
    with configured(ADMIN_LOGIN_LIMIT_TOTAL="2/hour"):
        statuses = [attempt(address=f"203.0.113.{number}").status_code for number in range(3)]

    assert statuses == [200, 200, 429]


def test_an_address_over_its_limit_uses_up_nothing_of_the_others(attempt, configured):
    with configured(ADMIN_LOGIN_LIMIT="1/hour", ADMIN_LOGIN_LIMIT_TOTAL="2/hour"):
        assert [attempt().status_code for _ in range(5)] == [200, 429, 429, 429, 429]
        assert attempt(PASSWORD, GOOD).status_code == 302


def test_the_form_is_not_counted(client, configured):
    with configured(ADMIN_LOGIN_LIMIT="1/hour"):
        assert [client.get(SIGN_IN).status_code for _ in range(3)] == [200, 200, 200]


def test_a_refused_attempt_costs_no_query(attempt, configured, django_assert_num_queries):
    with configured(ADMIN_LOGIN_LIMIT="1/hour"):
        attempt()
        with django_assert_num_queries(0):
            assert attempt(PASSWORD).status_code == 429


def test_one_password_is_checked_at_a_time(attempt, django_assert_num_queries):
    with password_check, django_assert_num_queries(0):
        response = attempt(PASSWORD)

    assert (response.status_code, response["Retry-After"]) == (429, "1")
    assert attempt(PASSWORD).status_code == 302


def test_five_failures_lock_the_address(attempt):
    statuses = [attempt().status_code for _ in range(5)]

    response = attempt(PASSWORD)

    assert statuses == [200, 200, 200, 200, 429]
    assert (response.status_code, response["Retry-After"]) == (429, "900")
    assert attempt(PASSWORD, GOOD).status_code == 302


def test_the_lock_ends(attempt):
    for _ in range(5):
        attempt()
    attempts = AccessAttempt.objects.filter(ip_address=EVIL)
    attempts.update(attempt_time=attempts.get().attempt_time - timedelta(minutes=15))

    assert attempt(PASSWORD).status_code == 302


def test_the_right_password_forgets_the_failures(attempt):
    for _ in range(2):
        assert [attempt().status_code for _ in range(4)] == [200, 200, 200, 200]
        assert attempt(PASSWORD).status_code == 302


def test_behind_a_proxy_the_client_is_locked(attempt, configured):
    with configured(TRUSTED_PROXIES=1):
        for _ in range(5):
            attempt(HTTP_X_FORWARDED_FOR=f"1, {EVIL}")
        assert attempt(PASSWORD, HTTP_X_FORWARDED_FOR=f"2, {EVIL}").status_code == 429
        assert attempt(PASSWORD, HTTP_X_FORWARDED_FOR=f"{EVIL}, {GOOD}").status_code == 302


def test_a_locked_address_may_use_the_api(attempt, alice, make_task, django_assert_num_queries):
    make_task()
    for _ in range(5):
        attempt()

    with django_assert_num_queries(1) as statements:
        response = alice.get("/api/tasks", REMOTE_ADDR=EVIL)

    assert (response.status_code, len(response.json())) == (200, 1)
    assert "axes" not in statements.captured_queries[0]["sql"]


def test_a_refused_token_is_no_failure_of_an_operator(client_for, attempt):
    for _ in range(10):
        assert client_for(token="x").get("/api/tasks", REMOTE_ADDR=EVIL).status_code == 401

    assert not AccessAttempt.objects.exists()
    assert attempt(PASSWORD).status_code == 302


def test_a_failure_is_logged_with_its_address_alone(attempt, caplog):
    attempt()

    [record] = [record for record in caplog.records if record.name.startswith("axes")]
    assert EVIL in record.getMessage()
    assert NAME not in caplog.text
    assert WRONG not in caplog.text


def test_a_failure_is_stored_without_what_was_typed(attempt):
    attempt()

    [row] = AccessAttempt.objects.values()
    assert row["username"] == ""
    assert NAME not in str(row)
    assert WRONG not in str(row)


def test_two_workers_cannot_store_two_rows_for_a_client(attempt):
    attempt()
    row = AccessAttempt.objects.get()
    row.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_a_locked_attempt_writes_nothing(attempt):
    for _ in range(5):
        attempt()
    with CaptureQueriesContext(connection) as statements:
        attempt()

    assert not [query for query in statements if query["sql"].startswith(("INSERT", "UPDATE"))]


def test_an_instance_without_the_admin_answers_404(tmp_path):
    server = Server(tmp_path, ADMIN_ENABLED="false")
    try:
        answers = [server.get(path) for path in ("/admin/", "/admin/login/", "/admin/tasks/task/")]
        assert [status for status, _ in answers] == [404, 404, 404]
        assert {json.loads(body)["code"] for _, body in answers} == {"not_found"}
        assert "admin" not in server.get("/", Accept="text/html")[1].lower()
    finally:
        server.stop()


def test_an_instance_without_the_admin_has_no_sessions():
    module = read_settings(ADMIN_ENABLED="false")

    for name in ("admin", "session", "messages", "axes"):
        assert not [entry for entry in module["INSTALLED_APPS"] + module["MIDDLEWARE"] if name in entry.lower()]

"""Which tokens of `changes` are refused."""

import pytest
from django.core import signing

from tasks import sync_tokens
from tasks.statements import Changes, Position
from tasks.sync_tokens import encode_token, this_hour
from tasks.tests.sync import URL, changes

pytestmark = pytest.mark.django_db

NOT_TOKENS = [
    "x", "", "null", "1", "a:b", "é", "\x00", "::", "x" * 5000, "../../etc/passwd", "[1,2]", "0",
    signing.dumps(["alice", 1, 1, 1]), "WyJhIiwxLDEsMV0:AAAA",
]  # fmt: skip


@pytest.mark.parametrize("since", NOT_TOKENS, ids=[repr(token[:12]) for token in NOT_TOKENS])
def test_a_made_up_token_is_422(alice, django_assert_num_queries, since):
    with django_assert_num_queries(0):
        response = alice.get(URL, {"since": since})

    assert [error["field"] for error in response.json()["errors"]] == ["since"]
    assert response.status_code == 422


@pytest.mark.parametrize("position", [0, 5, -1])
def test_a_changed_token_is_422(alice, token, django_assert_num_queries, position):
    since = list(token())
    since[position] = "A" if since[position] != "A" else "E"

    with django_assert_num_queries(0):
        assert alice.get(URL, {"since": "".join(since)}).status_code == 422


def test_a_cursor_of_a_list_is_no_token(alice, make_task, django_assert_num_queries):
    make_task(), make_task()
    cursor = alice.get("/api/tasks?limit=1")["Link"].split("cursor=")[1].split(">")[0]

    with django_assert_num_queries(0):
        assert alice.get(f"{URL}?since={cursor}").status_code == 422


def test_the_token_of_another_user_is_410(bob, token, django_assert_num_queries):
    since = token()

    with django_assert_num_queries(0):
        assert_expired(bob.get(URL, {"since": since}))


@pytest.mark.parametrize(
    ("hours", "status"), [(0, 200), (30 * 24, 200), (30 * 24 + 1, 200), (30 * 24 + 2, 410), (4000 * 24, 410)]
)
def test_a_token_is_good_for_30_days(alice, make_task, token, monkeypatch, hours, status):
    """And for an hour more, because it may be from the end of its hour."""
    make_task()
    since = token()
    later = this_hour() + hours
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: later)

    response = alice.get(URL, {"since": since})

    assert response.status_code == status
    if status == 410:
        assert_expired(response)


def test_a_deployment_can_set_the_days(alice, token, monkeypatch, configured):
    since = token()
    later = this_hour() + 2 * 24
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: later)

    with configured(SYNC_RETENTION_DAYS=1):
        assert alice.get(URL, {"since": since}).status_code == 410


def test_a_token_of_a_middle_page_is_as_old_as_the_first_page(alice, make_task, monkeypatch):
    """Otherwise a client that pauses between pages would miss a task that was deleted and forgotten since."""
    for _ in range(3):
        make_task()
    first = changes(alice, limit=1)
    now = this_hour()
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: now + 29 * 24)
    second = changes(alice, first["next"], limit=1)
    last = changes(alice, second["next"], limit=1)
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: now + 32 * 24)

    assert_expired(alice.get(URL, {"since": second["next"]}))
    assert alice.get(URL, {"since": last["next"]}).status_code == 200


def test_a_token_of_another_epoch_is_410(alice, token, configured):
    since = token()

    with configured(SYNC_EPOCH=1):
        assert_expired(alice.get(URL, {"since": since}))


def test_a_token_that_is_newer_than_the_database_is_410(alice, make_task):
    """The database was restored from an older backup."""
    version = make_task().version

    newer = Changes([], [], Position(version + 1, 1), more=False)

    assert_expired(alice.get(URL, {"since": encode_token("alice", newer)}))


def assert_expired(response):
    assert response.status_code == 410
    assert response.json()["code"] == "sync_expired"
    assert response["Content-Type"] == "application/problem+json"

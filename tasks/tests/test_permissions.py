"""Paths with the id of another user."""

from io import BytesIO
from types import SimpleNamespace

import pytest

from tasks.models import Task
from tasks.permissions import IsPathOwner

# fmt: off
OTHER_IDS = [
    "bob", "nobody", "null", "undefined", "me", "admin", "-1", "*", "", "a" * 300, "' OR 1=1 --", "Alice", "ALICE",
    "alicE", "alic", "alicee", "%41lice", "alice%", "alice;v=1", "alice,bob", "alice.", ".", "..", "...", "alice?",
    "alice#", "alice+", "alice ", " alice", "alice\t", "alice\n", "alice\r\n", "alice\x00", "\x00alice",
    "alice\xa0", "\ufffd", "alice\ufffd", "../alice", "\u0430lice", "al\u0456ce", "al\u0131ce",
    "\uff41\uff4c\uff49\uff43\uff45", "alice\u200b", "alice\u0301", "\u202ealice",
]
# fmt: on


def is_allowed(**path):
    request, view = SimpleNamespace(user=SimpleNamespace(user_id="alice")), SimpleNamespace(kwargs=path)
    return IsPathOwner().has_permission(request, view)


@pytest.mark.parametrize("user_id", OTHER_IDS, ids=lambda user_id: ascii(user_id)[:40])
def test_a_path_with_any_other_id_is_refused(user_id):
    assert not is_allowed(user_id=user_id)


def test_the_own_path_and_a_path_without_a_user_are_allowed():
    assert is_allowed(user_id="alice")
    assert is_allowed()


@pytest.mark.django_db
@pytest.mark.parametrize("user_id", ["bob", "%41lice", "alice%2e", "%ff"])
def test_a_foreign_path_is_forbidden_however_it_is_encoded(alice, django_assert_num_queries, user_id):
    with django_assert_num_queries(0):
        response = alice.patch(f"/api/{user_id}/tasks/7", {"title": "Mine now"})

    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert response.json()["detail"] == "Access denied: cannot access another user's tasks"


@pytest.mark.parametrize(
    ("method", "rest", "body", "content_type"),
    [
        ("GET", "?limit=x&sort=nope&cursor=broken", b"", "application/json"),
        ("POST", "", b"not JSON", "application/json"),
        ("POST", "", b"x" * 70_000, "application/json"),
        ("POST", "", b"title=a", "application/x-www-form-urlencoded"),
        ("GET", "/{id}", b"", "application/json"),
        ("GET", "/seven", b"", "application/json"),
        ("PUT", "/{id}", b'{"completed": "yes"}', "application/json"),
        ("DELETE", "", b"", "application/json"),
        ("TRACE", "/{id}", b"", "application/json"),
    ],
)
def test_a_foreign_path_is_forbidden_before_any_other_error(
    alice, make_task, django_assert_num_queries, method, rest, body, content_type
):
    rest = rest.format(id=make_task(user_id="bob").pk)

    with django_assert_num_queries(0):
        of_bob, of_unknown = (
            alice.generic(method, f"/api/{user_id}/tasks{rest}", body, content_type, HTTP_X_REQUEST_ID="r-1")
            for user_id in ("bob", "unknown")
        )

    assert (of_bob.status_code, of_bob.json()["code"]) == (403, "forbidden")
    assert of_bob.content == of_unknown.content
    assert Task.objects.filter(user_id="bob", title="Buy groceries", completed=False).count() == 1


@pytest.mark.parametrize(("user_id", "status"), [("bob", 403), ("alice", 401)])
def test_the_body_is_not_read_before_a_401_or_403(alice, anonymous, user_id, status):
    body = BytesIO(b'{"title": "Mine now"}')

    response = (alice if status == 403 else anonymous).generic(
        "POST", f"/api/{user_id}/tasks", b"-" * 21, "application/json", **{"wsgi.input": body}
    )

    assert response.status_code == status
    assert body.tell() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/api/%00/tasks",
        "/api/alice%00/tasks",
        "/api/bob%00/tasks/7/complete",
        "/api%00/alice/tasks",
        "/api/alice/tasks%00",
        "/api/alice%2Fbob/tasks",
        "/api/..%2Falice/tasks",
        "/api/alice/..%2fbob/tasks/7",
    ],
)
def test_nul_and_slash_in_the_path_are_403_or_404(alice, django_assert_num_queries, path):
    with django_assert_num_queries(0):
        response = alice.get(path)

    assert response.status_code in (403, 404)
    assert response["Content-Type"] == "application/problem+json"

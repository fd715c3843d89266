"""The user that a token identifies, and the rights that it gives."""

from dataclasses import FrozenInstanceError
from urllib.parse import quote

import pytest

from todo_api.identity.authentication import BetterAuthAuthentication, Caller
from todo_api.identity.current_user import current_user


def readable(value):
    return ascii(value)[:40]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "user_id",
    [
        "uX2mWvQd8sKf0ZyTq7LbNc4RjHe1AgPi",
        "0191e7a8-3c5e-7b1a-9f60-2d4c8a1b3e5f",
        "1",
        "a.b..c",
        "alice@example.com",
        "oauth2|alice",
        "Alice B C",
        "алиса",
        "a?b#c%d&e+f;g=h",
        "%00",
        "tasks",
        "ж" * 255,
    ],
    ids=readable,
)
def test_a_user_id_of_any_form_works_in_its_path(client_for, user_id):
    client, tasks_url = client_for(user_id), f"/api/{quote(user_id, safe='')}/tasks"
    assert (client.get(tasks_url).status_code, client.get(tasks_url).json()) == (200, [])

    created = client.post(tasks_url, {"title": "Buy milk"})

    assert (created.status_code, created.json()["user_id"]) == (201, user_id)
    assert client.get(created["Location"]).json() == created.json()
    assert client.get(tasks_url).json() == [created.json()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("user_id", "path"),
    [("Alice", "alice"), ("alice\u0301", "alic\u00e9")],
    ids=readable,
)
def test_user_ids_are_compared_exactly(client_for, make_task, user_id, path):
    make_task(user_id=path)

    assert client_for(user_id).get(f"/api/{quote(path)}/tasks").status_code == 403
    assert client_for(user_id).get("/api/tasks").json() == []


RIGHTS = {
    "is_staff": True,
    "is_superuser": True,
    "is_active": True,
    "role": "admin",
    "roles": ["admin"],
    "scope": "admin tasks:*",
    "permissions": ["*"],
    "id": "bob",
    "userId": "bob",
}


def test_no_claim_gives_access_to_another_users_tasks(client_for, token_for, make_task):
    make_task(user_id="bob")
    client = client_for("alice", token=token_for("alice", **RIGHTS))

    assert client.get("/api/bob/tasks").status_code == 403
    assert client.get("/api/tasks").json() == []
    assert client.post("/api/tasks", {"title": "Buy milk"}).json()["user_id"] == "alice"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/tasks/task/", "/admin/auth/user/"])
def test_no_claim_gives_access_to_the_admin(client_for, token_for, path):
    response = client_for("alice", token=token_for("alice", **RIGHTS)).get(path)

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_a_caller_has_only_a_user_id():
    user = BetterAuthAuthentication().get_user({"sub": "alice", "user_id": "bob"} | RIGHTS)

    assert user == Caller(user_id="alice")
    assert not [name for name in ("is_staff", "is_superuser", "role", "id", "username", "pk") if hasattr(user, name)]
    with pytest.raises((FrozenInstanceError, TypeError)):
        user.user_id = "bob"


def test_the_policies_of_the_database_get_the_caller():
    current_user.set(None)

    BetterAuthAuthentication().get_user({"sub": "alice"})

    assert current_user.get() == "alice"

"""The allowed methods of each route, with and without the trailing slash."""

import pytest

from tasks.models import Task

pytestmark = pytest.mark.django_db

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]
ALLOWED = {
    "tasks": {"GET", "HEAD", "POST", "PATCH", "DELETE"},
    "tasks/counts": {"GET", "HEAD"},
    "tasks/changes": {"GET", "HEAD"},
    "tasks/{id}": {"GET", "HEAD", "PUT", "PATCH", "DELETE"},
    "tasks/{id}/complete": {"PATCH"},
    "tasks/{id}/toggle-status": {"PATCH"},
}
BASES = ["/api/alice/", "/api/"]
ADDRESSES = [base + route for base in BASES for route in ALLOWED]
REFUSED = [
    (method, base + route)
    for base in BASES
    for route, allowed in ALLOWED.items()
    for method in METHODS
    if method not in allowed
]
SUCCEEDING = [
    (method, base + route) for base in BASES for route, allowed in ALLOWED.items() for method in sorted(allowed)
]


def allowed_at(address):
    return ALLOWED[address.removeprefix("/api/").removeprefix("alice/")]


@pytest.mark.parametrize(("method", "address"), REFUSED)
def test_any_other_method_is_405(alice, make_task, django_assert_num_queries, method, address):
    task = make_task()

    with django_assert_num_queries(0):
        response = alice.generic(method, address.format(id=task.id), b'{"title": "x"}', "application/json")

    assert response.status_code == 405
    assert set(response["Allow"].split(", ")) == allowed_at(address)
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "FOO"])
@pytest.mark.parametrize("address", ["/api/tasks", "/api/alice/tasks/{id}/complete"])
def test_a_401_comes_before_a_405(anonymous, django_assert_num_queries, method, address):
    with django_assert_num_queries(0):
        response = anonymous.generic(method, address.format(id=1))

    assert response.status_code == 401


@pytest.mark.parametrize("method", ["OPTIONS", "FOO"])
@pytest.mark.parametrize("route", ["tasks", "tasks/{id}"])
def test_a_403_comes_before_a_405(alice, django_assert_num_queries, method, route):
    with django_assert_num_queries(0):
        response = alice.generic(method, f"/api/bob/{route.format(id=1)}")

    assert response.status_code == 403


@pytest.mark.parametrize(
    ("user_id", "token", "method", "status"),
    [
        ("alice", "garbage", "FOO", 401),
        ("bob", None, "FOO", 403),
        ("alice", None, "FOO", 405),
        ("alice", None, "PUT", 406),
    ],
)
def test_errors_come_in_the_order_401_403_405_406_before_the_body_is_read(
    client_for, django_assert_num_queries, user_id, token, method, status
):
    with django_assert_num_queries(0):
        response = client_for("alice", token=token).generic(
            method, f"/api/{user_id}/tasks/1", b"not JSON", "text/plain", HTTP_ACCEPT="application/xml"
        )

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("address", [address for address in ADDRESSES if "GET" in allowed_at(address)])
def test_head_is_get_without_the_body(alice, make_task, django_assert_num_queries, address):
    url = address.format(id=make_task().id)
    get_response = alice.get(url)

    with django_assert_num_queries(1):
        response = alice.head(url)

    assert (response.status_code, response.content) == (200, b"")
    assert {*response.headers.items()} ^ {*get_response.headers.items()} == {
        ("X-Request-ID", response["X-Request-ID"]), ("X-Request-ID", get_response["X-Request-ID"]),
    }  # fmt: skip


def test_head_of_an_unknown_task_is_404(alice):
    assert alice.head(f"{alice.tasks_url}/1").status_code == 404


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_header_does_not_change_the_method(alice, make_task, name):
    url = f"{alice.tasks_url}/{make_task().id}"

    assert alice.get(url, headers={name: "DELETE"}).status_code == 200
    assert alice.post(url, {"title": "x", "_method": "DELETE"}, headers={name: "DELETE"}).status_code == 405
    assert alice.post(f"{url}?_method=DELETE", {"title": "x"}).status_code == 405
    assert Task.objects.count() == 1


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_preflight_needs_neither_token_nor_database(client, django_assert_num_queries, address):
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "DELETE"}

    with django_assert_num_queries(0):
        response = client.options(address.format(id=1), headers=headers)

    assert response.status_code == 200
    assert "DELETE" in response["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(("method", "address"), SUCCEEDING)
def test_a_trailing_slash_makes_no_difference(alice, make_task, django_assert_num_queries, method, address):
    url = address.format(id=make_task().id)
    query = "?status=all" if url.endswith("tasks") and method in ("PATCH", "DELETE") else ""

    with django_assert_num_queries(1):
        body = b'{"completed": true}' if method == "PATCH" else b'{"title": "Kept", "completed": true}'
        response = alice.generic(method, f"{url}/{query}", body, "application/json")

    assert response.status_code in (200, 201, 204)
    if method in ("POST", "PUT"):
        assert response.json()["title"] == "Kept"


@pytest.mark.parametrize("address", ADDRESSES)
def test_two_slashes_at_the_end_are_404(client, token_for, address):
    response = client.get(f"{address.format(id=1)}//", headers={"Authorization": f"Bearer {token_for('alice')}"})

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


def test_a_user_with_the_id_tasks_has_working_paths(client_for, make_task):
    client = client_for("tasks")
    task = make_task(user_id="tasks")

    assert [found["id"] for found in client.get("/api/tasks/tasks").json()] == [task.id]
    assert client.get(f"/api/tasks/tasks/{task.id}").json()["id"] == task.id
    assert client.get(f"/api/tasks/{task.id}").json()["id"] == task.id

"""Access to every operation below /api/. The list is built from the URLconf; a new route needs a row in the tables."""

from datetime import UTC, datetime

import pytest
from django.urls import URLResolver, get_resolver, reverse

from tasks.models import Task

pytestmark = pytest.mark.django_db

KEY = "0b4d0e7c-5c1e-4c57-9d0c-6f7d1b0a3c11"
LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)
KNOWN = {
    "/tasks": ["DELETE", "GET", "HEAD", "PATCH", "POST"],
    "/tasks/1": ["DELETE", "GET", "HEAD", "PATCH", "PUT"],
    "/tasks/1/complete": ["PATCH"],
    "/tasks/1/toggle-status": ["PATCH"],
    "/tasks/counts": ["GET", "HEAD"],
    "/tasks/changes": ["GET", "HEAD"],
    "/tasks/export": ["GET", "HEAD"],
}
# Routes outside /api/. They return nothing of a user's tasks, except the admin, which asks for an operator's session.
OPEN = {"", "openapi.json", "docs", "redoc", "favicon.ico", "metrics", "admin/"}
EVERYTHING_ELSE = ""  # the last route: a 404


def methods_of(view):
    """Return the methods of a viewset's actions or of a view's handlers; all methods for any other view."""
    names = getattr(view, "actions", None)
    if names is None:
        handlers = getattr(view, "cls", None) or getattr(view, "view_class", None)
        every = ["get", "post", "put", "patch", "delete"]
        names = [name for name in every if handlers is None or hasattr(handlers, name)]
    return sorted({name.upper() for name in names} | ({"HEAD"} if "get" in names else set()))


def operations(patterns, route="", names=()):
    """Yield (method, view, names in the path) for all routes below api/."""
    for pattern in patterns:
        full_route, all_names = route + str(pattern.pattern), (*names, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            yield from operations(pattern.url_patterns, full_route, all_names)
        elif full_route.startswith("api/"):
            for method in methods_of(pattern.callback):
                yield method, pattern.callback, all_names


def address(view, names, **values):
    return reverse(view, kwargs={name: values[name] for name in names})


OPERATIONS = list(operations(get_resolver().url_patterns))


def each_operation(*needed):
    """Parametrize a test with the operations whose path has all names of `needed`."""
    return pytest.mark.parametrize(
        ("method", "view", "names"),
        [
            pytest.param(*operation, id=f"{operation[0]} {address(*operation[1:], user_id='USER', pk='ID')}")
            for operation in OPERATIONS
            if {*needed} <= {*operation[2]}
        ],
    )


def send(client, method, url):
    url = f"{url}?status=all" if url.endswith("tasks") and method in ("DELETE", "PATCH") else url
    body = b'{"completed": true}' if method == "PATCH" else b'{"title": "Mine now", "completed": true}'
    return client.generic(method, url, body, "application/json")


def test_the_table_is_every_known_operation_and_no_other():
    found = sorted((method, address(view, names, user_id="alice", pk=1)) for method, view, names in OPERATIONS)

    assert found == sorted(
        (method, f"/api{user}{path}")
        for user in ("", "/alice")
        for path, methods in KNOWN.items()
        for method in methods
    )


def test_a_route_outside_the_table_is_known_to_be_open():
    routes = [str(pattern.pattern) for pattern in get_resolver().url_patterns]

    assert sorted(routes) == sorted([*OPEN, "api/", EVERYTHING_ELSE])


@each_operation()
def test_without_a_token_it_is_401(anonymous, make_task, django_assert_num_queries, method, view, names):
    url = address(view, names, user_id="alice", pk=make_task().pk)

    with django_assert_num_queries(0):
        response = send(anonymous, method, url)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@each_operation()
def test_with_a_bad_token_it_is_401(client_for, token_for, make_task, django_assert_num_queries, method, view, names):
    mallory = client_for("alice", token=token_for("alice", secret="m" * 32))
    url = address(view, names, user_id="alice", pk=make_task().pk)

    with django_assert_num_queries(0):
        response = send(mallory, method, url)

    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@each_operation("user_id")
def test_below_another_users_path_it_is_403(alice, make_task, django_assert_num_queries, method, view, names):
    url = address(view, names, user_id="bob", pk=make_task().pk)

    with django_assert_num_queries(0):
        response = send(alice, method, url)

    assert response.status_code == 403


@each_operation("pk")
def test_another_users_task_is_404_and_unchanged(alice, make_task, django_assert_num_queries, method, view, names):
    task = make_task(user_id="bob", updated_at=LONG_AGO)
    url = address(view, names, user_id="alice", pk=task.pk)

    with django_assert_num_queries(1):
        response = send(alice, method, url)

    assert response.status_code == 404
    assert Task.objects.filter(pk=task.pk, title=task.title, completed=False, updated_at=LONG_AGO).exists()


@each_operation()
def test_another_users_tasks_are_neither_shown_nor_changed(alice, make_task, method, view, names):
    make_task(user_id="bob", title="Secret", client_id=KEY)
    before = list(Task.objects.filter(user_id="bob").values())

    response = send(alice, method, address(view, names, user_id="alice", pk=KEY))

    assert b"Secret" not in response.getvalue()
    assert list(Task.objects.filter(user_id="bob").values()) == before


@each_operation()
def test_the_owner_is_allowed(alice, make_task, django_assert_num_queries, method, view, names):
    url = address(view, names, user_id="alice", pk=make_task().pk)

    with django_assert_num_queries(1):
        response = send(alice, method, url)

    assert response.status_code in (200, 201, 204)

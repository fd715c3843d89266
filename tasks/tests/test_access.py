"""Access to every operation below /api/. The list of operations is built from the URLconf."""

from datetime import UTC, datetime

import pytest
from django.urls import URLResolver, get_resolver, reverse

from tasks.models import Task

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)
ON_LISTS = ["DELETE", "GET", "HEAD", "PATCH", "POST"]
ON_TASKS = ["DELETE", "GET", "HEAD", "PATCH", "PUT"]
KNOWN = {
    *((method, f"/api{user}/tasks") for user in ("", "/alice") for method in ON_LISTS),
    *((method, f"/api{user}/tasks/1") for user in ("", "/alice") for method in ON_TASKS),
    *(("PATCH", f"/api{user}/tasks/1/{name}") for user in ("", "/alice") for name in ("complete", "toggle-status")),
}


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


def test_the_table_contains_every_known_operation():
    assert {(method, address(view, names, user_id="alice", pk=1)) for method, view, names in OPERATIONS} >= KNOWN


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
def test_the_owner_is_allowed(alice, make_task, django_assert_num_queries, method, view, names):
    url = address(view, names, user_id="alice", pk=make_task().pk)

    with django_assert_num_queries(1):
        response = send(alice, method, url)

    assert response.status_code in (200, 201, 204)

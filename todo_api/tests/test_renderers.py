"""The memory of a request and its response."""

import gc
import io
import weakref

import pytest

from todo_api.tests.tokens import make_token
from todo_api.wsgi import application


@pytest.fixture
def no_garbage_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "status"), [("/api/alice/tasks", 200), ("/api/alice/tasks/0", 404), ("/api/alice/tasks/export", 200)]
)
def test_a_request_and_its_response_are_freed_at_once(make_task, no_garbage_collection, path, status):
    make_task()
    statuses = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "HTTP_AUTHORIZATION": f"Bearer {make_token('alice')}",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }
    response = application(environ, lambda line, headers: statuses.append(int(line[:3])))
    request_reference, response_reference = weakref.ref(environ["wsgi.input"]), weakref.ref(response)
    assert b"".join(response)

    response.close()
    del environ, response

    assert (statuses, request_reference(), response_reference()) == ([status], None, None)

"""What becomes of an answer after it was written."""

import gc
import io
import weakref

import pytest

from conftest import make_token
from todo_api.wsgi import application


@pytest.fixture
def no_garbage_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.django_db(transaction=True)
def test_an_answer_and_its_rows_are_freed_at_once(make_task, no_garbage_collection):
    make_task()
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/alice/tasks",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "HTTP_AUTHORIZATION": f"Bearer {make_token('alice')}",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }
    response = application(environ, lambda status, headers: None)
    answer = weakref.ref(response)
    assert b"Buy groceries" in b"".join(response)

    response.close()
    del response

    assert answer() is None

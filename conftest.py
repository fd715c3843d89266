"""The fixtures of all tests: alice and bob, their tokens and their tasks."""

from __future__ import annotations

import todo_api.tests.environment  # noqa: F401  # before anything that reads settings

# isort: split

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client, override_settings

from tasks.models import Task
from todo_api.log_queue import QueueHandler
from todo_api.tests.client import ApiClient
from todo_api.tests.ownership import checked
from todo_api.tests.tokens import make_token


@pytest.fixture(scope="session", autouse=True)
def quiet_log() -> None:
    """pytest shows the log of a failed test. The service's handler would write it later, among other output."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, QueueHandler):
            handler.emit = lambda record: None  # type: ignore[method-assign]  # its filter has to run


@pytest.fixture(scope="session", autouse=True)
def owned_statements() -> Iterator[None]:
    """A request to /api/ whose SQL could reach rows of another user than the token's fails its test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "request", checked(Client.request))
        yield


@pytest.fixture
def alice() -> ApiClient:
    return ApiClient("alice")


@pytest.fixture
def bob() -> ApiClient:
    return ApiClient("bob")


@pytest.fixture
def anonymous() -> ApiClient:
    return ApiClient()


@pytest.fixture
def client_for() -> type[ApiClient]:
    """`client_for("some id")` or `client_for("alice", token=…)`."""
    return ApiClient


@pytest.fixture
def token_for() -> Callable[..., str]:
    """`token_for("alice", exp=0)`."""
    return make_token


@pytest.fixture
def make_task(db: None) -> Callable[..., Task]:
    """`make_task(user_id="bob", title="Paint")`: create a row without the API."""

    def make(**overrides: Any) -> Task:
        task = Task.objects.create(**{"user_id": "alice", "title": "Buy groceries"} | overrides)
        task.refresh_from_db()
        return task

    return make


@pytest.fixture
def configured() -> type[override_settings]:
    """`with configured(JWT_LEEWAY=0): …`."""
    return override_settings

"""The cast: alice and bob, their tokens and their tasks, and clients whose answers are held to the OpenAPI document."""

from __future__ import annotations

import todo_api.tests.environment  # noqa: F401  # before anything that reads settings

# isort: split

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
import pytest
from django.conf import settings
from django.test import override_settings
from openapi_core import Config, OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIResponse
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound
from rest_framework.test import APIClient

from tasks.models import Task

DOCUMENT = OpenAPI.from_file_path(
    f"{settings.BASE_DIR}/docs/openapi.yaml",
    config=Config(extra_media_type_deserializers={"application/problem+json": orjson.loads}),
)


@dataclass
class DocumentedRequest:
    """What openapi-core wants to know of a request to find its operation."""

    path: str
    method: str
    host_url: str = ""
    path_pattern: str | None = None
    content_type: str = ""
    body: bytes | None = None
    parameters: RequestParameters = field(default_factory=RequestParameters)


def hold_to_document(method: str, path: str, response: Any) -> None:
    """Fail unless the document describes this status, these headers and this body for the operation."""
    request = DocumentedRequest(path=path.rstrip("/"), method=method.lower())
    try:
        DOCUMENT.validate_response(request, DjangoOpenAPIResponse(response))
    except (PathNotFound, OperationNotFound):
        assert response.status_code in (401, 403, 404, 405, 429), response.content


class Caller(APIClient):
    """Speaks JSON for one user; every answer below /api/ is held to the document."""

    default_format = "json"

    def __init__(self, user_id: str | None = None, token: str | None = None) -> None:
        super().__init__(raise_request_exception=False)
        self.user_id = user_id
        self.tasks_url = f"/api/{user_id}/tasks"
        if user_id and token is None:
            token = make_token(user_id)
        if token:
            self.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def request(self, **environ: Any) -> Any:
        """One request, and its answer if the document allows it."""
        response = super().request(**environ)
        path, method = response.wsgi_request.path, response.wsgi_request.method
        if path.startswith("/api/") and method != "HEAD" and not response.streaming:
            hold_to_document(method, path, response)
        return response


def make_token(
    user_id: Any = "alice",
    *,
    secret: Any = "",
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A really signed token, good for 15 minutes; a claim given as `...` is left out. `secret` may be a private key."""
    now = int(time.time())
    payload = {"sub": user_id, "iat": now, "exp": now + 900} | claims
    payload = {name: value for name, value in payload.items() if value is not ...}
    return jwt.encode(payload, secret or settings.BETTER_AUTH_SECRET, algorithm=algorithm, headers=headers)


@pytest.fixture
def token_for() -> Callable[..., str]:
    """`token_for("alice", exp=0)`."""
    return make_token


@pytest.fixture
def make_task(db: None) -> Callable[..., Task]:
    """`make_task(user_id="bob", title="Paint")`: a row, made without the API."""

    def make(**overrides: Any) -> Task:
        task = Task.objects.create(**{"user_id": "alice", "title": "Buy groceries"} | overrides)
        task.refresh_from_db()
        return task

    return make


@pytest.fixture
def alice() -> Caller:
    """A user."""
    return Caller("alice")


@pytest.fixture
def bob() -> Caller:
    """Another user."""
    return Caller("bob")


@pytest.fixture
def anonymous() -> Caller:
    """Nobody."""
    return Caller()


@pytest.fixture
def caller() -> type[Caller]:
    """`caller("some id")` or `caller("alice", token=…)`, where the cast is not enough."""
    return Caller


@pytest.fixture
def configured() -> type[override_settings]:
    """`with configured(JWT_LEEWAY=0): …`."""
    return override_settings

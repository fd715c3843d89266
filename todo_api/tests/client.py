"""A client for the API that compares every response with the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponse
from openapi_core import Config, OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIResponse
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound
from rest_framework.test import APIClient

from todo_api.tests.tokens import make_token

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"  # an Accept header
DOCUMENT = OpenAPI.from_file_path(
    f"{settings.BASE_DIR}/docs/openapi.yaml",
    config=Config(
        extra_media_type_deserializers={
            "application/problem+json": orjson.loads,
            **dict.fromkeys(("text/csv", "text/calendar"), lambda body, charset: body.decode(charset)),
        }
    ),
)


class ApiClient(APIClient):
    """Sends JSON for one user. A response below /api/ that the OpenAPI document does not describe fails the test."""

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
        response = super().request(**environ)
        path, method = response.wsgi_request.path, response.wsgi_request.method
        if path.startswith("/api/"):
            received = received_whole(response) if response.streaming else response
            if method != "HEAD":
                assert_documented(method, path, received)
        return response


def quick_client(user_id: str) -> APIClient:
    """Return a client that does not compare responses with the document, which takes longer than the responses."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(user_id)}")
    return client


def received_whole(response: Any) -> HttpResponse:
    """Read a stream to its end, and return it as a response. `response.getvalue()` returns the same again."""
    body = response.getvalue()
    response.streaming_content = [body]
    return HttpResponse(body, status=response.status_code, headers=dict(response.headers))


def assert_documented(method: str, path: str, response: Any) -> None:
    """Fail unless the document describes this status, these headers and this body for the operation."""
    request = RequestLine(path=path.rstrip("/"), method=method.lower())
    try:
        DOCUMENT.validate_response(request, DjangoOpenAPIResponse(response))
    except (PathNotFound, OperationNotFound):
        assert response.status_code in (401, 403, 404, 405, 429), response.content


@dataclass
class RequestLine:
    """The parts of a request with which openapi-core finds its operation."""

    path: str
    method: str
    host_url: str = ""
    path_pattern: str | None = None
    content_type: str = ""
    body: bytes | None = None
    parameters: RequestParameters = field(default_factory=RequestParameters)

"""A Model Context Protocol server with five tools for tasks. It calls the API with the caller's own token."""

import logging
import os
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx2
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from pydantic import Field
from typing_extensions import TypedDict

API_URL = os.environ.get("API_URL", "http://localhost:8000")
BETTER_AUTH_URL = os.environ.get("BETTER_AUTH_URL", "http://localhost:3000")
MCP_URL = os.environ.get("MCP_URL", "http://localhost:8765/mcp")  # the address that clients use
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8765"))

UNREACHABLE = "The task service cannot be reached. Try again in a moment."

Priority = Literal["low", "medium", "high"]
Sort = Annotated[str, Field(description="created, updated, title, priority, due; a leading - reverses")]
DueAt = Annotated[str, Field(description="RFC 3339 with an offset, for example 2026-02-01T18:00:00+01:00")]


class Changes(TypedDict, total=False):
    """The fields to change. Absent fields stay as they are."""

    title: str
    description: str | None
    completed: bool
    priority: Priority
    due_at: DueAt | None
    tags: list[str]


class ApiVerifier:
    """Ask the API whether a token is valid, so that this server needs no key and no secret."""

    async def verify_token(self, token: str) -> AccessToken | None:
        if not token.isascii():  # httpx2 cannot send it
            return None
        try:
            response = await api.head("/api/tasks?limit=1", headers=bearer(token))
            is_valid = response.status_code != 401
        except httpx2.TransportError:
            is_valid = True  # unknown: the tool calls the API with it, and reports the outage
        return AccessToken(token=token, client_id="", scopes=[]) if is_valid else None


logging.getLogger("httpx2").setLevel("WARNING")  # at INFO it logs addresses, with what people search for
api = httpx2.AsyncClient(base_url=API_URL, timeout=10)
mcp = MCPServer(
    "tasks",
    instructions="The task list of the signed-in user.",
    token_verifier=ApiVerifier(),
    # The API checks the audience of each token, see README.md.
    auth=AuthSettings(issuer_url=BETTER_AUTH_URL, resource_server_url=MCP_URL, validate_token_resource=False),
)


@mcp.tool()
async def add_task(
    title: str,
    description: str | None = None,
    priority: Priority = "medium",
    due_at: DueAt | None = None,
    tags: list[str] | None = None,
    client_id: Annotated[UUID | None, Field(description="to repeat a call safely, send the same UUID again")] = None,
) -> dict[str, Any]:
    """Add a task, and return it."""
    body = {"title": title, "description": description, "priority": priority, "due_at": due_at, "tags": tags or []}
    key = {"Idempotency-Key": str(client_id or uuid4())}
    return (await call("POST", "/api/tasks", json=body, headers=key)).json()


@mcp.tool(annotations=ToolAnnotations(read_only_hint=True))
async def list_tasks(
    status: Literal["all", "pending", "completed"] = "all",
    priority: Priority | None = None,
    tag: str | None = None,
    search: Annotated[str | None, Field(description="words that all occur in title or description")] = None,
    due_before: DueAt | None = None,
    due_after: DueAt | None = None,
    sort: Sort = "created",
    limit: int = 100,
    cursor: Annotated[str | None, Field(description="`next` of the previous page")] = None,
) -> dict[str, Any]:
    """List tasks. `next` is the cursor of the next page, or null."""
    query = {name: value for name, value in locals().items() if value is not None}  # the arguments
    response = await call("GET", "/api/tasks", params=query)
    return {"tasks": response.json(), "next": next_cursor(response)}


@mcp.tool(annotations=ToolAnnotations(destructive_hint=False, idempotent_hint=True))
async def complete_task(task_id: int, completed: bool = True) -> dict[str, Any]:
    """Complete a task, or make it pending again, and return it."""
    return (await call("PATCH", f"/api/tasks/{task_id}/complete", json={"completed": completed})).json()


@mcp.tool(annotations=ToolAnnotations(idempotent_hint=True))
async def update_task(task_id: int, changes: Changes) -> dict[str, Any]:
    """Change fields of a task, and return it."""
    return (await call("PATCH", f"/api/tasks/{task_id}", json=changes)).json()


@mcp.tool(annotations=ToolAnnotations(idempotent_hint=True))
async def delete_task(task_id: int) -> str:
    """Delete a task for good."""
    await call("DELETE", f"/api/tasks/{task_id}")
    return f"Task {task_id} is deleted."


async def call(method: str, path: str, *, headers: dict[str, str] | None = None, **content: Any) -> httpx2.Response:
    """Send a request with the caller's token. Without a response it is sent once more, which changes nothing twice."""
    token = get_access_token()
    assert token, "the SDK refuses a request without a token"
    for _ in range(2):
        try:
            response = await api.request(method, path, headers=bearer(token.token) | (headers or {}), **content)
        except httpx2.TransportError:
            continue
        if response.is_success:
            return response
        raise ToolError(detail(response))
    raise ToolError(UNREACHABLE)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def detail(response: httpx2.Response) -> str:
    """Return the sentence of a problem (RFC 9457)."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return str(response.json()["detail"])
    return f"The task service answered {response.status_code}."


def next_cursor(response: httpx2.Response) -> str | None:
    query = urlsplit(response.links["next"]["url"]).query if "next" in response.links else ""
    return parse_qs(query).get("cursor", [None])[0]


if __name__ == "__main__":
    address = urlsplit(MCP_URL)
    mcp.run(
        "streamable-http",
        host=HOST,
        port=PORT,
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[address.netloc], allowed_origins=[f"{address.scheme}://{address.netloc}"]
        ),
    )

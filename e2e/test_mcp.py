"""The MCP server of examples/mcp with the service, called by the client of the official SDK."""

import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx2
import pytest
import requests
from anyio.from_thread import start_blocking_portal
from django.conf import settings
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from e2e.processes import SECRET, Process, Service, node_environment
from todo_api.tests.tokens import make_token

AUDIENCE, ISSUER = "https://tasks.example.com", "https://example.com"


class McpServer(Process):
    folder = settings.BASE_DIR / "examples" / "mcp"
    command = (sys.executable, "server.py")
    ready = "/.well-known/oauth-protected-resource/mcp"

    def environment(self):
        return node_environment(PORT=str(self.port), MCP_URL=f"{self.url}/mcp", **self.variables)


class Forwarder(BaseHTTPRequestHandler):
    """Forwards each request to the service. It loses the response while `losses` of its server is over 0."""

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        response = requests.request(self.command, self.server.target + self.path, headers=self.headers, data=body)
        if self.server.losses and self.command != "HEAD":
            self.server.losses -= 1
            return
        self.send_response(response.status_code)
        for name in {"Content-Type", "Link"} & response.headers.keys():
            self.send_header(name, response.headers[name])
        self.end_headers()
        self.wfile.write(response.content)

    do_HEAD = do_GET = do_POST = do_PATCH = do_DELETE = forward  # noqa: N815

    def log_message(self, *args):
        pass


class Agent:
    """A user with an MCP client. Each call is a connection of its own."""

    def __init__(self, server, user_id=None, **claims):
        self.url = f"{server.url}/mcp"
        self.token = make_token(user_id or uuid4().hex, **{"secret": SECRET, "aud": AUDIENCE} | claims)

    def use(self, function):
        """Return `function(client)`. It runs in a thread, because Playwright has an event loop in this one."""

        async def connect():
            headers = {"Authorization": f"Bearer {self.token}"}
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(self.url, http_client=http)) as client,
            ):
                return await function(client)

        with start_blocking_portal() as portal:
            return portal.call(connect)

    def call(self, tool, **arguments):
        """Return the result of a tool that succeeds."""
        result = self.use(lambda client: client.call_tool(tool, arguments))
        assert not result.is_error, result.content
        return result.structured_content

    def error(self, tool, **arguments):
        """Return the sentence of a tool that fails."""
        result = self.use(lambda client: client.call_tool(tool, arguments))
        assert result.is_error
        return result.content[0].text

    def titles(self, **filters):
        return [task["title"] for task in self.call("list_tasks", **filters)["tasks"]]


@pytest.fixture(scope="module")
def service(database_url, logs):
    with Service(logs, DATABASE_URL=database_url, JWT_AUDIENCE=AUDIENCE).running() as service:
        yield service


@pytest.fixture(scope="module")
def network(service):
    """Between the MCP server and the service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Forwarder) as network:
        network.target, network.losses = service.url, 0
        threading.Thread(target=network.serve_forever).start()
        yield network
        network.shutdown()


@pytest.fixture(scope="module")
def server(network, logs):
    api_url = f"http://127.0.0.1:{network.server_port}"
    with McpServer(logs, API_URL=api_url, BETTER_AUTH_URL=ISSUER).running() as server:
        yield server


@pytest.fixture
def alice(server):
    return Agent(server)


@pytest.fixture
def bob(server):
    return Agent(server)


@contextmanager
def lost_responses(network, count):
    network.losses = count
    try:
        yield
    finally:
        network.losses = 0


def test_there_are_five_tools(alice):
    tools = alice.use(lambda client: client.list_tools()).tools

    assert {tool.name for tool in tools} == {"add_task", "list_tasks", "complete_task", "update_task", "delete_task"}


def test_a_user_works_with_tasks(alice):
    task = alice.call("add_task", title="Buy milk", due_at="2026-02-01T18:00:00+01:00", tags=["home"])
    alice.call("add_task", title="Call the dentist", priority="high")

    changed = alice.call("update_task", task_id=task["id"], changes={"title": "Buy oat milk", "due_at": None})
    done = alice.call("complete_task", task_id=task["id"])

    assert (task["due_at"], changed["due_at"], done["completed"]) == ("2026-02-01T17:00:00Z", None, True)
    assert alice.titles(tag="home", status="completed", sort="-created") == ["Buy oat milk"]
    alice.call("delete_task", task_id=task["id"])
    assert alice.titles() == ["Call the dentist"]


def test_a_list_has_pages(alice):
    for title in ("1", "2", "3"):
        alice.call("add_task", title=title)

    page = alice.call("list_tasks", limit=2)

    assert alice.titles(limit=2, cursor=page["next"]) == ["3"]
    assert alice.call("list_tasks", limit=3)["next"] is None


def test_a_lost_response_makes_no_second_task(alice, network):
    with lost_responses(network, 1):
        task = alice.call("add_task", title="Buy milk")

    alice.call("add_task", title="Buy milk", client_id=task["client_id"])

    assert alice.call("list_tasks")["tasks"] == [task]


def test_an_error_of_the_api_is_an_error_of_the_tool(alice):
    assert alice.error("add_task", title=" ").endswith("title: This field may not be blank.")
    assert alice.error("complete_task", task_id=0).endswith("Task 0 not found")


def test_an_outage_of_the_api_is_an_error_of_the_tool(alice, network):
    with lost_responses(network, 1000):
        assert alice.error("list_tasks").endswith("The task service cannot be reached. Try again in a moment.")


def test_another_users_tasks_are_out_of_reach(alice, bob):
    task = alice.call("add_task", title="Buy milk")

    assert bob.titles() == []
    for tool, arguments in (("complete_task", {}), ("update_task", {"changes": {"title": "x"}}), ("delete_task", {})):
        assert bob.error(tool, task_id=task["id"], **arguments).endswith(f"Task {task['id']} not found")
    assert alice.call("list_tasks")["tasks"] == [task]


BAD_TOKENS = {
    "expired": {"exp": int(time.time()) - 60},
    "signed with another secret": {"secret": SECRET[::-1]},
    "for another audience": {"aud": "https://other.example.com"},
}


@pytest.mark.parametrize("claims", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_the_client_is_refused_with_a_bad_token(server, claims):
    with pytest.raises(ExceptionGroup) as error:
        Agent(server, **claims).titles()

    assert "Server returned an error response" in repr(error.value)  # what the SDK makes of a 401


@pytest.mark.parametrize("header", [None, "Bearer x", "Bearer ü", "Basic YTpi"])
def test_a_401_names_where_tokens_come_from(server, header):
    headers = {"Authorization": header.encode()} if header else {}

    response = requests.post(f"{server.url}/mcp", json={}, headers=headers, timeout=10)

    metadata_url = f"{server.url}/.well-known/oauth-protected-resource/mcp"
    assert response.status_code == 401
    assert f'resource_metadata="{metadata_url}"' in response.headers["WWW-Authenticate"]
    metadata = requests.get(metadata_url, timeout=10).json()
    assert (metadata["resource"], metadata["authorization_servers"]) == (f"{server.url}/mcp", [ISSUER])

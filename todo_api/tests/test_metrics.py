"""GET /metrics: access only with METRICS_TOKEN, and no data of users."""

import re

import pytest

from todo_api.tests.server import METRICS_TOKEN, Server

TOKEN = {"Authorization": f"Bearer {METRICS_TOKEN}"}


def count(server, **labels):
    pattern = ",".join(f'{name}="{re.escape(value)}"' for name, value in labels.items())
    _, text = server.get("/metrics", **TOKEN)
    found = re.search(rf"^http_request_duration_seconds_count{{{pattern}}} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0


# Without the `db` fixture a query fails.
@pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": "Bearer "}, {"HTTP_AUTHORIZATION": "Bearer x"}])
def test_it_is_404_without_a_configured_token(anonymous, headers):
    response = anonymous.get("/metrics", **headers)

    assert response.status_code == 404
    assert response.json()["detail"] == "There is nothing at this address."


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        f"Bearer {METRICS_TOKEN}x",
        f"Basic {METRICS_TOKEN}",
        METRICS_TOKEN,
        "Bearer é",
    ],
)
def test_it_is_401_without_its_token(anonymous, configured, authorization):
    with configured(METRICS_TOKEN=METRICS_TOKEN):
        response = anonymous.get("/metrics", HTTP_AUTHORIZATION=authorization)

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_it_is_401_with_the_token_of_a_user(alice, configured):
    with configured(METRICS_TOKEN=METRICS_TOKEN):
        assert alice.get("/metrics").status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_it_is_text_for_prometheus(server, scheme):
    status, text = server.get("/metrics", Authorization=f"{scheme} {METRICS_TOKEN}")

    assert status == 200
    assert "# TYPE http_request_duration_seconds histogram" in text


def test_a_request_counts_once_under_its_route(server):
    before = count(server, method="GET", route="none", status="200")

    server.get("/health")

    assert count(server, method="GET", route="none", status="200") == before + 1


def test_requests_are_counted_by_method_route_and_status(server):
    labels = {"method": "GET", "route": "api/<str:user_id>/tasks/?$", "status": "401"}
    before = count(server, **labels)

    server.get("/api/alice/tasks")
    server.get("/api/bob/tasks")

    assert count(server, **labels) == before + 2


def test_labels_contain_no_ids_and_no_users(server):
    for path in ("/api/carol/tasks/4711", "/api/tasks/4711?search=secret", "/nothing/4711", "/carol"):
        server.get(path, X_Request_ID="carol-4711")

    _, text = server.get("/metrics", **TOKEN)

    assert not re.search("carol|4711|secret", text)


def test_a_configured_folder_is_kept_when_the_server_stops(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    server = Server(tmp_path, METRICS_TOKEN=METRICS_TOKEN, PROMETHEUS_MULTIPROC_DIR=str(folder))

    server.stop()

    assert list(folder.iterdir())

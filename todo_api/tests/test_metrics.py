"""GET /metrics: access only with METRICS_TOKEN, and no data of users."""

import re
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from todo_api.identity.tests.issuer import Issuer, private_key, serving
from todo_api.metrics import recorder
from todo_api.postgresql.pool import Pool
from todo_api.tests.server import METRICS_TOKEN, Server

TOKEN = {"Authorization": f"Bearer {METRICS_TOKEN}"}


def value(text, name, **labels):
    """The value of one sample of an exposition, 0 when there is none."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))


def count(server, **labels):
    """How many requests with these labels the server has counted."""
    return value(server.get("/metrics", **TOKEN)[1], "http_requests_total", **labels)


@pytest.fixture
def scrape(anonymous, configured):
    """`scrape()`: the metrics of this process, as under runserver."""
    with configured(METRICS_TOKEN=METRICS_TOKEN):
        yield lambda: anonymous.get("/metrics", headers=TOKEN).content.decode()


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


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/health", "/health", "200"),
        ("/", "/", "200"),
        ("/api/alice/tasks", "/api/{user_id}/tasks", "401"),
        ("/api/tasks/7/complete/", "/api/tasks/{pk}/complete", "401"),
        ("/admin/tasks/task/7/change/", "/admin", "302"),
        ("/nothing", "none", "404"),
    ],
)
def test_a_request_counts_once_under_its_route(server, path, route, status):
    before = count(server, method="GET", route=route, status=status)

    server.get(path)

    assert count(server, method="GET", route=route, status=status) == before + 1


def test_durations_are_counted_by_route(server):
    server.get("/health")

    text = server.get("/metrics", **TOKEN)[1]

    counts = [value(text, f"http_request_duration_seconds_{name}", method="GET", route="/health", **labels)
              for name, labels in (("count", {}), ("bucket", {"le": "+Inf"}))]  # fmt: skip
    assert counts[0] == counts[1] == count(server, method="GET", route="/health", status="200")


@pytest.mark.parametrize(
    ("token", "code"), [(None, "not_authenticated"), ("garbage", "token_invalid"), ({"exp": 1}, "token_expired")]
)
def test_refused_tokens_are_counted_by_reason(scrape, client_for, token_for, token, code):
    before = value(scrape(), "http_problems_total", code=code)

    client_for(token=token_for("alice", **token) if isinstance(token, dict) else token).get("/api/tasks")

    assert value(scrape(), "http_problems_total", code=code) == before + 1


def test_database_errors_are_counted(scrape, alice, unreachable_database):
    before = value(scrape(), "http_problems_total", code="database_unavailable")

    alice.get("/api/tasks")

    assert value(scrape(), "http_problems_total", code="database_unavailable") == before + 1


def test_rate_limited_requests_are_counted(scrape, alice, limited):
    before = value(scrape(), "http_problems_total", code="rate_limited")

    with limited(RATE_LIMIT="1/day"):
        for _ in range(3):
            alice.get("/api/tasks/x")

    assert value(scrape(), "http_problems_total", code="rate_limited") == before + 2


@pytest.fixture
def sampled(monkeypatch):
    """Each request records the state of its process."""
    monkeypatch.setattr("todo_api.metrics.SAMPLE_EVERY", 0)
    monkeypatch.setattr(recorder, "next_sample", 0)


def test_the_time_of_the_newest_key_set_is_shown(sampled, scrape, configured, client_for, token_for):
    with serving(Issuer()) as issuer, configured(JWT_ALGORITHM="EdDSA", JWKS_URL=issuer.url):
        token = token_for("alice", secret=private_key(), algorithm="EdDSA", headers={"kid": "a"})
        assert client_for(token=token).get("/api/tasks/x").status_code == 404
        text = scrape()

    loaded = value(text, "key_set_loaded_timestamp_seconds", algorithm="EdDSA")
    assert time.time() - loaded == pytest.approx(0, abs=10)


def test_the_connections_of_the_pools_are_shown(sampled, scrape):
    before = value(scrape(), "database_connections", state="in_use")
    pool = Pool(lambda: None, size=5, wait=1, max_age=1)
    for _ in range(2):
        pool.take_slot()

    assert value(scrape(), "database_connections", state="in_use") == before + 2


def test_an_error_of_the_metrics_costs_no_response(sampled, scrape, monkeypatch, caplog):
    monkeypatch.setattr("todo_api.metrics.sample", lambda: 1 / 0)

    assert [value(scrape(), "http_requests_in_progress") for _ in range(2)] == [1, 1]
    assert "Metrics cannot be written: division by zero" in caplog.messages


def test_the_request_in_work_is_this_one(scrape):
    assert [value(scrape(), "http_requests_in_progress") for _ in range(2)] == [1, 1]


def test_labels_contain_no_ids_and_no_users(server):
    for path in (
        "/api/carol/tasks/4711",
        "/admin/tasks/task/4711/change/",
        "/api/tasks/4711?search=secret",
        "/nothing/4711",
        "/carol",
    ):
        server.get(path, X_Request_ID="carol-4711")

    labels = "".join(re.findall(r"{.*}", server.get("/metrics", **TOKEN)[1]))  # seconds may have any digits

    assert labels
    assert not re.search("carol|4711|secret", labels)


def test_a_configured_folder_is_kept_when_the_server_stops(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    server = Server(tmp_path, METRICS_TOKEN=METRICS_TOKEN, PROMETHEUS_MULTIPROC_DIR=str(folder))

    server.stop()

    assert list(folder.iterdir())

"""The primary of a database cluster is killed under load. `make failover` runs this; `make e2e` does not.

Three PostgreSQL nodes under Patroni with synchronous replication, etcd, and four instances of the service behind nginx.
Each test prints how many requests were sent, how they were answered, and how many acknowledged writes were lost.
"""

import signal
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from e2e.cluster import LEASE, Cluster
from e2e.conftest import migrate
from e2e.database import signal_all
from e2e.processes import Service
from e2e.proxies import haproxy, nginx
from e2e.test_database_access import DEBIAN

INSTANCES = 4
BEFORE, AFTER = 10, 2 * LEASE + 10  # seconds of load before and after the kill
WRITES = {"create", "put", "toggle"}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(DEBIAN)
    try:
        cluster.start()
        migrate(cluster.url_at([cluster.primary.database_port]))
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def through_haproxy(cluster):
    """HAProxy asks Patroni which node is the primary, and ends the connections to any other node."""
    with haproxy(cluster.folder, cluster.nodes) as port:
        yield cluster.url_at([port])


@contextmanager
def through_libpq(cluster):
    """The driver tries all nodes until one accepts writes."""
    ports = [node.database_port for node in cluster.nodes]
    yield cluster.url_at(ports, "&target_session_attrs=read-write")


@pytest.mark.parametrize("way", [through_haproxy, through_libpq])
def test_no_acknowledged_write_is_lost_with_the_primary(start, cluster, tmp_path, load, way):
    cluster.wait_until_complete()
    with way(cluster) as url:
        services = [start(Service, DATABASE_URL=url, WEB_CONCURRENCY="1") for _ in range(INSTANCES)]
        with nginx(tmp_path, [service.port for service in services]) as port:
            clients = load(SimpleNamespace(port=port), BEFORE + AFTER)
            time.sleep(BEFORE)
            killed = cluster.primary
            killed.stop()
            report = clients.report(cluster)
    killed.start()  # for the next test: it becomes a standby
    cluster.wait_until_complete()

    gap = report.longest_gap()
    writes = sum(answer.kind in WRITES and 200 <= answer.status < 300 for answer in report.requests)
    name = f"primary killed, {way.__name__}"
    report.print(name, acknowledged_writes=writes, without_a_success=gap, lease=f"{LEASE} s")
    assert cluster.primary is not killed
    assert {answer.status for answer in report.refused} == {503}
    assert {answer.retry_after for answer in report.refused} == {"1"}
    assert gap < 2 * LEASE
    assert report.lost == 0


@contextmanager
def hanging(processes):
    signal_all(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(processes, signal.SIGCONT)


def test_no_write_is_acknowledged_while_the_synchronous_standby_hangs(start, cluster, load):
    cluster.wait_until_complete()
    with through_haproxy(cluster) as url:
        clients = load(start(Service, DATABASE_URL=url, WEB_CONCURRENCY="2"), 20)
        time.sleep(5)
        with hanging(cluster.synchronous_standby.postgresql()):
            begin = time.monotonic()
            time.sleep(7)
            end = time.monotonic()
        report = clients.report(cluster)

    writes = [answer for answer in report.requests if answer.kind in WRITES and begin + 0.1 < answer.begin < end - 5]
    report.print("synchronous standby hangs", writes=len(writes))
    assert {answer.status for answer in writes} == {503}
    assert report.lost == 0

"""The files of the metrics: as many as processes, never longer, and never the cause of an error."""

import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.urls import URLPattern, get_resolver
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from todo_api.exceptions import CODES
from todo_api.metrics import METHODS, problems, requests, seconds_per_request
from todo_api.metrics_files import SIZES, Slots
from todo_api.routes import template
from todo_api.tests.server import METRICS_TOKEN, Server, clean_environment
from todo_api.tests.test_metrics import TOKEN, count

STATUSES = 16  # of one method of one route; the API documents 14
ENTRY = 40  # bytes of an entry beside its key


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    return folder


@pytest.fixture
def serve(tmp_path):
    """`serve(PROMETHEUS_MULTIPROC_DIR=…)`: gunicorn with metrics."""
    servers = []

    def serve(*command, **variables):
        command = [*command, sys.executable, "-m", "gunicorn"]
        servers.append(Server(tmp_path, command, METRICS_TOKEN=METRICS_TOKEN, **variables))
        return servers[-1]

    yield serve
    for server in servers:
        server.stop()


def kill_worker(server):
    """Kill the only worker, and wait for the next one."""
    [worker] = psutil.Process(server.process.pid).children()
    worker.kill()
    server.wait_until(lambda: not worker.is_running() and server.responds())


def test_killed_workers_leave_their_counts_and_no_more_files(serve, folder):
    server = serve(PROMETHEUS_MULTIPROC_DIR=str(folder))
    labels = {"method": "GET", "route": "/docs", "status": "200"}
    counts, files = [], []
    for _ in range(3):
        server.get("/docs")
        counts.append(count(server, **labels))
        files.append(sorted(path.name for path in folder.iterdir()))
        kill_worker(server)

    assert counts == [1, 2, 3]
    assert files[0] == files[2]


def test_each_worker_has_files_of_its_own(serve, folder):
    server = serve(PROMETHEUS_MULTIPROC_DIR=str(folder), WEB_CONCURRENCY="3")
    total = count(server, method="GET", route="/health", status="200")

    for _ in range(20):
        server.get("/health")

    assert count(server, method="GET", route="/health", status="200") == total + 20
    assert len(list(folder.glob("counter_*.db"))) <= 4  # three workers and their parent


def set_gauge(slots, number):
    with closing(MmapedDict(slots.folder / f"gauge_livesum_{slots.mine()}.db")) as values:
        values.write_value(mmap_key("in_work", "in_work", [], [], "Help."), number, 0)


def test_gauges_of_dead_processes_are_not_summed(folder):
    alive, dead = Slots(folder), Slots(folder)
    set_gauge(alive, 1)
    set_gauge(dead, 2)

    both = in_work(alive)
    dead.lock.close()

    assert (both, in_work(alive)) == (3, 1)


def test_gauges_of_the_next_process_begin_at_zero(folder):
    dead = Slots(folder)
    set_gauge(dead, 1)
    dead.lock.close()

    assert Slots(folder).mine() == "0"
    assert not any((folder / "gauge_livesum_0.db").read_bytes())


def in_work(slots):
    [metric] = slots.collect()
    return metric.samples[0].value


def test_a_number_belongs_to_one_process(folder):
    slots = Slots(folder)

    assert (slots.mine(), slots.mine(), Slots(folder).mine()) == ("0", "0", "1")


def test_a_forked_process_takes_a_number_of_its_own(folder):
    slots = Slots(folder)
    parent = slots.mine()

    child = os.fork()
    if not child:
        os._exit(int(slots.mine()))
    _, status = os.waitpid(child, 0)

    assert (parent, os.waitstatus_to_exitcode(status)) == ("0", 1)
    assert Slots(folder).mine() == "1"  # the child is dead


def test_the_files_have_their_whole_size_before_they_are_used(folder):
    Slots(folder).mine()

    for path in folder.glob("*.db"):
        assert path.stat().st_blocks * 512 >= path.stat().st_size == SIZES[path.stem.rpartition("_")[0]]


def test_all_labels_fit_into_the_files():
    routes = {template(route) for route in patterns(get_resolver().url_patterns) if not route.startswith("admin/")}
    longest, number = max(routes, key=len), len(routes | {"/admin", "/health", "/health/ready", "none"})
    series = number * (len(METHODS) + 1)
    key = mmap_key(
        "http_requests", "http_requests_total", *pairs(method="OPTIONS", route=longest, status="200"), "R" * 60
    )
    bucket = mmap_key("http_request_duration_seconds", "http_request_duration_seconds_bucket",
                      *pairs(method="OPTIONS", route=longest, le="0.005"), "S" * 60)  # fmt: skip

    assert series * STATUSES * (len(key) + ENTRY) + len(CODES) * 200 < SIZES["counter"]
    assert series * 12 * (len(bucket) + ENTRY) < SIZES["histogram"]
    assert max(len(metric._documentation) for metric in (requests, problems, seconds_per_request)) < 60


def pairs(**labels):
    return list(labels), list(labels.values())


def patterns(children, prefix=""):
    for child in children:
        route = f"{prefix}{child.pattern}"
        if isinstance(child, URLPattern):
            yield route
        else:
            yield from patterns(child.url_patterns, route)


def test_a_folder_that_cannot_be_written_stops_the_start_with_one_line(serve, folder):
    with pytest.raises(AssertionError) as log:
        serve(PROMETHEUS_MULTIPROC_DIR=str(folder / "nowhere"))

    [line] = str(log.value).splitlines()
    assert re.fullmatch(
        r"The service does not start: PROMETHEUS_MULTIPROC_DIR is '.+', which cannot be written: .+", line
    )


def test_a_command_needs_no_folder(folder):
    environment = clean_environment(METRICS_TOKEN=METRICS_TOKEN, PROMETHEUS_MULTIPROC_DIR=str(folder / "nowhere"))

    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_without_memory_the_service_runs_without_metrics(serve):
    server = serve("bash", "-c", 'ulimit -f 100; exec "$0" "$@"')

    assert server.log.count("The service runs without metrics: ") == 1
    assert (server.get("/health")[0], server.get("/metrics", **TOKEN)[0]) == (200, 404)


def test_workers_without_memory_for_their_files_answer(serve, folder):
    server = serve(PROMETHEUS_MULTIPROC_DIR=str(folder), WEB_CONCURRENCY="1")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    kill_worker(server)

    assert [server.get("/docs")[0] for _ in range(10)] == [200] * 10
    assert server.log.count("Metrics cannot be written") == 1


def test_a_reload_keeps_the_counts(serve, folder):
    server = serve(PROMETHEUS_MULTIPROC_DIR=str(folder))
    server.get("/docs")
    [worker] = psutil.Process(server.process.pid).children()

    server.process.send_signal(signal.SIGHUP)
    server.wait_until(lambda: not worker.is_running())

    assert count(server, method="GET", route="/docs", status="200") == 1


def test_files_of_an_earlier_run_are_deleted(serve, folder):
    (folder / "counter_4711.db").write_bytes(b"old")

    serve(PROMETHEUS_MULTIPROC_DIR=str(folder))

    assert not (folder / "counter_4711.db").exists()


def test_nothing_stays_in_memory_when_the_server_stops(serve):
    server = serve()
    [lock] = [
        Path(file.path) for file in psutil.Process(server.process.pid).open_files() if file.path.endswith(".lock")
    ]
    assert lock.exists()
    server.stop()

    assert not lock.parent.exists()

"""gunicorn's settings; every variable is in .env.example."""

# First, because preload_app imports psycopg, ssl and threading in the master process. Signals, child processes and fork
# are not patched: the master uses them to wait for its workers.
# See docs/decisions/0015-greenlets-and-a-pool-of-our-own.md.
from gevent import monkey

monkey.patch_all(os=False, signal=False, subprocess=False)

# ruff: noqa: E402
import gc
import logging
import os
import sys
from pathlib import Path
from typing import Any

from environs import Env, EnvError, validate

from todo_api import address, metrics_files
from todo_api.draining import start_draining

env = Env()
env.read_env(env.path("DOTENV_FILE", Path(__file__).parent / ".env"), recurse=False)

memory = Path("/dev/shm")  # noqa: S108
folder = str(memory) if memory.is_dir() else None

try:
    DEBUG = env.bool("DEBUG", False)
    host = env.str("HOST", address.default_host(DEBUG), validate=address.check_host)
    port = env.int("PORT", 8000, validate=address.PORTS)
    workers = env.int("WEB_CONCURRENCY", 2, validate=validate.Range(min=1))
    drain_seconds = env.int("DRAIN_SECONDS", 5, validate=validate.Range(min=0))
    log_format = env.str("LOG_FORMAT", "text" if DEBUG else "json")
except EnvError as error:
    sys.exit(f"The service does not start: {error}")

bind = f"{address.bracketed(host)}:{port}"
preload_app = not DEBUG  # workers share the memory of imported modules; with --reload each imports for itself
wsgi_app = "todo_api.wsgi:application"
worker_class = "todo_api.workers.Worker"
worker_connections = 8192  # clients per worker, however slow they are
timeout = 30
graceful_timeout = drain_seconds + 10
limit_request_line = 8190  # a next page's address may hold a long search and a long cursor
keepalive = 75  # longer than the idle time of common proxies, so that the proxy closes first
max_requests = 100_000
max_requests_jitter = 10_000
control_socket_disable = True
forwarded_allow_ips = ""  # by default a request from loopback may set SCRIPT_NAME and the scheme
worker_tmp_dir = folder  # a heartbeat on a disk can block
if log_format == "json":
    logger_class = "todo_api.server_errors.JsonLogger"
accesslog = None  # todo_api.middleware writes the request log

if env.str("METRICS_TOKEN", ""):
    # Settings are read after this, from the environment.
    metrics_folder = metrics_files.prepare(env.str("PROMETHEUS_MULTIPROC_DIR", ""))
    os.environ |= {"PROMETHEUS_MULTIPROC_DIR": metrics_folder} if metrics_folder else {"METRICS_TOKEN": ""}

# No log line shows these, so records do not look them up ("Optimization" in Python's logging HOWTO).
logging._srcfile = None  # file and line of the caller
logging.logThreads = logging.logMultiprocessing = False


def on_starting(server: Any) -> None:
    """Tell the workers whether SIGTERM stops all of them or replaces one."""
    stop = server.stop

    def stop_all(graceful: bool = True) -> None:
        if graceful:
            start_draining()
        stop(graceful)

    server.stop = stop_all


def pre_fork(server: Any, worker: Any) -> None:
    """Keep the garbage collector away from shared memory, and run it less often. See TaskViewSet.release()."""
    gc.collect()
    gc.freeze()
    # A list of 1,000 tasks alone makes more than Python's 700 objects. Older generations are collected often, because
    # few objects are not frozen: that frees what was in use during an earlier collection, for example all requests
    # while the database hung. Python 3.14 ignores the third number.
    gc.set_threshold(20_000, 2, 2)

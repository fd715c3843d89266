"""Health checks, for any Host header and without a token: whether the process runs, and whether it can serve."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse

from tasks.rows import selected
from todo_api import __version__
from todo_api.draining import is_draining
from todo_api.methods import safe_only
from todo_api.postgresql.time_limit import time_limit

READY_WITHIN = 1.9  # seconds, so that the response arrives within 2
KEPT = 1  # seconds for which a result is reused
logger = logging.getLogger(__name__)


@safe_only
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200 without using anything else."""
    return JsonResponse({"status": "ok", "version": __version__})


@safe_only
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database is writable and migrated, else 503 with the part that failed, or "stopping"."""
    if failed := "stopping" if is_draining() else readiness.failed_part():
        return JsonResponse({"status": "unavailable", "failed": failed}, status=503, headers={"Retry-After": "1"})
    return JsonResponse({"status": "ok", "version": __version__})


HEALTH_CHECKS: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/health": live, "/health/ready": ready}


class Readiness:
    """The check of the database. It runs in a thread of its own, once at a time, and its result is kept for a second.

    So callers without a token cost the database one check a second, and a hanging database blocks no other thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")
        self._check: Future[str | None] | None = None
        self._started = 0.0

    def failed_part(self) -> str | None:
        """Return "database" or "migrations", None when nothing failed. It waits READY_WITHIN seconds at most."""
        check, started = self._latest_check()
        try:
            return check.result(max(0, started + READY_WITHIN - time.monotonic()))
        except TimeoutError:
            return "database"

    def _latest_check(self) -> tuple[Future[str | None], float]:
        with self._lock:
            if self._check is None or (self._check.done() and time.monotonic() - self._started >= KEPT):
                self._started = time.monotonic()
                self._check = self._executor.submit(check_database)
            return self._check, self._started


readiness = Readiness()


@time_limit(READY_WITHIN)
def check_database() -> str | None:
    """Return the part that failed, None when the database is migrated, has its table, and is writable."""
    try:
        if not required_migrations() <= MigrationRecorder(connection).applied_migrations().keys():
            return "migrations"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {selected()} FROM tasks LIMIT 0")  # noqa: S608
            if connection.vendor == "postgresql":
                cursor.execute("SHOW transaction_read_only")
                if cursor.fetchone() == ("on",):
                    logger.warning("Not ready: the database is read-only.")
                    return "database"
    except Error as error:
        logger.warning("Not ready: %s", error)
        return "database"
    finally:
        connection.close()
    return None


@cache  # migrations change only with a release
def required_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())

"""Is the process alive, and can it serve? Asked by probes with any Host header and no token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from todo_api import __version__
from todo_api.methods import safe_only

READY_WITHIN = 2  # seconds
logger = logging.getLogger(__name__)


@safe_only
def live(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; touches nothing else."""
    return JsonResponse({"status": "ok", "version": __version__})


@safe_only
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers in time and has every migration, else 503 that names the failed part."""
    probe = _prober().submit(_failed_part)
    try:
        failed = probe.result(READY_WITHIN)
    except TimeoutError:
        probe.cancel()  # or else probes would queue up behind the one that hangs
        failed = "database"
    if failed:
        return JsonResponse({"status": "unavailable", "failed": failed}, status=503, headers={"Retry-After": "1"})
    return JsonResponse({"status": "ok", "version": __version__})


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/health": live, "/health/ready": ready}


@cache
def _prober() -> ThreadPoolExecutor:
    """A thread of its own, so that a database that hangs holds no thread that serves requests."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")


def _failed_part() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _check_migrations()
    except Error as error:
        logger.warning("not ready: %s", error)
        return "database"
    except NotMigrated:
        return "migrations"
    finally:
        connection.close()
    return None


class NotMigrated(Exception):
    """The database lacks a migration."""


@cache  # a success is remembered, an exception is not
def _check_migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigrated

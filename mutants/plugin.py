"""A pytest plugin that runs the tests against each mutant.

The tests are collected and the database is created once. Each mutant is tried in a fork: its code takes the place of
the original in the loaded module, and the tests that call the changed function run until one fails.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import pickle
import select
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from mutants.generate import Mutant, mutants_of
from mutants.patching import OURS, Place, is_ours, place_of, put_in_place
from mutants.results import RESULTS, ROOT, digest, file_of

# These start processes, which do not have the mutant.
OTHER_PROCESSES = ("gunicorn", "the_start_", "forked", "a_fetch_imports_no_module")
MARGIN = 20  # seconds
# CPU time per mutant, a bound for a quick look. With it more mutants survive, and none is killed that would survive.
QUICK = bool(os.environ.get("MUTANTS_QUICK"))
MOST_SECONDS = float(os.environ.get("MUTANTS_SECONDS", "inf"))

Recorded = tuple[float, bool, set[Place]]  # seconds, whether the test passed, what it called


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [
        item
        for item in items
        if "server" not in getattr(item, "fixturenames", ()) and not any(name in item.name for name in OTHER_PROCESSES)
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    from django.db import connection

    first, *items = session.items
    assert passes(first, items[0]), first.nodeid  # creates the database
    close_connections()
    trial = Trial(items, first, os.environ["MUTANTS_OF"].split(), connection.vendor)
    trial.record()
    gc.collect()
    gc.freeze()
    for path in trial.paths:
        trial.run(path)
    return True


class Trial:
    """The tests of one run, and the mutants that they kill."""

    def __init__(self, items: list[pytest.Item], first: pytest.Item, paths: list[str], vendor: str) -> None:
        self.items, self.first, self.paths, self.vendor = items, first, paths, vendor
        self.caches = [o for o in gc.get_objects() if type(o) is functools._lru_cache_wrapper and is_ours(o)]
        self.functions: dict[Place, list[FunctionType]] = {}
        for function in [o for o in gc.get_objects() if type(o) is FunctionType]:
            self.functions.setdefault(place_of(function.__code__), []).append(function)
        self.tests: dict[Place, list[int]] = {}  # the tests that call a function
        self.seconds: list[float] = []
        self.killers: Counter[tuple[Place, int]] = Counter()

    def record(self) -> None:
        """Run every test once, without a mutant, and keep what it calls and how long it takes."""
        file = RESULTS / f"tests.{self.vendor}.pickle"
        known: dict[str, Recorded] = pickle.loads(file.read_bytes()) if file.exists() else {}
        new = [index for index, item in enumerate(self.items) if item.nodeid not in known]
        found = in_child(lambda: [self.recorded(index) for index in new], seconds=3600)
        known |= {self.items[index].nodeid: recorded for index, recorded in zip(new, found, strict=True)}
        file.write_bytes(pickle.dumps(known))
        for index, item in enumerate(self.items):
            seconds, is_good, called = known[item.nodeid]
            self.seconds.append(seconds)
            if not is_good:
                print(f"not used, because it fails without a mutant: {item.nodeid}")
            for place in called if is_good else ():
                self.tests.setdefault(place, []).append(index)
        print(f"{len(self.items)} tests, {sum(self.seconds):.0f} s on {self.vendor}", flush=True)

    def recorded(self, index: int) -> Recorded:
        self.clear_caches()
        called: set[Place] = set()
        start = time.perf_counter()
        with tracing(called):
            is_good = self.passes(index)
        return time.perf_counter() - start, is_good, called

    def run(self, path: str) -> None:
        """Try the mutants of a module that no run has killed."""
        file, now = file_of(path), digest(path)
        before = json.loads(file.read_text()) if file.exists() else {}
        known = before.get("mutants", []) if before.get("digest") == now else []
        self.control(path)
        results = []
        for index, mutant in enumerate(mutants_of(path)):
            result = known[index] if index < len(known) else {}
            if is_noise(mutant):
                result = result or describe(mutant, "not tried")
            elif result.get("status") not in ("killed", "timeout"):
                result = self.result(mutant, [*result.get("on", []), self.vendor])
            results.append(result)
            if index % 20 == 0:  # so that a run that was ended goes on from here
                file.write_text(json.dumps({"digest": now, "mutants": results + known[index + 1 :]}, indent=1))
        file.write_text(json.dumps({"digest": now, "mutants": results}, indent=1))
        print(path, dict(Counter(result["status"] for result in results)), flush=True)

    def control(self, path: str) -> None:
        """The unchanged module, put in place like a mutant, must survive: otherwise it is the way that kills."""
        text = (ROOT / path).read_text()
        places = {place for file, place in self.functions if file == path and (file, place) in self.tests}
        for place in ("", *sorted(places)):
            unchanged = Mutant(path, place, 0, "", "", text)
            status, test = self.outcome(unchanged, self.order(unchanged)[:10])
            assert status == "survived", f"{path} {place} unchanged: {status} {test}"

    def result(self, mutant: Mutant, databases: list[str]) -> dict[str, Any]:
        tests = self.order(mutant)
        status, test = self.outcome(mutant, tests) if tests else ("survived", None)
        if test is not None:
            self.killers[(mutant.path, mutant.place), test] += 1
        if status == "survived":
            print(
                f"  {mutant.path}:{mutant.line} {mutant.place}\n    - {mutant.before}\n    + {mutant.after}", flush=True
            )
        killer = self.items[test].nodeid if test is not None else None
        return describe(mutant, status, on=databases, tests=len(tests), by=killer)

    def outcome(self, mutant: Mutant, tests: list[int]) -> tuple[str, int | None]:
        limit = MARGIN + 5 * sum(self.seconds[test] for test in tests)
        answer = in_child(lambda: self._first_failure(mutant, tests), limit)
        if answer == "timeout":
            in_child(self.flush, MARGIN)
        if answer in ("timeout", None):
            return "timeout" if answer else "killed", None
        if answer == -1:
            return "survived", None
        if in_child(lambda: self.passes(answer), limit) is not True:  # on a busy machine some tests fail by themselves
            print(f"fails without a mutant: {self.items[answer].nodeid}", flush=True)
            return self.outcome(mutant, [test for test in tests if test != answer])
        return "killed", answer

    def _first_failure(self, mutant: Mutant, tests: list[int]) -> int:
        put_in_place(mutant, self.functions.get((mutant.path, mutant.place), []))
        self.clear_caches()
        gc.disable()  # it would copy the memory that the fork shares
        end = time.process_time() + MOST_SECONDS
        return next((test for test in tests if time.process_time() < end and not self.passes(test)), -1)

    def order(self, mutant: Mutant) -> list[int]:
        """Return the tests that reach a mutant.

        First those that killed others of the function, then one case of each test, then the others; fast ones first.
        """
        place = (mutant.path, mutant.place)
        if mutant.place:
            reached = self.tests.get(place, [])
        else:
            reached = sorted({test for (path, _), tests in self.tests.items() if path == mutant.path for test in tests})
        cases: Counter[str] = Counter()
        ranked = []
        for test in sorted(reached, key=lambda test: self.seconds[test]):
            name = self.items[test].nodeid.partition("[")[0]
            ranked.append((-self.killers[place, test], cases[name], self.seconds[test], test))
            cases[name] += 1
        return [test for *_, test in sorted(ranked)]

    def clear_caches(self) -> None:
        for cache in self.caches:
            cache.cache_clear()

    def passes(self, index: int) -> bool:
        is_good = passes(self.items[index], self.first)
        # On SQLite the triggers write a counter while the rows of such a test are deleted; later tests would see it.
        if self.vendor == "sqlite" and commits(self.items[index]):
            self.flush()
        return is_good

    def flush(self) -> None:
        """Remove the rows that a test has left."""
        from django.core.management import call_command
        from pytest_django.plugin import blocking_manager_key

        with self.first.config.stash[blocking_manager_key].unblock():
            call_command("flush", interactive=False, verbosity=0)  # and create the content types again


def describe(mutant: Mutant, status: str, **more: Any) -> dict[str, Any]:
    place = {"place": mutant.place, "line": mutant.line, "before": mutant.before, "after": mutant.after}
    return place | {"status": status} | more


def is_noise(mutant: Mutant) -> bool:
    """Return whether a quick look leaves the mutant out: one that nearly always raises an exception."""
    fewer = mutant.after.count(",") < mutant.before.count(",") or mutant.after.startswith(")")
    fewer = fewer or ", )" in mutant.after
    return QUICK and (fewer or "XX" in mutant.after or mutant.after.count("None") > mutant.before.count("None"))


def commits(item: pytest.Item) -> bool:
    """Return whether a test runs without a transaction around it."""
    marker = item.get_closest_marker("django_db")
    return "transactional_db" in getattr(item, "fixturenames", ()) or bool(marker and marker.kwargs.get("transaction"))


def passes(item: pytest.Item, nextitem: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, nextitem=nextitem, log=False))


def in_child(work: Callable[[], Any], seconds: float) -> Any:
    """Return what `work` returns in a fork; "timeout" after `seconds`, None when the process ended without a result."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            silent = os.open(os.devnull, os.O_WRONLY)
            for stream in (1, 2):
                os.dup2(silent, stream)
            result = pickle.dumps(work())
            with os.fdopen(writing, "wb") as file:
                file.write(result)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        is_late = not select.select([file], [], [], seconds)[0]
        if is_late:
            os.kill(child, signal.SIGKILL)
        data = b"" if is_late else file.read()
    os.waitpid(child, 0)
    return "timeout" if is_late else pickle.loads(data) if data else None


class tracing:  # noqa: N801
    """Adds the functions of this project that are called to a set."""

    def __init__(self, called: set[Place]) -> None:
        self.called = called

    def trace(self, frame: Any, event: str, argument: Any) -> None:
        if frame.f_code.co_filename.startswith(OURS):
            self.called.add(place_of(frame.f_code))

    def __enter__(self) -> None:
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def __exit__(self, *error: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


def close_connections() -> None:
    """A fork must not share connections."""
    from django.db import connections

    from todo_api.postgresql import pool

    connections.close_all()
    pool.close_all()

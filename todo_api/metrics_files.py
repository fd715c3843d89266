"""The files through which processes share their metrics: one set per running process, written in full before use.

prometheus_client names files after process ids and lets them grow while they are mapped into memory. So each new worker
adds files, and a full disk ends the worker with SIGBUS. Here a process takes the lowest free number and continues the
files of the dead process that had it, and no file grows.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue

MEMORY = Path("/dev/shm")  # noqa: S108
MIB = 1 << 20
# prometheus_client's file names -> bytes. A test computes how many bytes all routes, methods and statuses need.
SIZES = {"counter": MIB, "histogram": MIB, "gauge_livesum": MIB // 16, "gauge_livemax": MIB // 16}


class Slots:
    """The numbers of the processes that share a folder. The kernel releases a number when its process ends (flock)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number: str | None = None
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """A forked process takes a number of its own."""
        self.number = None

    def mine(self) -> str:
        """Return the number of this process. OSError when its files cannot be written."""
        if self.number is None:
            self.number = self.take()
        return self.number

    def take(self) -> str:
        for number in count():
            lock = (self.folder / f"{number}.lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self.allocate(str(number))
            self.lock = lock
            return str(number)
        raise AssertionError("unreachable")

    def allocate(self, number: str) -> None:
        """Write the files of a number in full. Counters continue; gauges of a dead process begin at zero."""
        for kind, size in SIZES.items():
            path = self.folder / f"{kind}_{number}.db"
            if kind.startswith("gauge") or not path.exists() or path.stat().st_size != size:
                write_zeros(path, size)

    def is_alive(self, number: str) -> bool:
        with (self.folder / f"{number}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def collect(self) -> Iterable[Metric]:
        """Return the sums over all processes: counters and histograms of dead ones too, gauges of running ones."""
        files = [str(path) for path in self.folder.glob("*.db") if self.counts(path)]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return metrics

    def counts(self, path: Path) -> bool:
        return not path.name.startswith("gauge") or self.is_alive(path.stem.rpartition("_")[2])


def write_zeros(path: Path, size: int) -> None:
    """Write a file in place, so that the file system has the space. A file that was cut short is removed."""
    try:
        with path.open("r+b" if path.exists() else "xb") as file:
            file.write(bytes(size))
    except OSError:
        path.unlink(missing_ok=True)
        raise


@cache
def slots(path: str) -> Slots:
    return Slots(Path(path))


@cache  # gunicorn reads its configuration again at a reload
def prepare(given: str) -> str | None:
    """Return the folder for the files of all workers, None when there is no space for them.

    `given` is the operator's folder. It stays, without the files of an earlier run. If it cannot be written, the start
    stops with one line. Without `given`, the folder is made in memory and deleted at the end.
    """
    try:
        path = given or own_folder()
        for file in Path(path).glob("*.db"):
            file.unlink()
        slots(path).mine()
    except OSError as error:
        if given:
            problem = f"PROMETHEUS_MULTIPROC_DIR is {given!r}, which cannot be written: {error.strerror}"
            sys.exit(f"The service does not start: {problem}")
        sys.stderr.write(f"The service runs without metrics: no files can be written in memory: {error.strerror}\n")
        return None
    return path


def own_folder() -> str:
    """Return a new folder that is deleted when this process ends."""
    path, owner = tempfile.mkdtemp(prefix="metrics-", dir=MEMORY if MEMORY.is_dir() else None), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # workers inherit this function
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path


def usable(path: str) -> str:
    """Return the folder, or an empty text where this process cannot write into it and keeps its metrics to itself."""
    try:
        return path if path and slots(path).mine() else ""
    except OSError:  # of a command; prepare() has tried it for a server
        return ""


def value_class(path: str) -> Any:
    """Return the class with which prometheus_client writes values into the files of this process."""
    return MultiProcessValue(slots(path).mine)  # type: ignore[no-untyped-call]

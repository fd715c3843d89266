"""The memory of each worker over its life."""

import time
from contextlib import suppress
from statistics import linear_regression, mean
from typing import NamedTuple

import psutil

from e2e.background import Background
from e2e.test_faults_of_the_service import workers

EVERY = 10  # seconds
WARM = 300  # seconds after which a worker has filled its caches
LONG = 720  # seconds that a worker must live, or its growth says nothing
FLATNESS = 0.05  # of the RSS of a worker
AVERAGE = 60  # seconds at the begin and at the end whose averages are compared
MEGABYTE = 1_000_000


class Sample(NamedTuple):
    """Memory in MB. In the PSS, a page that n processes share counts as 1/n."""

    at: float  # seconds since the begin of the load
    pss: float
    rss: float
    files: int  # open files, most of them connections of clients


class Life:
    """A worker from its boot to its end."""

    def __init__(self, booted):
        self.booted = booted  # seconds since the begin of the load; negative for the first workers
        self.samples = []

    @property
    def begin(self):
        """The boot, or the begin of the load."""
        return max(self.booted, 0)

    def end_at(self, seconds):
        """Forget the samples after the load, when connections close. Return those that are left."""
        self.samples = [sample for sample in self.samples if sample.at <= seconds]
        return self.samples

    @property
    def is_long(self):
        return self.samples[-1].at - self.begin >= LONG

    @property
    def warm(self):
        return [sample for sample in self.samples if sample.at >= self.begin + WARM]

    def ends(self, measure):
        """Return the average of the first and of the last minute of the warm life."""
        first, last = self.warm[0].at + AVERAGE, self.warm[-1].at - AVERAGE
        begin = [getattr(sample, measure) for sample in self.warm if sample.at <= first]
        end = [getattr(sample, measure) for sample in self.warm if sample.at >= last]
        return mean(begin), mean(end)

    def growth(self, measure="rss"):
        begin, end = self.ends(measure)
        return end / begin - 1

    def slope(self, measure="rss"):
        """Return MB per hour."""
        times, values = zip(*((sample.at, getattr(sample, measure)) for sample in self.warm), strict=True)
        return linear_regression(times, values).slope * 3600


class Memory(Background):
    """Reads the memory of each worker while the block runs."""

    def __init__(self, service, begin):
        super().__init__()
        self.service, self.begin = service, begin
        self.lives = {}  # pid -> life

    def run(self):
        while not self.ended.wait(EVERY):
            for pid in sorted(workers(self.service)):
                with suppress(psutil.NoSuchProcess):
                    self.read(psutil.Process(pid))

    def read(self, process):
        memory, files, now = process.memory_full_info(), process.num_fds(), time.monotonic() - self.begin
        if process.pid not in self.lives:
            self.lives[process.pid] = Life(now - (time.time() - process.create_time()))
        self.lives[process.pid].samples.append(Sample(now, memory.pss / MEGABYTE, memory.rss / MEGABYTE, files))

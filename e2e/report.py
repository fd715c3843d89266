"""The clients of load.py, and what came of their requests."""

import json
import subprocess
import sys
import uuid
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from django.conf import settings

from e2e.processes import SECRET
from todo_api.tests.tokens import make_token

CHECKS = {"health", "ready"}


class TooLong(AssertionError):
    """A time is over its bound. The test is repeated, because other programs on the machine can be the cause."""


def assert_within(bound, seconds):
    if seconds > bound:
        raise TooLong(f"{seconds:.3f} s, and not within {bound:.3f} s")


class Answer(NamedTuple):
    kind: str
    begin: float  # time.monotonic()
    seconds: float
    status: int  # 0: the connection was lost
    retry_after: str | None

    @property
    def end(self):
        return self.begin + self.seconds


class Clients:
    """A process of clients: a module of this package, its arguments, and the tokens of the users."""

    def __init__(self, module, *arguments, tokens):
        command = [sys.executable, "-m", module, *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, **pipes)
        self.process.stdin.write(json.dumps(tokens))
        self.process.stdin.close()
        self.process.stdin = None

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def outcome(self):
        """Wait for the end, and return what the process has printed."""
        output, _ = self.process.communicate()
        return json.loads(output)


class Load(Clients):
    """Clients that send requests for some seconds, with a pause after each response."""

    def __init__(self, service, seconds, clients=24, pause=0.02):
        names = [f"user-{uuid.uuid4().hex}" for _ in range(clients)]
        tokens = {name: make_token(name, secret=SECRET) for name in names}
        super().__init__("e2e.load", service.port, seconds, pause, tokens=tokens)

    def report(self, database=None):
        """Wait for the end and return the report; with `database`, look there for what was acknowledged."""
        return Report(self.outcome(), database)


class Report:
    """The responses of all clients in the order of their requests, and how many acknowledged writes are lost."""

    def __init__(self, outcome, database):
        answers = [Answer(*values) for values in sorted(outcome["answers"], key=lambda values: values[1])]
        self.requests = [answer for answer in answers if answer.kind not in CHECKS]
        self.health = [answer for answer in answers if answer.kind == "health"]
        self.ready = [answer for answer in answers if answer.kind == "ready"]
        self.tasks = outcome["tasks"]
        self.lost = self.count_lost(database) if database else None

    def count_lost(self, database):
        """Return the number of acknowledged tasks that have no row, or not the values that were acknowledged last."""
        rows = database.execute("SELECT id, title, completed FROM tasks")
        found = {row_id: (title, completed) for row_id, title, completed in rows}
        lost = 0
        for task_id, (titles, states) in self.tasks.items():
            title, completed = found.get(int(task_id), (None, None))
            lost += title not in titles or completed not in states
        return lost

    @property
    def statuses(self):
        return Counter(answer.status for answer in self.requests)

    @property
    def refused(self):
        """Return the responses that are not successes."""
        return [answer for answer in self.requests if not is_success(answer)]

    def first_success(self, after):
        """Return the seconds from a moment to the end of the first success among requests that began after it."""
        return min(answer.end for answer in self.requests if answer.begin > after and is_success(answer)) - after

    def longest_gap(self):
        """Return the longest time between the ends of two successes that follow each other."""
        ends = sorted(answer.end for answer in self.requests if is_success(answer))
        return max(end - begin for begin, end in pairwise(ends))

    def print(self, event, **figures):
        """Print one line of counts."""
        counts = ", ".join(f"{count} of {status or 'reset'}" for status, count in sorted(self.statuses.items()))
        checks = {"/health p95": percentile(self.health, 0.95), "/health slowest": slowest(self.health)}
        figures = {"slowest": slowest(self.requests)} | checks | figures
        texts = [f"{name} {seconds(value)}" for name, value in figures.items()]
        lost = [f"acknowledged tasks {len(self.tasks)}, lost {self.lost}"] if self.lost is not None else []
        print(f"\n{event}: sent {len(self.requests)}: {counts};", ", ".join(lost + texts))


def is_success(answer):
    return 200 <= answer.status < 300


def slowest(answers):
    return max(answer.seconds for answer in answers)


def percentile(answers, part):
    """Return the seconds within which this part of the requests was answered."""
    times = sorted(answer.seconds for answer in answers)
    return times[int(part * (len(times) - 1))]


def seconds(value):
    return value if isinstance(value, int | str) else f"{value * 1000:.0f} ms"

"""Faults of the service and of everything around it, one after the other at random moments."""

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import NamedTuple

import requests

from e2e.load import LONGEST
from e2e.processes import wait_until
from e2e.slow_clients import STARTS
from e2e.test_faults import terminate_connections
from e2e.test_faults_of_the_service import workers
from e2e.test_slow_clients import clients as start_slow_clients

LONG = 1800  # seconds from which on a run is long
QUIET = 60  # seconds without a fault before the end of a long run


class Event(NamedTuple):
    """A fault, in seconds since the begin of the load."""

    name: str
    begin: float
    end: float


def moments(chance, seconds):
    """Return [(second, name)] in the order of time.

    A common fault begins every minute on average. Workers are replaced rarely, so that their memory can be followed.
    """
    first, last = min(60, seconds / 12), seconds - min(QUIET, seconds / 4)
    names = []
    while len(names) < max(len(COMMON), seconds // 60):
        names += chance.sample(COMMON, len(COMMON))
    plan = [(chance.uniform(first, last), name) for name in names[: max(len(COMMON), seconds // 60)]]
    kills = 4 if seconds >= LONG else 1
    plan += [(first + (last - first) * (part + chance.random()) / kills, Faults.worker_killed) for part in range(kills)]
    plan += [(chance.uniform(0.4, 0.6) * seconds, Faults.all_workers_replaced)]
    return sorted(plan, key=lambda entry: entry[0])


class Faults:
    """`run` makes the faults. A method's name is the name of the fault."""

    def __init__(self, seed, service, database, redis, issuer, person):
        self.chance = random.Random(seed)
        self.service, self.database, self.redis, self.issuer, self.person = service, database, redis, issuer, person
        self.events, self.killed_at, self.rotated_at = [], [], []
        self.flood, self.slow = [], []

    def run(self, begin, seconds):
        """Make the faults until the end, and wait for the slow clients."""
        for at, fault in moments(self.chance, seconds):
            time.sleep(max(0, begin + at - time.monotonic()))
            start = time.monotonic() - begin
            detail = fault(self)
            self.events.append(Event(fault.__name__.replace("_", " "), start, time.monotonic() - begin))
            print(f"{start:6.0f} s  {self.events[-1].name} {detail or ''}", flush=True)
        for process in self.slow:
            process.communicate()

    def stop(self):
        for process in self.slow:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def token(self):
        """Return a new token. The issuer may be slow after its start."""

        def fetch():
            with suppress(requests.RequestException):
                return self.person.token()

        return wait_until(fetch, seconds=60)

    def pause(self, least, most):
        seconds = self.chance.uniform(least, most)
        time.sleep(seconds)
        return f"for {seconds:.1f} s"

    def database_restarted(self):
        self.database.stop()
        detail = self.pause(1, 5)
        self.database.start()
        return detail

    def database_crashed(self):
        """All processes end without a shutdown, and the next start reads the log of writes."""
        self.database.stop(signal.SIGQUIT)
        self.database.start()

    def database_hangs(self):
        with self.database.paused():
            return self.pause(3, 10)

    def database_connections_terminated(self):
        terminate_connections(self.database)

    def redis_gone(self):
        self.redis.process.kill()
        self.redis.process.wait()
        detail = self.pause(20, 20)
        self.redis.start()
        return detail

    def issuer_gone(self):
        """Every second time the issuer has a new key when it is back."""
        self.issuer.stop()
        detail = self.pause(30, 30)
        rotated = self.chance.random() < 0.5
        if rotated:
            with closing(sqlite3.connect(self.issuer.database)) as users, users:
                users.execute('UPDATE jwks SET "expiresAt" = "createdAt"')
            self.rotated_at.append(time.monotonic())
        self.issuer.start()
        return detail + (", with a new key" if rotated else "")

    def slow_clients(self):
        """They go on while the next faults begin."""
        kind, seconds = self.chance.choice(sorted(STARTS)), self.chance.randint(20, 60)
        self.slow.append(start_slow_clients(self.service.port, kind, 50, seconds, self.token()))
        return f"50: {kind}, for {seconds} s"

    def one_user_floods(self):
        """Send requests as one user until 50 of them are refused."""
        token, end, statuses = self.token(), time.monotonic() + 30, Counter()
        with ThreadPoolExecutor(4) as pool:
            while statuses[429] < 50 and time.monotonic() < end:
                self.flood += (answers := list(pool.map(self.flood_once, [token] * 40)))
                statuses.update(answer[3] for answer in answers)
        return dict(statuses)

    def flood_once(self, token):
        begin = time.monotonic()
        headers = {"Authorization": f"Bearer {token}"}
        response = requests.get(f"{self.service.url}/api/tasks?limit=1", headers=headers, timeout=LONGEST)
        return ["flood", begin, time.monotonic() - begin, response.status_code, response.headers.get("Retry-After")]

    def worker_killed(self):
        killed = self.chance.choice(sorted(workers(self.service)))
        self.killed_at.append(time.monotonic())
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(workers(self.service) - {killed}) == 2)
        return killed

    def all_workers_replaced(self):
        """SIGHUP."""
        before = workers(self.service)
        os.kill(self.service.process.pid, signal.SIGHUP)
        wait_until(lambda: not workers(self.service) & before, seconds=60)


COMMON = [
    Faults.database_restarted,
    Faults.database_crashed,
    Faults.database_hangs,
    Faults.database_connections_terminated,
    Faults.redis_gone,
    Faults.issuer_gone,
    Faults.slow_clients,
    Faults.one_user_floods,
]

"""The page about a long run, with its pictures."""

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from e2e.plots import LINE, ROW, plot, svg, timeline
from e2e.report import Report, percentile, slowest
from e2e.soak_memory import AVERAGE, FLATNESS, LONG, WARM

STEP = 10  # seconds of a point in a plot
MEASURES = [
    ("RSS of each worker", "decmbytes", "rss"),
    ("PSS of each worker", "decmbytes", "pss"),
    ("Open files of each worker, most of them connections of clients", "short", "files"),
]
ON_PURPOSE = "403, 404, 412 on purpose"
NAMES = {403: ON_PURPOSE, 404: ON_PURPOSE, 412: ON_PURPOSE, 0: "connection lost"}
PAGE = """# A long run with faults

    {command}

wrote this page and its pictures on {today}: {minutes:.0f} minutes, {users:,} users, {faults} faults.
The service ran with two workers and the settings of production, beside PostgreSQL, Redis for the rate limits, a real
Better Auth that signs with EdDSA, and the clients, on {cores} cores that all of them share.

| | |
|---|---|
{outcome}

Each user sends one request after the other, together {rate:.0f} a second: lists, filtered lists, reads, toggles,
creates, updates, changes, counts, conditional writes, writes of many tasks, deletes, and requests for the tasks of
another user. A user knows from the acknowledged writes what each response must contain, and compares every field. A
write without an answer may be done or not. A create with a key is repeated until it is acknowledged. After the load
every user reads all tasks again, and the rows of the table are compared too.
[e2e/known_tasks.py](../e2e/known_tasks.py) makes the comparisons.

## Responses

| | {statuses} | p50 | p99 | slowest |
|{lines}|
{kinds}

Each 503 and 429 has `Retry-After`. A request without a response ("none") was sent to a worker that was killed, or on
an idle connection that was closed at the same moment, because all workers were replaced. 403, 404 and 412 are what
the requests ask for: tasks of another user, and changes of an old version. A 401 follows a new key of the issuer that
a worker has not fetched yet. The flood is one user who sends requests until 50 of them are 429.

![Requests per second by status, and the faults](pictures/soak-requests.svg)

![The 50th and the 99th percentile of the response time](pictures/soak-latency.svg)

The background is grey during a fault.

## Faults

The moments are random, from the seed {seed}. [e2e/soak_faults.py](../e2e/soak_faults.py) has the faults.

| fault | times | in minute |
|---|---|---|
{events}

## Memory

The RSS counts every page of a worker. In the PSS a page that n processes share counts as 1/n, so the PSS of a worker
also rises when another process ends, or copies a page that both had from the master. `make soak` fails when the RSS of
a worker grows by more than {flatness:.0%}. In its first {warm:.0f} minutes a worker fills its caches. The growth
compares the average of the {average} seconds after that with the average of the last {average} seconds of the load. It
is not calculated for a worker that lived less than {long:.0f} minutes. Memory is in MB.

| worker | from minute | to minute | RSS, warm | at the end | growth | per hour | PSS, warm | at the end | growth |
|---|---|---|---|---|---|---|---|---|---|
{memory}

![The memory of each worker](pictures/soak-memory.svg)
"""


@dataclass
class Run:
    """What was asked for, and what came of it. Times are in seconds since the begin of the load."""

    command: str
    seconds: int
    users: int
    seed: str
    begin: float  # time.monotonic()
    report: Report
    outcome: dict  # name -> number
    events: list
    lives: list  # of workers

    def write(self, folder):
        """Write soak.md, and the pictures into a folder beside it."""
        pictures = Path(folder) / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        for name, picture in (("requests", self.requests()), ("latency", self.latency()), ("memory", self.memory())):
            (pictures / f"soak-{name}.svg").write_text(picture)
        (Path(folder) / "soak.md").write_text(self.page())

    @property
    def users_requests(self):
        return [answer for answer in self.report.requests if answer.kind != "flood"]

    def page(self):
        statuses = sorted(self.report.statuses, key=lambda status: status or 1000)
        during = [answer for answer in self.users_requests if answer.begin < self.begin + self.seconds]
        return PAGE.format(
            command=self.command,
            today=date.today(),  # noqa: DTZ011
            minutes=self.seconds / 60,
            users=self.users,
            faults=len(self.events),
            cores=os.cpu_count(),
            rate=len(during) / self.seconds,
            outcome=rows([name, f"{value:,}"] for name, value in self.outcome.items()),
            statuses=" | ".join(str(status or "none") for status in statuses),
            lines="|".join(["---"] * (len(statuses) + 4)),
            kinds=rows(self.kinds(statuses)),
            seed=self.seed,
            events=rows(self.faults()),
            warm=WARM / 60,
            average=AVERAGE,
            long=LONG / 60,
            flatness=FLATNESS,
            memory=rows(worker_row(number, life) for number, life in enumerate(self.lives, 1)),
        )

    def kinds(self, statuses):
        """Return a row for each kind of request, and one for all."""
        answers = {"**all**": self.report.requests}
        for answer in [*self.report.requests, *self.report.health, *self.report.ready]:
            answers.setdefault(answer.kind, []).append(answer)
        for kind, found in sorted(answers.items()):
            counts = Counter(answer.status for answer in found)
            times = [percentile(found, 0.5), percentile(found, 0.99), slowest(found)]
            yield [kind, *(f"{counts[s]:,}" for s in statuses), *(f"{1000 * second:,.0f} ms" for second in times)]

    def faults(self):
        """Return a row for each kind of fault."""
        for name, events in self.by_name().items():
            yield [name, len(events), ", ".join(f"{begin / 60:.0f}" for begin, _ in events)]

    def by_name(self):
        """Return {fault: [(begin, end)]}."""
        found = defaultdict(list)
        for event in self.events:
            found[event.name].append((event.begin, event.end))
        return dict(sorted(found.items()))

    def requests(self):
        series = defaultdict(Counter)
        for answer in self.report.requests:
            name = "2xx and 304" if 200 <= answer.status < 400 else NAMES.get(answer.status, str(answer.status))
            if answer.kind != "flood" or answer.status == 429:
                series[name][self.step_of(answer)] += 1
        points = {
            name: [(step, counts[step] / STEP) for step in range(0, self.seconds, STEP)]
            for name, counts in sorted(series.items())
        }
        faults = self.by_name()
        parts = [self.plot("Requests by status", "reqps", points), timeline(faults, self.seconds, ROW)]
        return svg(ROW + LINE * len(faults) + LINE, parts)

    def step_of(self, answer):
        return int(answer.begin - self.begin) // STEP * STEP

    def latency(self):
        steps = defaultdict(list)
        for answer in self.users_requests:
            steps[self.step_of(answer)].append(answer)
        found = [(step, answers) for step, answers in sorted(steps.items()) if step < self.seconds]
        panels = []
        for number, (title, part) in enumerate({"50th percentile": 0.5, "99th percentile": 0.99}.items()):
            points = [(step, 1000 * percentile(answers, part)) for step, answers in found]
            panels.append(self.plot(f"Response time, {title}", "ms", {f"in {STEP} seconds": points}, number))
        return svg(2 * ROW, panels)

    def memory(self):
        panels = []
        for row, (title, unit, measure) in enumerate(MEASURES):
            points = {
                f"worker {number}": [(one.at, getattr(one, measure)) for one in life.samples if one.at <= self.seconds]
                for number, life in enumerate(self.lives, 1)
            }
            panels.append(self.plot(title, unit, points, row))
        return svg(len(panels) * ROW, panels)

    def plot(self, title, unit, points, row=0):
        place = {"x": 0, "y": 8 * row, "w": 24}
        panel = {"title": title, "gridPos": place, "fieldConfig": {"defaults": {"unit": unit}}}
        return plot(panel, points, self.seconds, [(event.begin, event.end) for event in self.events])


def rows(values):
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in values)


def worker_row(number, life):
    times = [number, f"{life.begin / 60:.0f}", f"{life.samples[-1].at / 60:.0f}"]
    if not life.is_long:
        last = life.samples[-1]
        return [*times, "-", f"{last.rss:.1f}", "-", "-", "-", f"{last.pss:.1f}", "-"]
    rss, pss = ([*(f"{end:.1f}" for end in life.ends(of)), f"{life.growth(of):+.1%}"] for of in ("rss", "pss"))
    return [*times, *rss, f"{life.slope('rss'):+.1f}", *pss]

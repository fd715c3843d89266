"""Run the tests against mutants of the code that decides who may do what, and write docs/mutants.md.

    python -m mutants                       all modules
    python -m mutants tasks/permissions.py  some of them

Each mutant is tried on SQLite, and on PostgreSQL if it survives there. The results are kept in .mutants/: a mutant that
was killed is not tried again before its module changes. `--report` writes the report from the results alone.

All of it takes long. For a quick look, MUTANTS_QUICK=1 leaves out mutants that nearly always raise an exception, and
MUTANTS_SECONDS=2 stops after two seconds of CPU time per mutant: more survive, and none is killed that would survive.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODULES = [  # in the order of what a mistake would cost
    "todo_api/identity/authentication.py",
    "todo_api/identity/tokens.py",
    "tasks/permissions.py",
    "tasks/statements.py",
    "tasks/queries.py",
    "tasks/inserts.py",
    "tasks/changes.py",
    "tasks/conditions.py",
    "tasks/sync_tokens.py",
    "tasks/pagination.py",
    "todo_api/identity/known_users.py",
    "tasks/views.py",
    "tasks/filters.py",
    "tasks/rows.py",
    "todo_api/identity/jwks.py",
]
TESTS = {
    "todo_api": [
        "todo_api/identity/tests",
        "tasks/tests/test_access.py",
        "todo_api/tests/test_throttling.py",
        "todo_api/tests/test_metrics.py",
        "todo_api/tests/test_documents.py",
    ],
    "tasks": ["tasks/tests", "todo_api/tests/test_problems.py", "todo_api/tests/test_postgresql.py"],
}
RESULTS = ROOT / ".mutants"
REPORT = ROOT / "docs/mutants.md"
REASONS = ROOT / "mutants/harmless.toml"
HEAD = """# Mutants

A mutant is the code with one change: `==` becomes `!=`, a condition is always true, an argument is missing, `AND` in a
statement becomes `OR`. The tests run against each. A mutant that no test notices survives: a test is missing, or the
change is harmless. `make mutants` tries all mutants of the modules below, on SQLite and, if they survive, on
PostgreSQL, and writes this page. It fails when a mutant survives that is not in `mutants/harmless.toml`, which holds
the reasons. "Not tried" are mutants that a quick look leaves out (`MUTANTS_QUICK=1`). "Open" are mutants that survived
a quick look without the tests of their subject. A module without a line was not looked at yet.

"""


def main(arguments: list[str]) -> int:
    paths = [path for path in arguments if not path.startswith("-")] or MODULES
    RESULTS.mkdir(exist_ok=True)
    if "--report" not in arguments:
        for folder, tests in TESTS.items():
            if ours := [path for path in paths if path.startswith(folder)]:
                run_tests("sqlite", ours, tests)
                run_tests("postgresql", ours, tests)
    return write_report()


def run_tests(database: str, paths: list[str], tests: list[str]) -> None:
    environment = os.environ | {"TEST_DB": database, "MUTANTS_OF": " ".join(paths)}
    options = ["-p", "mutants.plugin", "-n0", "-q", "-s", "-p", "no:cacheprovider", "--no-header"]
    command = [sys.executable, "-m", "pytest", *options, "mutants/test_database.py", *tests]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def write_report() -> int:
    """Write docs/mutants.md. Return 1 when a survivor has no reason."""
    reasons = {key(entry): entry["reason"] for entry in tomllib.loads(REASONS.read_text()).get("harmless", [])}
    table, survivors, unexplained, used, everything = [], [], 0, set(), []
    for path in MODULES:
        file = RESULTS / f"{path.replace('/', '.')}.json"
        if not file.exists():
            continue
        mutants = json.loads(file.read_text())["mutants"]
        everything += mutants
        alive = [mutant | {"path": path} for mutant in mutants if mutant["status"] == "survived"]
        counts = Counter(mutant["status"] for mutant in mutants)
        table.append(
            (path, len(mutants), counts["killed"] + counts["timeout"], len(alive), counts["open"], counts["not tried"])
        )
        for mutant in alive:
            used.add(key(mutant))
            reason = reasons.get(key(mutant), "")
            unexplained += not reason
            survivors.append(row(mutant, reason or "**not explained**"))
    total = ["all", *(sum(line[column] for line in table) for column in (1, 2, 3, 4, 5))]
    lines = [f"| {' | '.join(map(str, line))} |" for line in [*table, total]]
    text = HEAD + "\n".join(
        ["| module | mutants | killed | survived | open | not tried |", "|---|---|---|---|---|---|", *lines]
    )
    text += "\n\n## Survivors\n\n| place | the code | the mutant | why it is harmless |\n|---|---|---|---|\n"
    by_hand = sum(mutant.get("by") == "by hand" for mutant in everything)
    note = f"\nOf the killed mutants {by_hand} were tried by hand, in a copy of the code.\n" if by_hand else ""
    REPORT.write_text(text + "".join(survivors) + note)
    print(f"{total[1]} mutants, {total[2]} killed, {total[3]} survived, {unexplained} without a reason")
    for stale in reasons.keys() - used:
        print("no such survivor:", *stale)
    return 1 if unexplained else 0


def key(mutant: dict[str, Any]) -> tuple[str, str, str]:
    return mutant["path"], mutant["place"], mutant["after"]


def row(mutant: dict[str, Any], reason: str) -> str:
    place = f"`{mutant['path']}`" + (f" `{mutant['place']}`" if mutant["place"] else "")
    return f"| {place} | {code(mutant['before'])} | {code(mutant['after'])} | {reason} |\n"


def code(text: str) -> str:
    return f"`` {text.replace('|', chr(92) + '|')} ``" if "`" in text else f"`{text.replace('|', chr(92) + '|')}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

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
from typing import Any

from mutants.results import RESULTS, ROOT, digest, file_of

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
        "todo_api/tests/test_pages.py",
    ],
    "tasks": [
        "tasks/tests",
        "todo_api/tests/test_problems.py",
        "todo_api/tests/test_postgresql.py",
        "todo_api/tests/test_time_limit.py",
    ],
}
REPORT = ROOT / "docs/mutants.md"
REASONS = ROOT / "mutants/harmless.toml"
COLUMNS = ["module", "mutants", "killed", "survived", "of these not explained yet", "not tried"]
HEAD = """# Mutants

A mutant is the code with one change: `==` becomes `!=`, a condition is always true, an argument is missing, `AND` in a
statement becomes `OR`. The tests run against each. A mutant that no test notices survives: a test is missing, or the
change is harmless. `make mutants` tries all mutants of the modules in `mutants/__main__.py`, on SQLite and, if they
survive, on PostgreSQL, and writes this page. It fails when a mutant survives that is not in `mutants/harmless.toml`,
which holds the reasons.

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
    table, survivors, used = [], [], set()
    for path in MODULES:
        file = file_of(path)
        if not file.exists():
            continue
        results = json.loads(file.read_text())
        mutants = results["mutants"]
        alive = [mutant | {"path": path} for mutant in mutants if mutant["status"] == "survived"]
        counts = Counter(mutant["status"] for mutant in mutants)
        not_explained = sum(key(mutant) not in reasons for mutant in alive)
        killed = counts["killed"] + counts["timeout"]
        changed = "" if results["digest"] == digest(path) else " (has changed since)"
        table.append((path + changed, len(mutants), killed, len(alive), not_explained, counts["not tried"]))
        for mutant in alive:
            used.add(key(mutant))
            survivors.append(row(mutant, reasons.get(key(mutant), "**not explained yet**")))
    total = ["all", *(sum(line[column] for line in table) for column in (1, 2, 3, 4, 5))]
    lines = [f"| {' | '.join(map(str, line))} |" for line in [*table, total]]
    text = HEAD + how([line[0].split()[0] for line in table], quick=bool(total[5]))
    text += "\n".join([f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *lines])
    text += "\n\n## Survivors\n\n| place | the code | the mutant | why it is harmless |\n|---|---|---|---|\n"
    REPORT.write_text(text + "".join(survivors))
    print(f"{total[1]} mutants, {total[2]} killed, {total[3]} survived, {total[4]} without a reason")
    for stale in reasons.keys() - used:
        print("no such survivor:", *stale)
    return 1 if total[4] else 0


def how(paths: list[str], *, quick: bool) -> str:
    """Return the command of a report on these modules, and the modules that it does not look at."""
    rest = [path for path in MODULES if path not in paths]
    text = f"The command for this page:\n\n    {'MUTANTS_QUICK=1 ' * quick}.venv/bin/python -m mutants"
    text += "".join(f" \\\n        {path}" for path in paths if rest) + "\n\n"
    if quick:
        text += '"Not tried" are mutants that a quick look (`MUTANTS_QUICK=1`) leaves out or that it did not reach.\n\n'
    if rest:
        text += "Not looked at yet:\n\n" + "".join(f"- `{path}`\n" for path in rest) + "\n"
    return text


def key(mutant: dict[str, Any]) -> tuple[str, str, str]:
    return mutant["path"], mutant["place"], mutant["after"]


def row(mutant: dict[str, Any], reason: str) -> str:
    place = f"`{mutant['path']}`" + (f" `{mutant['place']}`" if mutant["place"] else "")
    return f"| {place} | {code(mutant['before'])} | {code(mutant['after'])} | {reason} |\n"


def code(text: str) -> str:
    return f"`` {text.replace('|', chr(92) + '|')} ``" if "`" in text else f"`{text.replace('|', chr(92) + '|')}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

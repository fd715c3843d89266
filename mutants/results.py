"""Where the results of a run are kept: one JSON file for each module, in .mutants/."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / ".mutants"


def file_of(path: str) -> Path:
    """Return the file with the results of a module."""
    return RESULTS / f"{path.replace('/', '.')}.json"


def digest(path: str) -> str:
    """Return what changes with the module, so that its results are known to be old."""
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest()

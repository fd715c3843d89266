"""The mutants of a module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.file_mutation import deep_replace

from mutants.operators import IN_FUNCTIONS, VALUES
from mutants.results import ROOT

# Text for people, types, and what runs only when a module is loaded.
SKIPPED = (
    m.Annotation()
    | m.Import()
    | m.ImportFrom()
    | m.Decorator()
    | m.Expr(m.SimpleString() | m.ConcatenatedString())
    | m.If(test=m.Name("TYPE_CHECKING"))
    | m.Call(func=m.OneOf(m.Name("len"), m.Name("isinstance"), m.Attribute(value=m.Name("logger"))))
    | m.Arg(keyword=m.OneOf(m.Name("help_text"), m.Name("description"), m.Name("name")))
    | m.AssignTarget()
    | m.Assign(targets=[m.AssignTarget(m.Name("logger"))])
    | m.AnnAssign(target=m.Name("default_error_messages"))
)


@dataclass(frozen=True)
class Mutant:
    """A module with one change. `place` is the function that was changed, "" outside of functions."""

    path: str
    place: str
    line: int
    before: str
    after: str
    source: str = field(repr=False)


class Finder(cst.CSTVisitor):
    """Collects (place, node, changed node)."""

    def __init__(self) -> None:
        self.found: list[tuple[str, cst.CSTNode, cst.CSTNode]] = []
        self.names: list[str] = []
        self.functions: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if m.matches(node, SKIPPED):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.names.append(node.name.value)
        if isinstance(node, cst.FunctionDef):
            self.functions.append(".".join(self.names))
        place = self.functions[0] if self.functions else ""
        for kind, operator in IN_FUNCTIONS if place else VALUES:
            if isinstance(node, kind):
                self.found += [(place, node, changed) for changed in operator(node)]
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.FunctionDef | cst.ClassDef) and not m.matches(node, SKIPPED):
            self.names.pop()
        if isinstance(node, cst.FunctionDef):
            self.functions.pop()


def mutants_of(path: str) -> Iterator[Mutant]:
    text = (ROOT / path).read_text()
    module, finder, seen = cst.parse_module(text), Finder(), {text}
    module.visit(finder)
    for place, node, changed in finder.found:
        source = deep_replace(module, node, changed).code
        if source in seen or not compiles(source):
            continue
        seen.add(source)
        line, before, after = first_difference(text, source)
        yield Mutant(path, place, line, before, after, source)


def compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def first_difference(old: str, new: str) -> tuple[int, str, str]:
    """Return the number of the first line that differs, and the line before and after."""
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    return next((number, without_comment(a), without_comment(b)) for number, (a, b) in enumerate(pairs, 1) if a != b)


def without_comment(line: str) -> str:
    return line.partition("  # ")[0].strip()

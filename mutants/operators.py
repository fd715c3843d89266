"""What a mutant changes: mutmut's operators for expressions, and our own for statements, lists and SQL.

mutmut's runner is not used: it leaves out decorated functions, constants and text within f-strings. That is the
verification of signatures, the permissions' list and all SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import libcst as cst
import libcst.matchers as m
from mutmut.mutation import mutators

SQL = re.compile(r"%s|\b(?:SELECT|FROM|WHERE|AND|SET|VALUES|EXISTS|COALESCE|CASE|UPDATE|DELETE|ORDER|ASC|DESC|IN)\b")
SQL_CHANGES = [
    (r" AND ", " OR "),
    (r" OR ", " AND "),
    (r" = %s", " <> %s"),
    (r"\b\w+ = %s", r"(\g<0> OR TRUE)"),  # the condition is without effect
    (r" = (?!%s)", " <> "),
    (r" <> ", " = "),
    (r" < ", " <= "),
    (r" < ", " > "),
    (r" > ", " >= "),
    (r" > ", " < "),
    (r"NOT EXISTS", "EXISTS"),
    (r"(?<!NOT )EXISTS", "NOT EXISTS"),
    (r"IS NOT NULL", "IS NULL"),
    (r"\bNOT (?!EXISTS|NULL|MATERIALIZED)", ""),
    (r" IN \(", " NOT IN ("),
    (r"= ANY", "<> ALL"),
    (r" FOR UPDATE", ""),
    (r"\bASC\b", "DESC"),
    (r"\bDESC\b", "ASC"),
    (r"\bTRUE\b", "FALSE"),
    (r"\bFALSE\b", "TRUE"),
    (r"UNION ALL", "UNION"),
    (r"LEFT JOIN", "JOIN"),
    (r" ORDER BY [\w., ]+", " "),
    (r"DO NOTHING", "DO UPDATE SET client_id = excluded.client_id"),
    (r"\b0\b", "1"),
    (r"(?<!SELECT )\b1\b", "2"),
    (r" \+ (?:1|%s)", ""),
]
RETURNS_A_BOOL = m.Return(value=m.Call(func=m.Name("bool")) | m.UnaryOperation(operator=m.Not()))


def changed_sql(text: str) -> Iterator[str]:
    """Yield the text with one place changed, once for each rule and place."""
    for pattern, replacement in SQL_CHANGES:
        for match in re.finditer(pattern, text):
            yield text[: match.start()] + match.expand(replacement) + text[match.end() :]


def string(node: cst.SimpleString) -> Iterator[cst.CSTNode]:
    if SQL.search(node.value):
        yield from formatted_text(node)
    elif len(node.raw_value) > 0:
        quote = len(node.quote)
        yield node.with_changes(value=f"{node.value[:-quote]}XX{node.value[-quote:]}")


def formatted_text(node: Any) -> Iterator[cst.CSTNode]:
    for text in changed_sql(node.value):
        yield node.with_changes(value=text)


def without_an_element(node: cst.List | cst.Tuple | cst.Set) -> Iterator[cst.CSTNode]:
    for position in range(len(node.elements)):
        rest = [*node.elements[:position], *node.elements[position + 1 :]]
        if rest or not isinstance(node, cst.Set):
            yield node.with_changes(elements=rest)


def always_and_never(node: cst.If) -> Iterator[cst.CSTNode]:
    for value in ("True", "False"):
        yield node.with_changes(test=cst.Name(value), whitespace_before_test=cst.SimpleWhitespace(" "))


def nothing(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Remove a statement that raises, or that is a call."""
    if isinstance(node, cst.Raise) or isinstance(node.value, cst.Call):  # type: ignore[attr-defined]
        yield cst.Pass()


def other_result(node: cst.Return) -> Iterator[cst.CSTNode]:
    """Return None, and for a condition True."""
    is_condition = isinstance(node.value, cst.Comparison | cst.BooleanOperation) or m.matches(node, RETURNS_A_BOOL)
    for value in ("None", "True") if is_condition else ("None",):
        if node.value and not node.value.deep_equals(cst.Name(value)):
            yield node.with_changes(value=cst.Name(value), whitespace_after_return=cst.SimpleWhitespace(" "))


Operator = tuple[Any, Callable[[Any], Any]]
VALUES: list[Operator] = [
    (cst.BaseNumber, mutators.operator_number),
    (cst.Name, mutators.operator_name),
    (cst.SimpleString, string),
    (cst.FormattedStringText, formatted_text),
    ((cst.List, cst.Tuple, cst.Set), without_an_element),
    (cst.CSTNode, mutators.operator_swap_op),
]
STATEMENTS: list[Operator] = [
    (cst.If, always_and_never),
    ((cst.Raise, cst.Expr), nothing),
    (cst.Return, other_result),
]
OF_MUTMUT: list[Operator] = [
    (kind, operator) for kind, operator in mutators.mutation_operators if operator is not mutators.operator_string
]
IN_FUNCTIONS: list[Operator] = [*OF_MUTMUT, *VALUES[2:5], *STATEMENTS]

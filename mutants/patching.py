"""Puts a mutant in the place of the original in modules that are loaded."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mutants.generate import Mutant
from mutants.results import ROOT

Place = tuple[str, str]  # path, function

OURS = tuple(f"{ROOT / name}/" for name in ("tasks", "todo_api"))


def place_of(code: CodeType) -> Place:
    return code.co_filename.removeprefix(f"{ROOT}/"), code.co_qualname.partition(".<locals>")[0]


def is_ours(value: Any) -> bool:
    """Return whether a function or a class is one of the project, and not of its tests."""
    module = str(getattr(value, "__module__", ""))
    return module.startswith(("tasks.", "todo_api.")) and ".tests" not in module


def put_in_place(mutant: Mutant, functions: list[FunctionType]) -> None:
    """Change the function that the mutant changes, or the constants of its module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(mutant.source, str(ROOT / mutant.path), "exec", dont_inherit=True)
    if not mutant.place:
        replace_constants(mutant.path, code)
        return
    *_, new = (found for found in codes_in(code) if found.co_qualname == mutant.place)
    for function in functions:
        # A mutant without super() has no variable for the class; the function keeps its place.
        function.__code__ = new.replace(co_freevars=function.__code__.co_freevars)


def codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from codes_in(constant)


def replace_constants(path: str, code: CodeType) -> None:
    """Take constants, attributes of classes and defaults of arguments from the mutant, wherever they were imported."""
    module = sys.modules[path.removesuffix(".py").replace("/", ".")]
    namespace: dict[str, Any] = {
        "__name__": module.__name__,
        "__file__": module.__file__,
        "__package__": module.__package__,
    }
    exec(code, namespace)
    ours = [m for name, m in sys.modules.items() if name.startswith(("tasks", "todo_api")) and "tests" not in name]
    for name, value in namespace.items():
        old = vars(module).get(name)
        if isinstance(value, type) and is_ours(value) and value.__module__ == module.__name__:
            replace_attributes(old, value)
        elif isinstance(value, FunctionType):
            replace_defaults(old, value)
        elif is_constant(name, value) and value != old:
            for other in ours:
                if vars(other).get(name) is old:
                    setattr(other, name, value)


def replace_attributes(old: Any, new: type) -> None:
    for name, attribute in vars(new).items():
        value = getattr(attribute, "__wrapped__", attribute)  # __new__ is a static method
        if isinstance(value, FunctionType):
            replace_defaults(vars(old).get(name), value)
        elif is_constant(name, value) and not hasattr(value, "__get__") and value != vars(old).get(name):
            with suppress(AttributeError, TypeError):
                setattr(old, name, value)


def replace_defaults(old: Any, new: FunctionType) -> None:
    old = getattr(old, "__wrapped__", old)
    if isinstance(old, FunctionType):
        old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def is_constant(name: str, value: Any) -> bool:
    return not name.startswith("__") and not isinstance(value, ModuleType | type | FunctionType) and not callable(value)

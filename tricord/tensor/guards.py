"""What a function sees besides its arguments, and whether it is still the same.

Numbers, strings and the training flags of modules that a function reaches through its closure,
its globals, its defaults or its object are constants of what was recorded from it.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .handle import Handle

__all__ = ["Guard", "guards_of"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
#: Functions looked into at most, from the one given on.
_MOST_FUNCTIONS = 64


class Guard:
    """One fact: ``read()`` gave ``value``."""

    __slots__ = ("name", "read", "value")

    def __init__(self, name: str, read: Callable[[], Any], value: Any):
        self.name = name
        self.read = read
        self.value = value

    def holds(self) -> bool:
        found = self.read()
        return found is self.value or (found == self.value
                                       and type(found) is type(self.value))

    def reason(self) -> str:
        """What changed, in words."""
        found = self.read()
        if isinstance(self.value, tuple):
            return f"{self.name} went from training to evaluation, or back"
        return f"{self.name} was {self.value!r} and is {found!r}"


def guards_of(function: Any, arguments: Sequence[Any] = ()) -> list[Guard]:
    """Facts that a call of the function depends on."""
    guards: list[Guard] = []
    seen: set[int] = set()
    waiting: list[Any] = [function]
    for number, argument in enumerate(arguments):
        if not isinstance(argument, (*_PLAIN, Handle)):
            _look_at(f"argument {number}", argument, lambda a=argument: a, guards, seen, waiting)
            for fact in _attributes(argument):
                _look_at(*fact, guards, seen, waiting)
    count = 0
    while waiting and count < _MOST_FUNCTIONS:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        count += 1
        for name, value, read in _visible(current):
            _look_at(name, value, read, guards, seen, waiting)
    return guards


def _look_at(name: str, value: Any, read: Callable[[], Any], guards: list[Guard], seen: set[int],
             waiting: list[Any]) -> None:
    if isinstance(value, _PLAIN):
        guards.append(Guard(name, read, value))
    elif _is_module(value):
        if id(value) not in seen:
            seen.add(id(value))
            modules = list(value.modules())
            guards.append(Guard(name, lambda: tuple([m.training for m in modules]),
                                tuple([m.training for m in modules])))
    elif _is_users(value):
        waiting.append(value)


def _is_module(value: Any) -> bool:
    return hasattr(type(value), "modules") and isinstance(getattr(value, "training", None), bool)


def _is_users(value: Any) -> bool:
    """A function outside of tricord: its own globals count as well."""
    if isinstance(value, (types.MethodType, functools.partial)):
        return True
    if not isinstance(value, types.FunctionType):
        return False
    return (value.__module__ or "").partition(".")[0] not in ("tricord", "numpy")


def _visible(function: Any) -> Iterator[tuple[str, Any, Callable[[], Any]]]:
    """Names that a callable can read: (name, value, how to read it again)."""
    if isinstance(function, functools.partial):
        for argument in (*function.args, *function.keywords.values(), function.func):
            yield "an argument of functools.partial", argument, lambda a=argument: a
        return
    if isinstance(function, types.MethodType):
        owner = function.__self__
        yield from _attributes(owner)
        if _is_module(owner):
            yield type(owner).__name__, owner, lambda: owner
        yield function.__name__, function.__func__, lambda: function.__func__
        return
    if not isinstance(function, types.FunctionType):
        if not isinstance(function, type) and callable(function):
            yield type(function).__name__, function, lambda: function
        return
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents, functools.partial(_contents, cell)
        except ValueError:  # a cell that is not filled yet
            continue
    names = function.__globals__
    for name in _names(code):
        if name in names:
            yield name, names[name], functools.partial(names.get, name)


def _attributes(owner: Any) -> Iterator[tuple[str, Any, Callable[[], Any]]]:
    for name, value in list(getattr(owner, "__dict__", {}).items()):
        yield f"{type(owner).__name__}.{name}", value, functools.partial(getattr, owner, name, None)


def _contents(cell: Any) -> Any:
    return cell.cell_contents


def _names(code: types.CodeType) -> set[str]:
    """Global names in a function and in those defined inside of it."""
    found: set[str] = set()
    waiting = [code]
    while waiting:
        current = waiting.pop()
        found.update(current.co_names)
        waiting += [c for c in current.co_consts if isinstance(c, types.CodeType)]
    return found

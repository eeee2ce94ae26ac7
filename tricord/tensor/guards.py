"""What a function sees besides its arguments, and whether it is still the same.

Numbers, strings, modules and objects that a function reaches through its closure, its globals, its
defaults or its object are constants of what was recorded from it. So are the attributes of those
modules and objects, and what is in their lists and dicts: a guard for each holds what was there
before the call. So are the numbers in small arrays. What names a large array is not replayed; of a
large one inside an object, a list or a dict only the identity is looked at.
"""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import is_
from typing import Any

import numpy as np

from .handle import Handle

__all__ = ["Guard", "guards_of"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
#: Functions looked into at most, from the one given on; lists, dicts and objects; and all things,
#: of which modules may be many.
_MOST_FUNCTIONS, _MOST_OBJECTS, _MOST_THINGS = 256, 512, 8192
#: Items of a list or dict that are looked at, and bytes of an array.
_MOST_ITEMS, _MOST_BYTES = 1024, 4096


class Guard:
    """One fact: ``read()`` gave ``value``."""

    __slots__ = ("name", "read", "value")

    def __init__(self, name: str, read: Callable[[], Any], value: Any):
        self.name = name
        self.read = read
        self.value = value

    def holds(self) -> bool:
        return _same(self.read(), self.value)

    def reason(self) -> str:
        """What changed, in words."""
        return f"{self.name} was {self.value!r} and is {self.read()!r}"


class Contents(Guard):
    """What is in a list, in a dict, or among the attributes of an object."""

    __slots__ = ("container", "count", "keys")

    def __init__(self, name: str, container: Any):
        super().__init__(name, lambda: container, None)
        self.container = container
        self.count = len(container)
        self.keys = list(islice(container, _MOST_ITEMS)) if isinstance(container, dict) else None
        self.value = list(islice(self.items(), _MOST_ITEMS))

    def items(self) -> Any:
        return self.container if self.keys is None else self.container.values()

    def holds(self) -> bool:
        if len(self.container) != self.count:
            return False
        return all(map(is_, self.items(), self.value)) or (
            all(map(_same, self.items(), self.value))
            and (self.keys is None or list(islice(self.container, _MOST_ITEMS)) == self.keys))

    def reason(self) -> str:
        keys = range(len(self.value)) if self.keys is None else self.keys
        if len(self.container) == self.count:
            for key, new, old in zip(keys, self.items(), self.value):
                if not _same(new, old):
                    item = f"[{key!r}]"
                    if isinstance(old, _PLAIN) and isinstance(new, _PLAIN):
                        return f"{self.name}{item} was {old!r} and is {new!r}"
                    return f"{self.name}{item} is another object"
        return f"there is more or less in {self.name}"


class Content(Guard):
    """The numbers in an array."""

    __slots__ = ()

    def __init__(self, name: str, array: np.ndarray[Any, Any]):
        super().__init__(name, lambda: array, array.tobytes() if array.nbytes <= _MOST_BYTES
                         else None)

    def holds(self) -> bool:
        return self.value is not None and self.read().tobytes() == self.value

    def reason(self) -> str:
        return f"{self.name}, an array from outside, may change" + (
            "" if self.value is None else ", and did")


def _same(new: Any, old: Any) -> bool:
    return new is old or (type(new) is type(old) and isinstance(old, _PLAIN) and (
        new == old or (new != new and old != old)))


def guards_of(function: Any, objects: Sequence[Any] = ()) -> tuple[list[Guard], set[int]]:
    """Facts that a call of the function depends on, as they are now, and the tensors that it
    reaches, by identity. ``objects``: what it is given besides tensors and numbers."""
    walk = _Walk(function, objects)
    return walk.guards, walk.handles


class _Walk:
    """From a function to all that it reaches; each thing once."""

    def __init__(self, function: Any, objects: Sequence[Any]):
        self.guards: list[Guard] = []
        self.handles: set[int] = set()
        self.objects = 0
        self.seen: set[int] = set()
        self.functions: list[Any] = [function]
        self.things: list[tuple[str, Any]] = [("an argument", o) for o in objects]
        count = 0
        while self.functions or self.things:
            while self.things:
                self.look_into(*self.things.pop())
            if not self.functions or count == _MOST_FUNCTIONS:
                break
            current = self.functions.pop()
            if self.is_new(current):
                count += 1
                for name, value, read in _visible(current):
                    self.look_at(name, value, read)

    def is_new(self, thing: Any) -> bool:
        if id(thing) in self.seen or len(self.seen) >= _MOST_THINGS:
            return False
        self.seen.add(id(thing))
        return True

    def look_at(self, name: str, value: Any, read: Callable[[], Any]) -> None:
        """What a function sees under a name: which object it is, and what is inside."""
        if isinstance(value, (*_PLAIN, Handle, list, dict, tuple, np.ndarray)) or (
                _is_users(value) or _has_contents(value)):
            self.guards.append(Guard(name, read, value))
        if isinstance(value, np.ndarray) and value.nbytes > _MOST_BYTES:
            self.guards.append(Content(name, value))
        self.things.append((name, value))

    def look_into(self, name: str, thing: Any) -> None:
        if isinstance(thing, Handle):
            self.handles.add(id(thing))
        if isinstance(thing, (*_PLAIN, Handle, types.ModuleType)):
            return
        if _is_users(thing):
            self.functions.append(thing)
        elif isinstance(thing, np.ndarray):
            if self.is_new(thing) and thing.nbytes <= _MOST_BYTES:
                self.guards.append(Content(name, thing))
        elif isinstance(thing, (list, dict)):
            self.contents(name, thing, 1)
        elif isinstance(thing, tuple):
            if self.is_new(thing):
                self.things += [(f"{name}[{i}]", v) for i, v in enumerate(thing[:_MOST_ITEMS])]
        elif _has_contents(thing):
            self.contents(f"vars({type(thing).__name__})", vars(thing), int(not _is_module(thing)))
            self.functions += _methods(type(thing))
        elif callable(getattr(thing, "__wrapped__", None)):  # compiled itself, or decorated
            self.functions.append(thing.__wrapped__)

    def contents(self, name: str, container: Any, count: int) -> None:
        self.objects += count
        if self.objects <= _MOST_OBJECTS and self.is_new(container):
            guard = Contents(name, container)
            self.guards.append(guard)
            self.things += [(name, v) for v in guard.value if not isinstance(v, _PLAIN)]


def _has_contents(thing: Any) -> bool:
    """Whether attributes matter: modules, and objects of classes outside of tricord."""
    if not hasattr(thing, "__dict__") or isinstance(thing, (type, types.ModuleType,
                                                            types.FunctionType)):
        return False
    return _is_module(thing) or not _is_known(type(thing))


def _is_known(thing: Any) -> bool:
    """Whether a class or function is from a library whose state does not change."""
    return (thing.__module__ or "").partition(".")[0] in _LIBRARIES


_LIBRARIES = ("tricord", "numpy", "builtins", "functools", "types", "typing", "collections",
              "threading", "logging", "pathlib", "_thread", "_io", "io")


def _is_module(value: Any) -> bool:
    return hasattr(type(value), "modules") and isinstance(getattr(value, "training", None), bool)


def _is_users(value: Any) -> bool:
    """A function outside of tricord: its own globals count as well."""
    if isinstance(value, (types.MethodType, functools.partial)):
        return True
    return isinstance(value, types.FunctionType) and not _is_known(value)


def _visible(function: Any) -> Iterator[tuple[str, Any, Callable[[], Any]]]:
    """Names that a callable can read: (name, value, how to read it again)."""
    if isinstance(function, functools.partial):
        for argument in (*function.args, *function.keywords.values(), function.func):
            yield "an argument of functools.partial", argument, lambda a=argument: a
        return
    if isinstance(function, types.MethodType):
        owner = function.__self__
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
    if function.__defaults__:
        yield f"defaults of {function.__name__}", function.__defaults__, (
            lambda: function.__defaults__)
    for name, default in (function.__kwdefaults__ or {}).items():
        yield name, default, functools.partial(function.__kwdefaults__.get, name)
    names = function.__globals__
    for name in _names(code):
        if name in names:
            yield name, names[name], functools.partial(names.get, name)


def _contents(cell: Any) -> Any:
    return cell.cell_contents


@functools.lru_cache(maxsize=1024)
def _names(code: types.CodeType) -> frozenset[str]:
    """Global names in a function and in those defined inside of it."""
    found: set[str] = set()
    waiting = [code]
    while waiting:
        current = waiting.pop()
        found.update(i.argval for i in dis.get_instructions(current)
                     if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
        waiting += [c for c in current.co_consts if isinstance(c, types.CodeType)]
    return frozenset(found)


def _methods(kind: type) -> Iterator[types.FunctionType]:
    """Functions of a class outside of tricord, and of what it inherits from."""
    for base in kind.__mro__:
        if not _is_known(base):
            yield from (v for v in vars(base).values() if isinstance(v, types.FunctionType))

"""tf.Module: objects that own variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import ArgumentError
from ..tensor import Parameter
from ._names import explain_keywords
from .variables import GraphVariable, names

__all__ = ["Module", "name_scope", "tracked"]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _is_variable(value: Any) -> bool:
    return isinstance(value, (Parameter, GraphVariable))


def tracked(owner: Any) -> Iterator[tuple[str, Any]]:
    """Variables and modules that an object holds, with their places, in order of name."""
    fields = vars(owner)
    for name, value in sorted(fields.items()) if isinstance(owner, Module) else fields.items():
        yield from _inside(name, value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    stack = [(name, value)]
    while stack:
        place, item = stack.pop()
        if _is_variable(item) or isinstance(item, Module) or hasattr(item, "trainable_variables"):
            yield place, item
        elif isinstance(item, dict):
            stack.extend((f"{place}/{k}", v) for k, v in reversed(list(item.items())))
        elif isinstance(item, (list, tuple)):
            stack.extend((f"{place}/{i}", v) for i, v in reversed(list(enumerate(item))))


class Module:
    """Finds the variables among its attributes, in lists and dicts, and in modules it owns.

    >>> from .variables import Variable
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = Variable(2.0)
    >>> len(Scale().trainable_variables), Scale().name
    (1, 'scale')
    """

    def __init__(self, name: str | None = None):
        if name is not None and not name.isidentifier():
            raise ArgumentError(f"'{name}' is not a valid module name. Module names must be valid "
                                "Python identifiers (e.g. a valid class name).")
        self._name = name or _snake(type(self).__name__)

    @property
    def name(self) -> str:
        """The module's name, by default that of its class in snake case."""
        return self.__dict__.get("_name") or _snake(type(self).__name__)

    @property
    def name_scope(self) -> Any:
        """A block in which new variables have this module's name before theirs."""
        return name_scope(self.name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """All variables, each once."""
        found: dict[int, Any] = {}
        seen: set[int] = set()
        stack: list[Any] = [self]
        while stack:
            owner = stack.pop()
            if id(owner) in seen:
                continue
            seen.add(id(owner))
            inner = []
            for _, value in tracked(owner):
                if _is_variable(value):
                    found.setdefault(id(value), value)
                elif isinstance(value, Module):
                    inner.append(value)
                else:
                    for v in value.variables:
                        found.setdefault(id(v), v)
            stack.extend(reversed(inner))
        return tuple(found.values())

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that training changes."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The modules inside, at any depth."""
        found: dict[int, Any] = {}
        stack: list[Any] = [self]
        while stack:
            for _, value in tracked(stack.pop()):
                if isinstance(value, Module) and id(value) not in found:
                    found[id(value)] = value
                    stack.append(value)
        return tuple(found.values())

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Run a method inside the module's name scope."""

        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        wrapped.__name__ = method.__name__
        wrapped.__doc__ = method.__doc__
        return wrapped


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Variables made inside have ``name/`` before their names."""
    names.scopes.append(name.rstrip("/"))
    try:
        yield "/".join(names.scopes) + "/"
    finally:
        names.scopes.pop()


explain_keywords(globals())

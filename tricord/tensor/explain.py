"""Why a recorded function refused its arguments, said in the words of its signature.

A function on nodes checks shapes and dtypes itself. That an axis is an integer it takes for
granted, so that recording stays quick; if it fails over such an argument, the annotations tell
which one it was. Nothing here runs unless something has failed already.
"""

from __future__ import annotations

import functools
import inspect
import os
import sysconfig
import types
import typing
from collections.abc import Callable, Sequence
from collections.abc import Callable as CallableType
from typing import Any

import numpy as np

from ..errors import ArgumentError, TricordError
from ..ir.dtypes import DType
from ..ir.node import Node
from ..ir.source import user_location
from .handle import Handle

__all__ = ["explaining", "explanation", "no_number", "shown"]

_WORDS = {int: "an integer", float: "a number", complex: "a number", bool: "a bool", str: "text",
          type(None): "None", DType: "a dtype"}
_PLAIN = (int, float, complex, str, type(None), DType, tuple)
#: What Python and numpy raise over an argument of the wrong kind; anything else is our own bug.
OVER_ARGUMENTS = (TypeError, ValueError, OverflowError, ArithmeticError, BufferError, Warning)
_OURS = tuple(os.path.dirname(os.path.abspath(f)) + os.sep for f in (
    os.path.dirname(__file__), np.__file__, sysconfig.__file__))


def shown(value: Any) -> str:
    """A value in a message: short, and with its type if that says more."""
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), DType, tuple, list)):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    return f"a {type(value).__name__}" if not isinstance(value, type) else f"the class {value!r}"


def _from_elsewhere(error: Exception) -> bool:
    """Whether it was raised in code that the user gave us to call, such as a hook."""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith((*_OURS, "<frozen", "<__array_function__")):
            return True
        trace = trace.tb_next
    return False


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type; true where the annotation says nothing."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, a) for a in arguments)
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)):
        if not isinstance(value, (tuple, list, range)):
            return False
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            return len(value) == len(arguments) and all(map(_fits, value, arguments))
        return not arguments or all(_fits(v, arguments[0]) for v in value)
    if hint is int:
        return isinstance(value, int) and abs(value) < 2**63
    if hint is float:
        return isinstance(value, (int, float))
    if hint is complex:
        return isinstance(value, (int, float, complex))
    if hint in _WORDS or _one_of_ours(hint):
        return isinstance(value, hint)
    return True


def _one_of_ours(hint: Any) -> bool:
    """Whether a hint names a class that nothing else can stand in for, such as a generator."""
    return isinstance(hint, type) and hint.__module__.startswith("tricord") and not issubclass(
        hint, (Handle, Node))


def _described(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_described(a) for a in arguments))
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)):
        inner = _WORDS.get(arguments[0], "items").split(" ")[-1] if arguments else "items"
        return f"a tuple of {inner}s"
    if origin is CallableType:
        return "a function"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _named(function: Callable[..., Any], static: tuple[Any, ...]) -> str:
    """The function's name; of a helper that is passed the function proper, that one's."""
    inner = next((s for s in static if inspect.isfunction(s)), None)
    name = getattr(function, "__name__", "operation")
    if inner is not None and name.startswith("_"):
        name = inner.__name__
    return str(name).lstrip("_")


def no_number(function: Callable[..., Any], static: tuple[Any, ...]) -> ArgumentError:
    """The error for a tensor where a plain number, part of the recording's key, belongs."""
    return ArgumentError(f"{_named(function, static)}: takes a plain number here, got a tensor",
                         where=str(user_location() or "") or None, hint="x.item()")


def explanation(function: Callable[..., Any], operands: int, static: tuple[Any, ...],
                error: Exception) -> ArgumentError | None:
    """The error that says which static argument was wrong; None if all are as annotated."""
    try:
        hints = typing.get_type_hints(function)
        names = list(inspect.signature(function).parameters)[operands:]
    except (NameError, TypeError, ValueError):
        hints, names = {}, []
    if _from_elsewhere(error):
        return None
    name, where = _named(function, static), str(user_location() or "") or None
    for parameter, value in zip(names, static):
        hint = hints.get(parameter, Any)
        if not _fits(value, hint):
            return ArgumentError(f"{name}: {parameter} must be {_described(hint)}, got "
                                 f"{shown(value)}", where=where)
    if isinstance(error, OVER_ARGUMENTS):
        given = ", ".join(shown(s) for s in static if not callable(s)) or "these operands"
        return ArgumentError(f"{name}: does not work with {given}: {error}", where=where)
    odd = [s for s in static if not isinstance(s, _PLAIN) and not callable(s)]
    if odd:
        return ArgumentError(f"{name}: {shown(odd[0])} is no argument for it", where=where)
    return None


def explaining(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose failures over its arguments name the argument, as in `explanation`."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except TricordError:
            raise
        except Exception as error:
            better = _of_call(method, args, kwargs, error)
            if better is None:
                raise
            raise better from error

    return call


def _of_call(method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
             error: Exception) -> ArgumentError | None:
    """What is wrong with a call; None if its signature does not allow it, or if nothing is."""
    if isinstance(error, MemoryError) or _from_elsewhere(error):
        return None
    try:
        bound = inspect.signature(method).bind(*args, **kwargs).arguments
        hints = typing.get_type_hints(method)
    except (NameError, TypeError, ValueError):
        return None  # Python's own error says which argument is missing or unknown
    name, where = method.__name__, str(user_location() or "") or None
    given = list(bound.items())[1:]
    for parameter, value in given:
        hint = hints.get(parameter, Any)
        numeric = isinstance(value, Handle) and not _fits(None, hint)
        if not numeric and not _fits(value, hint):
            return ArgumentError(f"{name}: {parameter} must be {_described(hint)}, got "
                                 f"{shown(value)}", where=where)
    for parameter, value in given:
        lacking = isinstance(error, AttributeError) and f"{type(value).__name__}'" in str(error)
        usual = isinstance(value, (*_PLAIN, Handle)) or (
            isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufcV")
        if not usual or (lacking and not isinstance(value, Handle)):
            return ArgumentError(f"{name}: {shown(value)} cannot be its {parameter}: {error}",
                                 where=where)
    if isinstance(error, OVER_ARGUMENTS) or any(
            not isinstance(value, (Handle, np.ndarray)) for _, value in given):
        listed = ", ".join(f"{p}={shown(v)}" for p, v in given) or "this tensor"
        return ArgumentError(f"{name}: does not work with {listed}: {error}", where=where)
    return None

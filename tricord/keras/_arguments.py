"""Keywords are honoured or refused with the nearest valid name, never swallowed."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import ArgumentError, nearest

__all__ = ["Checked", "checked", "keywords_of", "refuse_unknown"]

_UNEXPECTED = re.compile(r"got an unexpected keyword argument '(\w+)'")


def refuse_unknown(who: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise if a keyword is left over; ``known`` are the names that would have been taken."""
    left = list(given)
    if left:
        known = sorted(set(known))
        raise ArgumentError(
            f"{who}: unrecognized keyword argument {left[0]!r}; known are {', '.join(known)}",
            hint=nearest(left[0], known))


def keywords_of(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters that can be given by keyword."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]


def _explain(error: TypeError, who: str, function: Callable[..., Any],
             keywords: Mapping[str, Any]) -> ArgumentError | None:
    """A better error for an unexpected keyword of this very call; None for any other."""
    if str(error) == f"{who}() takes no arguments" and keywords:
        return ArgumentError(f"{who}() takes no arguments, got {', '.join(keywords)}")
    found = _UNEXPECTED.search(str(error))
    traceback = error.__traceback__
    # Deeper tracebacks are mistakes inside the function, not in the call of it.
    deep = traceback is not None and traceback.tb_next is not None and (
        traceback.tb_next.tb_next is not None)
    if found is None or deep or found[1] not in keywords:
        return None
    known = keywords_of(function)
    return ArgumentError(f"{who}() got an unexpected keyword argument {found[1]!r}; known are "
                         f"{', '.join(known)}", hint=nearest(found[1], known))


class Checked(type):
    """Metaclass: a keyword that ``__init__`` does not take is refused with the nearest one."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except TypeError as error:
            better = None if isinstance(error, ArgumentError) else _explain(
                error, cls.__name__, cls.__init__, kwargs)  # type: ignore[misc]
            if better is None:
                raise
            raise better from None


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, explaining keywords that it does not take."""
    name = function.__name__

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            better = None if isinstance(error, ArgumentError) else _explain(
                error, name, function, kwargs)
            if better is None:
                raise
            raise better from None

    return call

"""What a module of the face answers for a name that it does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import TricordError, nearest

__all__ = ["MissingNameError", "refuse_unknown", "unknown_name"]


class MissingNameError(TricordError, AttributeError):
    """PyTorch may have this name; tricord has not."""


def unknown_name(module: str, known: Callable[[], Iterable[str]],
                 instead: dict[str, str] | None = None) -> Callable[[str], Any]:
    """A module's ``__getattr__``: the error names the nearest name there is.

    ``instead`` says, for names that PyTorch has and tricord has not, what to use.
    """

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        hint = (instead or {}).get(name)
        if hint is None:
            hint = nearest(name, [n for n in known() if not n.startswith("_")])
        raise MissingNameError(f"module {module!r} has no attribute {name!r}: there is no such "
                               "name, or it is not supported by tricord yet", hint=hint)

    return __getattr__


def refuse_unknown(function: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that a function does not have, naming the nearest.

    Raises:  UnknownKeywordError (a TypeError)
    """
    names = list(known)
    for name in given:
        if name not in names:
            raise UnknownKeywordError(f"{function}() got an unexpected keyword argument {name!r}",
                                      hint=nearest(name, names)
                                      or "it takes " + ", ".join(names))


class UnknownKeywordError(TricordError, TypeError):
    """A function was called with a keyword it does not have."""

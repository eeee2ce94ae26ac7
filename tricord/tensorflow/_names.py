"""Unknown names and keywords are refused, naming the nearest that exists."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from ..errors import NotSupportedError, TricordError, nearest

__all__ = ["MissingNameError", "UnknownKeywordError", "explain_keywords",
           "explained", "public_names", "refusal",
           "unknown_name", "words"]

_UNEXPECTED = re.compile(r"got an unexpected keyword argument '(\w+)'")


class MissingNameError(TricordError, AttributeError):
    """TensorFlow may have this name; tricord has not."""


class UnknownKeywordError(TricordError, TypeError):
    """A function was called with a keyword it does not have."""


def unknown_name(module: str, known: Callable[[], Iterable[str]],
                 instead: dict[str, str] | None = None) -> Callable[[str], Any]:
    """A module's ``__getattr__``: the error names the nearest name there is.

    ``instead`` says, for names that TensorFlow has and tricord has not, what to use.
    """

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        hint = (instead or {}).get(name)
        if hint is None:
            hint = nearest(name, [n for n in known() if not n.startswith("_")])
        shown = module.replace("tricord.tensorflow", "tensorflow")
        raise MissingNameError(f"module {shown!r} has no attribute {name!r}: there is no such "
                               "name, or tricord does not support it", hint=hint)

    return __getattr__


def public_names(namespace: dict[str, Any]) -> list[str]:
    """The names of a module that users may mean."""
    return sorted(n for n, v in namespace.items() if not n.startswith("_") and n != "annotations")


def words(text: str) -> list[str]:
    """The words of a table of names."""
    return text.split()


def refusal(name: str, instead: str) -> Callable[..., Any]:
    """A function that exists in TensorFlow and refuses here, naming the alternative."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError(f"{name} is not supported by tricord", hint=instead)

    refuse.__name__ = name.rpartition(".")[2]
    refuse.__doc__ = f"Not supported: {instead}."
    return refuse


def explain_keywords(namespace: dict[str, Any]) -> None:
    """Let all public functions, classes and methods of a module name the nearest keyword.

    Functions marked as operations do so by themselves.
    """
    module = namespace["__name__"]
    for name, value in list(namespace.items()):
        if name.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if isinstance(value, FunctionType) and not hasattr(value, "spec"):
            namespace[name] = _explaining(value)
        elif isinstance(value, type):
            for key, method in list(vars(value).items()):
                if key.startswith("_") and key != "__init__":
                    continue
                if isinstance(method, FunctionType):
                    setattr(value, key, _explaining(method))
                elif isinstance(method, (staticmethod, classmethod)):
                    setattr(value, key, type(method)(_explaining(method.__func__)))


def _explaining(function: Callable[..., Any]) -> Callable[..., Any]:
    name = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            better = explained(error, name, function, kwargs) if kwargs else None
            if better is None:
                raise
            raise better from None

    return call


def explained(error: TypeError, name: str, function: Callable[..., Any],
              keywords: dict[str, Any]) -> UnknownKeywordError | None:
    """A better error for an unexpected keyword of this very call; None for any other error."""
    found = _UNEXPECTED.search(str(error))
    if found is None or found[1] not in keywords or isinstance(error, TricordError):
        return None
    known = [p.name for p in inspect.signature(function).parameters.values()
             if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]
    if found[1] in known:
        return None  # another function, further inside
    return UnknownKeywordError(f"{name}() got an unexpected keyword argument {found[1]!r}",
                               hint=nearest(found[1], known) or "it takes "
                               + ", ".join([*known, "name"]))

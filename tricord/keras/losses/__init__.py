"""Losses: classes, functions, and ``get`` that finds one by name."""

from __future__ import annotations

from typing import Any

from .._lookup import getter
from .._module import names_of
from .._short_names import SHORT
from ..saving.registry import register_builtins
from ..saving.serialization import serialize_keras_object
from . import functions, loss
from .functions import *  # noqa: F403
from .loss import *  # noqa: F403

_functions = {n: getattr(functions, n) for n in functions.__all__}
_classes = {n: getattr(loss, n) for n in loss.__all__}
_aliases = {short: _functions[full] for short, full in SHORT.items() if short != "crossentropy"}
_aliases |= {short.upper(): f for short, f in _aliases.items() if len(short) <= 4}
globals().update(_aliases)
__all__ = [*functions.__all__, *loss.__all__, *_aliases,  # noqa: PLE0604
           "deserialize", "get", "serialize"]

register_builtins("losses", {**_classes, **_functions})
_get, deserialize, _ = getter("losses", "loss", _aliases)


def get(identifier: Any) -> Any:
    """The loss meant by a name (which gives the function), a configuration, or a loss itself.

    >>> get("mse").__name__, get(None)
    ('mean_squared_error', None)
    """
    if isinstance(identifier, str) and identifier in _functions:
        return _functions[identifier]
    return _get(identifier)


def serialize(loss: Any) -> Any:
    """The configuration of a loss; the name of a loss function."""
    name = getattr(loss, "__name__", None)
    if not isinstance(loss, type) and name in _functions:
        return name
    return serialize_keras_object(loss)


__getattr__ = names_of(__name__, __all__)

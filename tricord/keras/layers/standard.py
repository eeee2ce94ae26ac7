"""What constructors of layers share: checked sizes, and settings that can be given by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import ArgumentError, nearest
from .. import activations, constraints, initializers, regularizers

__all__ = ["keep", "number", "one_of", "several", "weight"]

_GETTERS: dict[str, Callable[[Any], Any]] = {
    "initializer": initializers.get, "regularizer": regularizers.get,
    "constraint": constraints.get, "activation": activations.get}


def keep(layer: Any, **settings: Any) -> None:
    """Set attributes; initializers, regularizers, constraints and activations by any identifier."""
    for name, value in settings.items():
        getter = _GETTERS.get(name.rpartition("_")[2])
        setattr(layer, name, value if getter is None else getter(value))


def weight(layer: Any, name: str, shape: tuple[int, ...], kind: str | None = None,
           **options: Any) -> Any:
    """A weight with the initializer, regularizer and constraint the layer keeps for its kind."""
    kind = kind or name
    return layer.add_weight(shape, getattr(layer, f"{kind}_initializer"), name=name,
                            regularizer=getattr(layer, f"{kind}_regularizer", None),
                            constraint=getattr(layer, f"{kind}_constraint", None), **options)


def several(what: str, value: Any, count: int, least: int = 1) -> tuple[int, ...]:
    """One whole number per axis; a single one stands for all.

    >>> several("strides", 2, 2)
    (2, 2)
    """
    try:
        numbers = (value,) * count if isinstance(value, int) else tuple(int(n) for n in value)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != count:
        raise ArgumentError(f"The `{what}` argument must be a tuple of {count} integers. Received "
                            f"{what}={value}")
    if any(n < least for n in numbers):
        raise ArgumentError(f"The `{what}` argument must be a tuple of {count} integers, each "
                            f"{least} or more. Received {what}={value}")
    return numbers


def one_of(what: str, value: Any, known: tuple[str, ...]) -> str:
    """A word, in lower case, that is among those known."""
    word = value.lower() if isinstance(value, str) else value
    if word not in known:
        raise ArgumentError(f"The `{what}` argument must be one of "
                            f"{', '.join(map(repr, known))}. Received: {what}={value!r}",
                            hint=nearest(word, known) if isinstance(word, str) else None)
    return word


def number(what: str, value: Any, low: float, high: float | None = None) -> Any:
    """A number in a range, both ends included."""
    good = isinstance(value, (int, float)) and value >= low and (high is None or value <= high)
    if not good:
        span = (f"a number of at least {low}" if high is None
                else f"a float between {low} and {high}")
        raise ArgumentError(f"Invalid value received for argument `{what}`. Expected {span}. "
                            f"Received: {what}={value}")
    return value


"""Checks of values that only exist when the program runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, IndexRangeError
from ..dtypes import DType
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, NoGradient, Primitive, Sample, register
from ..samples import integers, uniform
from ..shapes import TensorType
from .families import INTEGER, accept, rebind

__all__ = ["Bounds", "check_bounds", "refusal"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Bounds:
    """``low <= x < size``. ``message`` has the places ``{value}`` and ``{size}``."""

    size: int
    message: str
    #: below zero where negative indices count from the end
    low: int = 0


def refusal(p: Bounds, value: int) -> IndexRangeError:
    """The error for one value that is out of bounds."""
    return IndexRangeError(p.message.format(value=value, size=p.size),
                           hint=f"legal are {p.low} to {p.size - 1}" if p.size else None)


def _dtype(p: Bounds, x: TensorType) -> DType:
    accept("check_bounds", INTEGER, x.dtype)
    return x.dtype


def _reference(p: Bounds, x: Array) -> Array:
    if x.size:
        low, high = int(x.min()), int(x.max())
        if low < p.low or high >= p.size:
            raise refusal(p, low if low < p.low else high)
    return x


def _batch(p: Bounds, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    return rebind(_check_bounds, p, *args)


_MESSAGE = "index {value} of {size}"

_check_bounds = register(Primitive(
    "check_bounds", lower=Kernel("check_bounds", refusal),
    params=Bounds, shape_rule=lambda p, x: x.shape, dtype_rule=_dtype,
    vjp=NoGradient("integers"), jvp=NoGradient("integers"), batch=_batch, reference=_reference,
    samples=[Sample((integers(2, 3, low=0, high=4),), {"size": 4, "message": _MESSAGE}),
             Sample((integers(2, 3, low=-4, high=4),), {"size": 4, "message": _MESSAGE, "low": -4}),
             Sample((integers(0, 3),), {"size": 0, "message": _MESSAGE})],
    errors=[ErrorSample((uniform(2),), "check_bounds: expected",
                        {"size": 4, "message": _MESSAGE}, DTypeError)]))


def check_bounds(x: Node, size: int, message: str, low: int = 0) -> Node:
    """``x`` itself, once it is sure that all elements are at least ``low`` and below ``size``.

    Dtypes:  integers
    Raises:  IndexRangeError with ``message`` when the program runs; its ``{value}`` and ``{size}``
             are filled in
    """
    return _check_bounds(x, size=size, message=message, low=low)

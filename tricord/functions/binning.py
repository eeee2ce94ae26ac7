"""Numbers to bins, bins to rows of zeros and ones, features to mean 0 and variance 1."""

from __future__ import annotations

from ..errors import ArgumentError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.dtypes import DType, float32, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast, expand_dims, reshape
from ..ir.ops.reduce import reduce_max, reduce_sum
from ..ir.ops.sort import searchsorted
from ..ir.ops.structural import constant
from .embedding import one_hot

__all__ = ["binned", "encoded", "scaled", "standardised"]


def scaled(x: Node, scale: Node, offset: Node, dtype: DType) -> Node:
    """``x * scale + offset``; both broadcast."""
    return ew.cast(x, dtype) * ew.cast(scale, dtype) + ew.cast(offset, dtype)


def standardised(x: Node, mean: Node, variance: Node, axes: tuple[int, ...], epsilon: float,
                 invert: bool, dtype: DType) -> Node:
    """``(x - mean) / max(sqrt(variance), epsilon)``, or the inverse of it.

    Shapes:  x (*), mean and variance with the sizes of x on ``axes``
    """
    x = ew.cast(x, dtype)
    middle, spread = (broadcast(ew.cast(v, dtype), x.shape, axes) for v in (mean, variance))
    deviation = ew.sqrt(spread)
    deviation = ew.maximum(deviation, ew.scalar_like(epsilon, deviation))
    return x * deviation + middle if invert else (x - middle) / deviation


def binned(x: Node, boundaries: tuple[float, ...]) -> Node:
    """How many boundaries are not above each element, int64; NaN is above all."""
    x = x if x.dtype.is_inexact else ew.cast(x, float32)
    return searchsorted(constant(list(boundaries), x.dtype), x, side="right")


def encoded(x: Node, weights: Node | None, mode: str, depth: int, dtype: DType) -> Node:
    """Whole numbers as ``int``, or as rows: ``one_hot``, ``multi_hot`` or ``count`` (Keras).

    Shapes:  one_hot (*) or (*, 1) -> (*, depth); multi_hot and count (*, n) -> (*, depth)
    """
    if mode == "int":
        return ew.cast(x, dtype)
    if weights is not None and mode != "count":
        raise ArgumentError(f"`count_weights` is not used when `output_mode` is {mode!r}")
    if not x.ndim:
        x = reshape(x, (1,))
    if mode == "one_hot" and x.ndim > 1 and x.shape[-1] == 1:
        x = reshape(x, x.shape[:-1])
    rows = ew.cast(one_hot(x if x.dtype.kind in "iu" else ew.cast(x, int64), depth), dtype)
    if mode == "one_hot":
        return rows
    if weights is not None:
        rows = rows * expand_dims(ew.cast(weights, dtype), weights.ndim)
    axis = (rows.ndim - 2,)
    return reduce_max(rows, axes=axis) if mode == "multi_hot" else reduce_sum(rows, axis)

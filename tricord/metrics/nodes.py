"""What the metrics' formulas share: ranks brought together, weights applied, safe quotients."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ShapeError
from ..functions.reduction import mean
from ..functions.reduction import sum as sum_
from ..ir.arithmetic import select
from ..ir.dtypes import float64
from ..ir.node import Node
from ..ir.ops.elementwise import cast, equal, zeros_like
from ..ir.ops.movement import broadcast_to, reshape

__all__ = ["quotient", "same_rank", "samplewise", "total", "wide"]


def wide(x: Node) -> Node:
    """In double precision, in which states are kept."""
    return cast(x, float64)


def quotient(x: Node, y: Node) -> Node:
    """``x / y``, zero where ``y`` is zero."""
    nothing = equal(y, zeros_like(y))
    return select(nothing, zeros_like(x), x / select(nothing, zeros_like(y) + 1, y))


def _aligned(x: Node, y: Node) -> tuple[Node, Node]:
    if x.ndim == y.ndim + 1 and x.shape[-1] == 1:
        if y.ndim == 1:
            return x, reshape(y, (*y.shape, 1))
        return reshape(x, x.shape[:-1]), y
    return x, y


def same_rank(x: Node, y: Node) -> tuple[Node, Node]:
    """(n, 1) and (n) are brought to one rank: the rank-1 side grows, else the last axis goes."""
    x, y = _aligned(x, y)
    y, x = _aligned(y, x)
    return x, y


def samplewise(values: Node, weight: Node | None, reduce: Callable[..., Node] = mean,
               ) -> tuple[Node, Node | None]:
    """One value, and one weight, per sample: further axes are reduced."""
    values = wide(values)
    if weight is not None:
        weight = wide(weight)
        values, weight = same_rank(values, weight)
        if values.ndim > weight.ndim:
            values = reduce(values, tuple(range(weight.ndim, values.ndim)))
        try:
            rank = weight.ndim
            weight = broadcast_to(weight, values.shape)
        except ShapeError:
            raise ShapeError(f"sample_weight: shape {tuple(weight.shape)} does not fit values of "
                             f"shape {tuple(values.shape)}",
                             hint="one weight per sample") from None
        values = values * weight
        if rank > 1:
            weight = reduce(weight, tuple(range(1, rank)))
    if values.ndim > 1:
        values = reduce(values, tuple(range(1, values.ndim)))
    return values, weight


def total(x: Node) -> Node:
    """The sum of all elements."""
    return sum_(x, None, False)

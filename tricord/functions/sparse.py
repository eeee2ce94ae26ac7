"""Projections with exact zeros.

Source: Martins and Astudillo, "From softmax to sparsemax" (2016), algorithm 1.
"""

from __future__ import annotations

from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import expand_dims
from ..ir.ops.reduce import reduce_max, reduce_sum
from ..ir.shapes import normalise_axis
from .creation import arange
from .manipulation import broadcast_to, moveaxis
from .reduction import cumulative_sum
from .sorting import sort

__all__ = ["sparsemax"]


def sparsemax(x: Node, axis: int = -1) -> Node:
    """The point of the probability simplex nearest to x, along an axis.

    >>> from tricord.tensor import record, tensor
    >>> record(sparsemax, (tensor([2.0, 1.0, 0.5]),)).tolist()
    [1.0, 0.0, 0.0]
    """
    axis = normalise_axis(axis, x.ndim, "sparsemax")
    x = moveaxis(x, axis, -1)
    last = x.ndim - 1
    ordered = sort(x, -1, True)
    ranks = broadcast_to(ew.cast(arange(1, x.shape[-1] + 1), x.dtype), x.shape)
    totals = cumulative_sum(ordered, -1)
    inside = ew.cast(1 + ranks * ordered > totals, x.dtype)
    count = reduce_max(inside * ranks, axes=(last,))
    total = reduce_sum(inside * ordered, (last,))
    level = broadcast_to(expand_dims((total - 1) / count, last), x.shape)
    result = x - level
    return moveaxis(ew.maximum(result, ew.zeros_like(result)), -1, axis)

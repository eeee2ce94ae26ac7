"""Order along an axis. All sorts are stable; NaN is larger than every number."""

from __future__ import annotations

from ..ir.node import Node
from ..ir.ops import sort as st
from ..ir.ops.movement import reshape, slice_

__all__ = ["argsort", "kth_value", "sort", "sort_with_positions", "top_k"]


def _at_least_one_axis(x: Node) -> Node:
    return x if x.ndim else reshape(x, (1,))


def sort_with_positions(x: Node, axis: int = -1, descending: bool = False) -> tuple[Node, Node]:
    """Values in order, and the positions (int64) they had."""
    values, positions = st.sort(_at_least_one_axis(x), axis, descending)
    return reshape(values, x.shape), reshape(positions, x.shape)


def sort(x: Node, axis: int = -1, descending: bool = False) -> Node:
    """Values in order along an axis."""
    return sort_with_positions(x, axis, descending)[0]


def argsort(x: Node, axis: int = -1, descending: bool = False) -> Node:
    """The positions that sort an axis, int64."""
    return sort_with_positions(x, axis, descending)[1]


def top_k(x: Node, k: int, axis: int = -1, largest: bool = True) -> tuple[Node, Node]:
    """The k largest (smallest) values along an axis, best first, and their positions."""
    return st.top_k(_at_least_one_axis(x), k, axis, largest)


def kth_value(x: Node, k: int, axis: int = -1) -> tuple[Node, Node]:
    """The k-th smallest value along an axis (k from 1), and its position; the axis disappears."""
    values, positions = st.top_k(_at_least_one_axis(x), k, axis, False)
    at = axis % values.ndim
    start = [k - 1 if a == at else 0 for a in range(values.ndim)]
    stop = [k if a == at else s for a, s in enumerate(values.shape)]
    shape = [s for a, s in enumerate(values.shape) if a != at]
    return (reshape(slice_(values, start, stop), shape),
            reshape(slice_(positions, start, stop), shape))

"""Looking things up: elements at computed places, places of values, membership, counts.

What decides its result's shape by values (`nonzero`, masks, unique values) is not a function over
nodes: it needs the values, and stands on the floor of tensors.
"""

from __future__ import annotations

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import indexing as ix
from ..ir.ops import reduce as rd
from ..ir.ops import sort as st
from ..ir.ops.movement import broadcast, broadcast_to, reshape
from ..ir.ops.structural import iota
from ..ir.shapes import broadcast_shapes, normalise_axis

__all__ = ["bincount", "index_add", "isin", "one_hot", "put_along_axis",
           "repeat_by", "searchsorted", "take", "take_along_axis"]


def take(x: Node, indices: Node, axis: int | None = None, mode: str = "raise") -> Node:
    """``x`` at ``indices`` along an axis, whose place the axes of the indices take; None flattens.

    Raises:  IndexRangeError, when the program runs, for an index outside (``mode="raise"``)
    """
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    return ix.take(x, indices, normalise_axis(axis, x.ndim, "take"), mode)


def take_along_axis(x: Node, indices: Node, axis: int = -1) -> Node:
    """``x`` at ``indices`` along an axis; all other axes of the two broadcast.

    Source:  numpy.take_along_axis
    """
    if x.ndim != indices.ndim:
        raise ShapeError(f"take_along_axis: indices of shape {tuple(indices.shape)} and operand of "
                         f"shape {tuple(x.shape)} must have as many axes")
    at = normalise_axis(axis, x.ndim, "take_along_axis")
    lead = broadcast_shapes(*([s for a, s in enumerate(o.shape) if a != at]
                              for o in (x, indices)), what="take_along_axis")
    x, indices = (broadcast_to(o, (*lead[:at], o.shape[at], *lead[at:])) for o in (x, indices))
    return ix.take_along_axis(x, indices, at)


def put_along_axis(x: Node, indices: Node, updates: Node, axis: int, reduce: str = "set") -> Node:
    """``x`` with ``updates`` written (or added, ...) where `take_along_axis` would read."""
    return ix.put_along_axis(x, indices, ew.cast(updates, x.dtype), axis, reduce=reduce)


def index_add(x: Node, indices: Node, updates: Node, axis: int = 0) -> Node:
    """``x`` with ``updates`` added at ``indices`` along an axis; equal indices add up."""
    at = normalise_axis(axis, x.ndim, "index_add")
    placed = [None] * at + [indices]
    return ix.put_arrays(x, placed, ew.cast(updates, x.dtype), reduce="add")


def repeat_by(x: Node, counts: Node, total: int, axis: int = 0) -> Node:
    """Element i of an axis repeated ``counts[i]`` times; the counts add up to ``total``."""
    at = normalise_axis(axis, x.ndim, "repeat")
    if counts.dtype.kind not in "iu":
        raise DTypeError(f"repeat: counts must be integers, got {counts.dtype}")
    if counts.ndim > 1 or (counts.ndim and counts.size not in (1, x.shape[at])):
        raise ShapeError(f"repeat: counts of shape {tuple(counts.shape)} for axis {axis} of size "
                         f"{x.shape[at]}")
    counts = broadcast_to(ew.cast(counts, int64), (x.shape[at],))
    # Position p of the result comes from the first element whose repeats end after p.
    places = st.searchsorted(rd.cumulative_sum(counts, axis=0), iota((total,), int64), "right")
    return ix.take(x, places, at)


def searchsorted(ordered: Node, values: Node, side: str = "left",
                 sorter: Node | None = None) -> Node:
    """How many elements of a sorted vector lie before each value, int64. NaN is the largest.

    ``sorter`` holds the positions that sort ``ordered``, if it is not sorted itself.
    """
    if sorter is not None:
        ordered = take_along_axis(ordered, sorter, -1)
    dtype = ar.common_dtype("searchsorted", ordered, values)
    return st.searchsorted(ew.cast(ordered, dtype), ew.cast(values, dtype), side)


def isin(x: Node, members: Node, invert: bool = False) -> Node:
    """Whether each element is among ``members``."""
    first, second = reshape(x, (x.size,)), reshape(members, (members.size,))
    dtype = ar.common_dtype("isin", x, members)
    first, second = ew.cast(first, dtype), ew.cast(second, dtype)
    if dtype.is_complex or members.size <= 16:
        shape = (x.size, members.size)
        same = ew.equal(broadcast(first, shape, (0,)), broadcast(second, shape, (1,)))
        found = rd.reduce_any(same, axes=(1,))
    elif not members.size:
        found = ew.scalar_like(False, ew.cast(first, ar.bool_))
    else:
        ordered = st.sort(second)[0]
        place = st.searchsorted(ordered, first)
        found = ew.equal(ix.take(ordered, place, 0, "clip"), first)
    found = reshape(found, x.shape)
    return ew.bitwise_not(found) if invert else found


def bincount(x: Node, length: int, weights: Node | None = None) -> Node:
    """How often each of 0 ... length-1 occurs (int64), or the sum of the weights that go there."""
    if x.dtype.kind not in "iu":
        raise DTypeError(f"bincount: takes integers, got {x.dtype}")
    flat = reshape(x, (x.size,))
    updates = ew.scalar_like(1, ew.cast(flat, int64)) if weights is None else weights
    zeros = broadcast(ar.as_node(0, updates.dtype), (length,), ())
    return ix.scatter(zeros, reshape(updates, flat.shape), flat, axes=(0,), reduce="add")


def one_hot(x: Node, classes: int, axis: int = -1) -> Node:
    """1 at the place that each integer names along a new axis, 0 elsewhere, int64."""
    if x.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: takes integers, got {x.dtype}")
    if classes < 0:
        raise ArgumentError(f"one_hot: the number of classes must not be negative, got {classes}")
    at = normalise_axis(axis, x.ndim + 1, "one_hot")
    shape = (*x.shape[:at], classes, *x.shape[at:])
    spread = broadcast(x, shape, [a for a in range(x.ndim + 1) if a != at])
    return ew.cast(ew.equal(spread, iota(shape, x.dtype, at)), int64)

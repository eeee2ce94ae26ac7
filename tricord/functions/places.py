"""Reading and writing at computed places: gather_nd, scatter_nd, segments, masks.

Source: the documentation of tf.gather, tf.gather_nd, tf.scatter_nd and tf.math.segment_sum.
"""

from __future__ import annotations

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, finfo, iinfo, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import indexing as ix
from ..ir.ops import reduce as rd
from ..ir.ops.movement import (
    broadcast,
    broadcast_to,
    concatenate,
    flip,
    reshape,
    slice_,
    transpose,
)
from ..ir.ops.structural import constant, iota
from ..ir.shapes import normalise_axes, normalise_axis
from . import manipulation as mv

__all__ = ["band_part", "clip_by_average_norm", "clip_by_norm", "confusion_matrix", "divide_no_nan",
           "gather_nd", "global_norm", "l2_normalize", "limited", "multiply_no_nan",
           "one_hot_values", "running", "scatter_nd", "scatter_nd_into", "searchsorted_rows",
           "segment", "sequence_mask", "take_batched", "with_diagonal"]


# ---- gather

def _columns(indices: Node) -> list[Node]:
    """The components of indices along their last axis."""
    if not indices.ndim:
        raise ShapeError("gather_nd: indices need an axis that holds the components of a place")
    depth = indices.shape[-1]
    lead = indices.shape[:-1]
    start, stop = [0] * len(lead), list(lead)
    return [reshape(slice_(indices, (*start, i), (*stop, i + 1)), lead) for i in range(depth)]


def gather_nd(x: Node, indices: Node, batch_dims: int = 0) -> Node:
    """Elements (or slices) at places whose components are the last axis of ``indices``.

    Shapes:  x (n1, ..., nk, *rest), indices (*I, k) -> (*I, *rest)
    Raises:  IndexRangeError when it runs, for a place outside
    """
    columns = _columns(indices)
    if batch_dims + len(columns) > x.ndim:
        raise ShapeError("gather_nd: index innermost dimension length must be <= params rank; saw: "
                         f"{len(columns)} vs. {x.ndim - batch_dims}")
    if not columns:
        return broadcast(x, (*indices.shape[:-1], *x.shape),
                         tuple(range(indices.ndim - 1, indices.ndim - 1 + x.ndim)))
    lead = [iota(columns[0].shape, columns[0].dtype, axis=a) for a in range(batch_dims)]
    return ix.gather(x, *lead, *columns, axes=tuple(range(batch_dims + len(columns))))


def take_batched(x: Node, indices: Node, axis: int = 0, batch_dims: int = 0) -> Node:
    """Slices of ``x`` along an axis; the first ``batch_dims`` axes go together.

    Shapes:  x (*B, *M, n, *R), indices (*B, *I) -> (*B, *M, *I, *R)
    """
    at = normalise_axis(axis, x.ndim, "gather")
    if not batch_dims:
        return ix.take(x, indices, at)
    batch = normalise_axis(batch_dims, indices.ndim + 1, "gather")
    if batch > at or x.shape[:batch] != indices.shape[:batch]:
        raise ShapeError(f"gather: batch_dims {batch_dims} of shapes {tuple(x.shape)} and "
                         f"{tuple(indices.shape)} with axis {axis}")
    lead = [iota(indices.shape, indices.dtype, axis=a) for a in range(batch)]
    found = ix.gather(x, *lead, indices, axes=(*range(batch), at))
    rank, between = indices.ndim, at - batch
    order = (*range(batch), *range(rank, rank + between), *range(batch, rank),
             *range(rank + between, found.ndim))
    return transpose(found, order)


def searchsorted_rows(ordered: Node, values: Node, side: str = "left") -> Node:
    """How many elements of each sorted row lie before each value of that row, int64.

    Shapes:  ordered (*, n), values (*, m) -> (*, m)
    """
    if ordered.shape[:-1] != values.shape[:-1]:
        raise ShapeError(f"searchsorted: rows of shapes {tuple(ordered.shape)} and "
                         f"{tuple(values.shape)} do not go together")
    shape = (*values.shape, ordered.shape[-1])
    lead = tuple(range(values.ndim - 1))
    row = broadcast(ordered, shape, (*lead, values.ndim))
    value = broadcast(values, shape, (*lead, values.ndim - 1))
    before = ew.less(row, value) if side == "left" else ew.less_equal(row, value)
    return rd.reduce_sum(ew.cast(before, int64), (values.ndim,))


# ---- scatter

def scatter_nd_into(x: Node, updates: Node, indices: Node, reduce: str = "set") -> Node:
    """``x`` with updates written, added, ... at places, see `gather_nd`.

    Shapes:  updates as `gather_nd` of the same places
    """
    columns = _columns(indices)
    expected = (*indices.shape[:-1], *x.shape[len(columns):])
    if tuple(updates.shape) != expected:
        raise ShapeError(f"scatter_nd: updates have shape {tuple(updates.shape)}, the places have "
                         f"{expected}")
    return ix.scatter(x, ew.cast(updates, x.dtype), *columns, axes=tuple(range(len(columns))),
                      reduce=reduce)


def scatter_nd(indices: Node, updates: Node, shape: tuple[int, ...]) -> Node:
    """Zeros of a shape with updates added at places."""
    empty = broadcast(constant(0, updates.dtype), shape, ())
    return scatter_nd_into(empty, updates, indices, "add")


_KINDS = ("sum", "mean", "prod", "max", "min", "sqrt_n")


def segment(x: Node, ids: Node, count: int, kind: str = "sum", empty_is_zero: bool = True) -> Node:
    """Rows with the same id reduced together: sum, mean, prod, max, min or sqrt_n.

    A segment without rows is zero (one for prod); for max and min it is zero or the dtype's limit.

    Shapes:  x (*ids.shape, *R) -> (count, *R)
    """
    if kind not in _KINDS:
        raise ArgumentError(f"segment: kind is one of {', '.join(_KINDS)}, got {kind!r}")
    if x.shape[:ids.ndim] != ids.shape:
        raise ShapeError(f"segment: data of shape {tuple(x.shape)} and segment ids of shape "
                         f"{tuple(ids.shape)} do not go together")
    shape = (count, *x.shape[ids.ndim:])
    if kind in ("max", "min"):
        return _segment_extreme(x, ids, shape, kind, empty_is_zero)
    start = broadcast(constant(1 if kind == "prod" else 0, x.dtype), shape, ())
    total = ix.scatter(start, x, ids, axes=(0,), reduce="mul" if kind == "prod" else "add")
    if kind in ("sum", "prod"):
        return total
    counts = _counts(ids, count, total)
    return total / (counts if kind == "mean" else ew.sqrt(counts))


def _counts(ids: Node, count: int, like: Node) -> Node:
    ones = broadcast(constant(1, like.dtype), ids.shape, ())
    zeros = broadcast(constant(0, like.dtype), (count,), ())
    found = ix.scatter(zeros, ones, ids, axes=(0,), reduce="add")
    found = ew.maximum(found, ew.scalar_like(1, found))
    return broadcast(found, like.shape, (0,))


def _segment_extreme(x: Node, ids: Node, shape: tuple[int, ...], kind: str,
                     empty_is_zero: bool) -> Node:
    bound = _limits(x.dtype)[0 if kind == "max" else 1]
    start = broadcast(constant(bound, x.dtype), shape, ())
    found = ix.scatter(start, x, ids, axes=(0,), reduce=kind)
    if not empty_is_zero:
        return found
    ones = broadcast(constant(1, int64), ids.shape, ())
    seen = ix.scatter(broadcast(constant(0, int64), (shape[0],), ()), ones, ids, axes=(0,),
                      reduce="add")
    some = broadcast(ew.greater(seen, ew.zeros_like(seen)), shape, (0,))
    return ew.where(some, found, ew.zeros_like(found))


def _limits(dtype: DType) -> tuple[float, float]:
    info = finfo(dtype) if dtype.is_floating_point else iinfo(dtype)
    return info.min, info.max


# ---- running sums

def running(x: Node, axis: int, exclusive: bool, reverse: bool, kind: str = "sum") -> Node:
    """Sums (or products) of the elements so far along an axis, without the own one if exclusive."""
    function = rd.cumulative_sum if kind == "sum" else rd.cumulative_prod
    at = normalise_axis(axis, x.ndim, f"cum{kind}")
    turned = flip(x, axes=(at,)) if reverse else x
    found = function(turned, axis=at)
    if exclusive:
        stop = [s - (a == at) for a, s in enumerate(x.shape)]
        edge = [1 if a == at else s for a, s in enumerate(x.shape)]
        first = broadcast(constant(0 if kind == "sum" else 1, x.dtype), edge, ())
        found = concatenate([first, slice_(found, [0] * x.ndim, stop)], at)
    return flip(found, axes=(at,)) if reverse else found


# ---- matrices and masks

def band_part(x: Node, lower: int, upper: int) -> Node:
    """The matrices with zeros beyond ``lower`` diagonals below and ``upper`` above; -1: all."""
    if x.ndim < 2:
        raise ShapeError(f"band_part: takes matrices, got shape {tuple(x.shape)}")
    rows = iota(x.shape, int64, axis=x.ndim - 2)
    columns = iota(x.shape, int64, axis=x.ndim - 1)
    below, above = rows - columns, columns - rows
    kept = ew.equal(rows, rows)
    if lower >= 0:
        kept = ew.bitwise_and(kept, below <= lower)
    if upper >= 0:
        kept = ew.bitwise_and(kept, above <= upper)
    return ew.where(kept, x, ew.zeros_like(x))


def with_diagonal(x: Node, diagonal: Node, offset: int = 0) -> Node:
    """Matrices with a diagonal replaced.

    Shapes:  x (..., m, n), diagonal (..., length of it)
    """
    spread = mv.diagonal_embed(diagonal, offset)
    widths = [(0, 0)] * (x.ndim - 2) + [(0, x.shape[-2] - spread.shape[-2]),
                                        (0, x.shape[-1] - spread.shape[-1])]
    rows = iota(x.shape, int64, axis=x.ndim - 2)
    here = ew.equal(iota(x.shape, int64, axis=x.ndim - 1), rows + offset)
    return ew.where(here, mv.pad(spread, widths), x)


def sequence_mask(lengths: Node, longest: int, dtype: DType) -> Node:
    """True at the first ``lengths[...]`` of ``longest`` places.

    Shapes:  (*) -> (*, longest)
    """
    shape = (*lengths.shape, longest)
    spread = broadcast(lengths, shape, tuple(range(lengths.ndim)))
    return ew.cast(ew.less(iota(shape, lengths.dtype, axis=lengths.ndim), spread), dtype)


def one_hot_values(indices: Node, on: Node, off: Node, depth: int, axis: int = -1) -> Node:
    """``on`` at the place each integer names along a new axis, ``off`` elsewhere."""
    at = normalise_axis(axis, indices.ndim + 1, "one_hot")
    shape = (*indices.shape[:at], depth, *indices.shape[at:])
    spread = broadcast(indices, shape, [a for a in range(len(shape)) if a != at])
    here = ew.equal(iota(shape, indices.dtype, axis=at), spread)
    return ew.where(here, broadcast(on, shape, ()), broadcast(off, shape, ()))


def confusion_matrix(labels: Node, predictions: Node, weights: Node | None = None,
                     classes: int = 0, dtype: DType = int64) -> Node:
    """How often each class (row) was taken for each class (column)."""
    size = (labels.size,)
    updates = broadcast(constant(1, dtype), size, ()) if weights is None else ew.cast(
        reshape(weights, size), dtype)
    empty = broadcast(constant(0, dtype), (classes, classes), ())
    return ix.scatter(empty, updates, reshape(labels, size), reshape(predictions, size),
                      axes=(0, 1), reduce="add")


# ---- norms

def divide_no_nan(x: Node, y: Node) -> Node:
    """``x / y``, and 0 where y is 0."""
    x, y = ar.promoted("divide_no_nan", x, y)
    none = ew.equal(y, ew.zeros_like(y))
    return ew.where(none, ew.zeros_like(x), ew.divide(x, ew.where(none, ew.scalar_like(1, y), y)))


def multiply_no_nan(x: Node, y: Node) -> Node:
    """``x * y``, and 0 where y is 0 even if x is infinite or NaN."""
    x, y = ar.promoted("multiply_no_nan", x, y)
    none = ew.equal(y, ew.zeros_like(y))
    return ew.where(none, ew.zeros_like(x), ew.where(none, ew.zeros_like(x), x) * y)


def l2_normalize(x: Node, axes: int | tuple[int, ...] | None = None,
                 epsilon: float = 1e-12) -> Node:
    """``x / sqrt(max(sum(x**2), epsilon))``, the sum over the axes."""
    found = normalise_axes(axes, x.ndim, "l2_normalize")
    squares = rd.reduce_sum(x * x, found)
    scale = ew.rsqrt(ew.maximum(squares, ew.scalar_like(epsilon, squares)))
    return x * rd.restore(scale, x, found)


def _norm(x: Node, axes: tuple[int, ...]) -> Node:
    squares = rd.reduce_sum(x * x, axes)
    none = ew.equal(squares, ew.zeros_like(squares))
    root = ew.sqrt(ew.where(none, ew.scalar_like(1, squares), squares))
    return ew.where(none, ew.zeros_like(squares), root)


def clip_by_norm(x: Node, limit: Node, axes: tuple[int, ...] | None = None) -> Node:
    """``x`` scaled down to an L2 norm of ``limit`` over the axes, if it is longer."""
    found = normalise_axes(axes, x.ndim, "clip_by_norm")
    length = rd.restore(_norm(x, found), x, found)
    limit = broadcast_to(ew.cast(limit, x.dtype), x.shape)
    return x * limit / ew.maximum(length, limit)


def clip_by_average_norm(x: Node, limit: Node) -> Node:
    """``x`` scaled so that its L2 norm divided by its size is at most ``limit``."""
    average = _norm(x, tuple(range(x.ndim))) / max(x.size, 1)
    limit = ew.cast(limit, x.dtype)
    return x * broadcast_to(limit / ew.maximum(average, limit), x.shape)


def global_norm(*parts: Node) -> Node:
    """The L2 norm of all elements of all parts."""
    total = None
    for part in parts:
        squares = rd.reduce_sum(part * part, tuple(range(part.ndim)))
        total = squares if total is None else total + ew.cast(squares, total.dtype)
    if total is None:
        raise ArgumentError("global_norm: there is nothing to take the norm of")
    return ew.sqrt(total)


def limited(x: Node, norm: Node, limit: Node) -> Node:
    """``x * limit / max(norm, limit)``, NaN where the norm is not finite."""
    norm, limit = ew.cast(norm, x.dtype), ew.cast(limit, x.dtype)
    one = ew.scalar_like(1, norm)
    scale = limit * ew.minimum(ew.divide(one, norm), ew.divide(one, limit))
    bad = ew.bitwise_not(ew.is_finite(norm))
    scale = ew.where(bad, ew.scalar_like(float("nan"), scale), scale)
    return x * broadcast_to(scale, x.shape)


"""Rows looked up by index, and one-hot rows."""

from __future__ import annotations

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir.dtypes import DType, float32, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.checks import check_bounds
from ..ir.ops.indexing import gather, scatter
from ..ir.ops.movement import broadcast, expand_dims, reshape
from ..ir.ops.reduce import reduce_max, reduce_sum
from ..ir.ops.sort import searchsorted
from ..ir.ops.structural import constant, iota, stop_gradient
from ..ir.shapes import normalise_axis
from .reduction import norm

__all__ = ["embedding", "embedding_bag", "largest_index", "one_hot", "one_hot_float",
           "renormalised"]

BAG_MODES = ("sum", "mean", "max")


def _rows(what: str, indices: Node, weight: Node) -> Node:
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"{what}: indices must be integers (expected scalar type Long), got "
                         f"{indices.dtype}", hint="indices.long()")
    if weight.ndim != 2:
        raise ShapeError(f"{what}: 'weight' must be 2-D, got shape {tuple(weight.shape)}")
    return check_bounds(indices, weight.shape[0],
                        what + ": index {value} is out of range (index out of range in self): "
                        "there are {size} rows")


def _same(mask: Node, like: Node) -> Node:
    return broadcast(mask, like.shape, range(mask.ndim))


def embedding(indices: Node, weight: Node, padding_idx: int | None = None,
              scale_grad_by_freq: bool = False) -> Node:
    """``weight[indices]``.

    The row ``padding_idx`` gets no gradient. ``scale_grad_by_freq`` divides each row's gradient by
    how often the row was looked up.

    Shapes:  indices (*), weight (rows, width) -> (*, width)
    Raises:  IndexRangeError when it runs, for an index that is not a row
    """
    safe = _rows("embedding", indices, weight)
    found = gather(weight, safe, axes=(0,))
    if scale_grad_by_freq:
        ones = ew.scalar_like(1, ew.cast(safe, weight.dtype))
        zeros = broadcast(constant(0, weight.dtype), (weight.shape[0],), ())
        counts = gather(scatter(zeros, ones, safe, axes=(0,), reduce="add"), safe, axes=(0,))
        still = stop_gradient(found)
        found = still + (found - still) / _same(counts, found)
    if padding_idx is not None:
        rows = weight.shape[0]
        row = normalise_axis(padding_idx, rows, "embedding: padding_idx")
        padding = _same(ew.equal(indices, ew.scalar_like(row, indices)), found)
        found = ew.where(padding, stop_gradient(found), found)
    return found


def renormalised(weight: Node, indices: Node, max_norm: float, norm_type: float = 2.0) -> Node:
    """``weight`` with the rows that are looked up shortened to a norm of at most ``max_norm``."""
    safe = reshape(_rows("embedding", indices, weight), (indices.size,))
    length = norm(weight, 1, norm_type)
    zeros = ew.zeros_like(length)
    used = scatter(zeros, ew.scalar_like(1, ew.cast(safe, weight.dtype)), safe, axes=(0,))
    long = ew.bitwise_and(length > max_norm, used > 0.5)
    factor = ew.where(long, max_norm / (length + 1e-7), ew.scalar_like(1, length))
    return weight * _same(factor, weight)


def embedding_bag(indices: Node, weight: Node, offsets: Node | None = None,
                  per_sample_weights: Node | None = None, mode: str = "mean",
                  padding_idx: int | None = None, include_last_offset: bool = False) -> Node:
    """Sum, mean or maximum of the rows of each bag; zero for an empty bag.

    Shapes:  indices (bags, size), or (n,) with offsets (bags,) where each bag starts -> (bags, w)
    """
    if mode not in BAG_MODES:
        raise ArgumentError(f"embedding_bag: mode has to be one of sum, mean or max, got {mode!r}")
    if per_sample_weights is not None and mode != "sum":
        raise ArgumentError("embedding_bag: per_sample_weights only works with mode='sum', got "
                            f"mode={mode!r}")
    if (indices.ndim == 1) != (offsets is not None) or indices.ndim not in (1, 2):
        raise ShapeError(f"embedding_bag: expected indices of shape (bags, size), or (n,) with "
                         f"offsets, got {tuple(indices.shape)}")
    if offsets is None:
        bags, size = indices.shape
        bag = reshape(iota(indices.shape, int64, axis=0), (indices.size,))
    else:
        bags, size = offsets.shape[0] - (1 if include_last_offset else 0), 1
        positions = ew.cast(iota((indices.shape[0],), int64), offsets.dtype)
        bag = searchsorted(offsets, positions, side="right") - 1
    flat = reshape(indices, (indices.size,))
    found = gather(weight, _rows("embedding_bag", flat, weight), axes=(0,))
    if per_sample_weights is not None:
        found = found * expand_dims(reshape(per_sample_weights, flat.shape), 1)
    kept = ew.scalar_like(1, ew.cast(flat, weight.dtype))
    if padding_idx is not None:
        row = normalise_axis(padding_idx, weight.shape[0], "embedding_bag: padding_idx")
        kept = ew.cast(ew.not_equal(flat, ew.scalar_like(row, flat)), weight.dtype)
    if mode == "max":
        return _largest_of_bags(found, kept, bag, bags)
    found = found * expand_dims(kept, 1)
    empty = broadcast(constant(0, weight.dtype), (bags, weight.shape[1]), ())
    if offsets is None:
        total = reduce_sum(reshape(found, (bags, size, weight.shape[1])), (1,))
    else:
        total = scatter(empty, found, bag, axes=(0,), reduce="add")
    if mode == "sum":
        return total
    none = broadcast(constant(0, weight.dtype), (bags,), ())
    counts = scatter(none, kept, bag, axes=(0,), reduce="add")
    return total / expand_dims(ew.maximum(counts, ew.scalar_like(1, counts)), 1)


def _largest_of_bags(found: Node, kept: Node, bag: Node, bags: int) -> Node:
    lowest = ew.scalar_like(float("-inf"), found)
    found = ew.where(_same(kept > 0.5, found), found, lowest)
    start = broadcast(constant(float("-inf"), found.dtype), (bags, found.shape[1]), ())
    top = scatter(start, found, bag, axes=(0,), reduce="max")
    return ew.where(ew.equal(top, ew.scalar_like(float("-inf"), top)), ew.zeros_like(top), top)


def one_hot(indices: Node, classes: int, dtype: DType = int64, axis: int = -1,
            check: bool = True) -> Node:
    """1 where a new axis counts to the index, else 0.

    Shapes:  (*) -> (*, classes), or with the new axis elsewhere
    Raises:  IndexRangeError when it runs, for an index out of range; with ``check`` false such
             rows are all zero
    """
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: is only applicable to index tensors, got {indices.dtype}")
    if check:
        indices = check_bounds(indices, classes,
                               "one_hot: Class values must be smaller than num_classes; index "
                               "{value} is out of range for {size} classes")
    at = normalise_axis(axis, indices.ndim + 1, "one_hot")
    shape = (*indices.shape[:at], classes, *indices.shape[at:])
    spread = broadcast(indices, shape, [a for a in range(len(shape)) if a != at])
    return ew.cast(ew.equal(iota(shape, indices.dtype, axis=at), spread), dtype)


def one_hot_float(indices: Node, classes: int, axis: int = -1) -> Node:
    """`one_hot` in float32, rows out of range all zero (Keras)."""
    return one_hot(indices, classes, float32, axis, check=False)


def largest_index(indices: Node) -> Node:
    """The largest of all elements."""
    return reduce_max(indices, axes=tuple(range(indices.ndim)))

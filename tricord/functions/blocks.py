"""Writing at lists of indices and into blocks; segments; one-hot sets. As Keras has them."""

from __future__ import annotations

import numpy as np

from ..errors import ShapeError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.dtypes import DType, bool_, float32, int32, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.indexing import scatter
from ..ir.ops.movement import broadcast, slice_
from ..ir.ops.reduce import reduce_max, reduce_sum
from ..ir.ops.structural import constant
from .class_loss import select_class
from .elementwise import clip, where
from .embedding import one_hot
from .manipulation import moveaxis, pad

__all__ = ["block_replaced", "in_top_k", "multi_hot", "one_hot_of", "saturated", "scatter_into",
           "scatter_new", "segment"]


def _columns(indices: Node) -> list[Node]:
    """Indices (*, n) as n nodes of shape (*)."""
    found = []
    for i in range(indices.shape[-1]):
        start = (*[0] * (indices.ndim - 1), i)
        stop = (*indices.shape[:-1], i + 1)
        found.append(reduce_sum(slice_(indices, start, stop), (indices.ndim - 1,)))
    return found


def _zeros(shape: tuple[int, ...], dtype: DType) -> Node:
    return broadcast(constant(0, dtype), shape, ())


def scatter_new(indices: Node, values: Node, shape: tuple[int, ...]) -> Node:
    """Zeros of this shape, values added at the indices.

    Shapes:  indices (*, n), values (*, rest of shape after n axes)
    """
    columns = _columns(indices)
    return scatter(_zeros(tuple(shape), values.dtype), values, *columns,
                   axes=tuple(range(len(columns))), reduce="add")


def scatter_into(x: Node, indices: Node, updates: Node, reduce: str = "set") -> Node:
    """x with updates at the indices.

    Shapes:  indices (*, n), updates (*, rest of x after n axes)
    """
    columns = _columns(indices)
    return scatter(x, ew.cast(updates, x.dtype), *columns, axes=tuple(range(len(columns))),
                   reduce=reduce)


def block_replaced(x: Node, block: Node, starts: tuple[int, ...]) -> Node:
    """x with the block that starts at these indices replaced."""
    if len(starts) != x.ndim or block.ndim != x.ndim:
        raise ShapeError(f"slice_update: {len(starts)} starts and a block of {block.ndim} axes for "
                         f"a tensor of {x.ndim}")
    # As XLA does: a block that would stand over is moved back inside.
    starts = tuple(min(max(s, 0), n - b) for s, n, b in zip(starts, x.shape, block.shape,
                                                            strict=True))
    widths = tuple((s, n - s - b) for s, n, b in zip(starts, x.shape, block.shape, strict=True))
    inside = pad(broadcast(constant(True, bool_), block.shape, ()), widths)
    return where(inside, pad(ew.cast(block, x.dtype), widths), x)


def saturated(x: Node, dtype: DType) -> Node:
    """x in another dtype, clipped to what it holds."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype.numpy)
        if x.dtype.kind == "f" or np.iinfo(x.dtype.numpy).max > info.max:
            x = clip(x, int(info.min) if info.min >= -(2**53) else float(info.min), int(info.max)
                     if info.max <= 2**53 else float(info.max))
    return ew.cast(x, dtype)


def one_hot_of(x: Node, classes: int, dtype: DType = float32, axis: int = -1) -> Node:
    """One-hot rows; a number that is no class gives zeros."""
    return one_hot(ew.cast(x, int64), classes, dtype, axis, False)


def multi_hot(x: Node, classes: int, dtype: DType = float32, axis: int = -1) -> Node:
    """1 at every class that occurs along the last axis.

    Shapes:  (*, n) -> (*, classes), the classes at ``axis``
    """
    rows = one_hot_of(x, classes, dtype)
    found = reduce_max(rows, axes=(x.ndim - 1,)) if x.ndim else rows
    return found if axis in (-1, found.ndim - 1) else moveaxis(found, -1, axis)


def in_top_k(targets: Node, predictions: Node, k: int) -> Node:
    """Whether fewer than k predictions of the row are larger than that of its target."""
    targets = ew.cast(targets, int64)
    chosen = select_class(predictions, targets, 1)
    larger = predictions > broadcast(chosen, predictions.shape, (0,))
    return ew.bitwise_and(reduce_sum(ew.cast(larger, int64), (1,)) < k, ew.is_finite(chosen))


_START = {"add": 0, "mul": 1}


def segment(x: Node, ids: Node, count: int, reduce: str = "add") -> Node:
    """Rows with the same id added (mul, max, min) into one; ids outside of the range are left out.

    Shapes:  x (n, *), ids (n,) -> (count, *)
    """
    shape = (count, *x.shape[1:])
    if reduce in _START:
        start: float = _START[reduce]
    elif x.dtype.kind == "f":
        start = -np.inf if reduce == "max" else np.inf
    else:
        info = np.iinfo(x.dtype.numpy)
        start = info.min if reduce == "max" else info.max
    base = broadcast(constant(start, x.dtype), shape, ())
    return scatter(base, x, ew.cast(ids, int32), axes=(0,), mode="fill", reduce=reduce)



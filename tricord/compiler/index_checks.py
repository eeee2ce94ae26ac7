"""Part of pass 1: indices that must be in range are checked by a step of their own.

So there is one kind of check, which vectors do, and which is done before anything is written; and
none where the graph says that the indices are in range.
"""

from __future__ import annotations

from ..ir.dtypes import DType
from ..ir.lowering import View
from ..ir.node import Node, intern_node
from ..ir.ops.checks import check_bounds
from ..ir.ops.structural import constant_value

__all__ = ["with_checked_indices"]


def with_checked_indices(node: Node) -> Node | None:
    """A gather or scatter in mode ``raise`` behind checks of its indices; None if it is so."""
    p = node.params
    if p.mode != "raise":
        return None
    first = len(node.parents) - len(p.axes)
    parents = list(node.parents)
    for number, axis in enumerate(p.axes, first):
        size = node.parents[0].shape[axis]
        if _in_range(parents[number], size):
            continue
        message = (f"{node.op.name}: index {{value}} is out of range for axis {axis} of size "
                   "{size}")
        parents[number] = check_bounds(parents[number], size, message, low=-size)
        parents[number].where = node.where
    if all(a is b for a, b in zip(parents, node.parents, strict=True)):
        return None
    return intern_node(node.op, p, tuple(parents))


def _in_range(index: Node, size: int) -> bool:
    """Whether all values are known to lie between -size and size."""
    if not index.size:
        return True
    low, high = _range(index.dtype)
    if low >= -size and high < size:
        return True
    while isinstance(index.op.lower, View) and index.parents:
        index = index.parents[0]
    if index.op.name == "check_bounds":
        return index.params.low >= -size and index.params.size <= size
    if index.op.name == "iota":
        return index.shape[index.params.axis] <= min(size, high)
    if index.op.name in ("argmax", "argmin"):
        return index.parents[0].shape[index.params.axis] <= size
    value = constant_value(index)
    return value is not None and int(value.min()) >= -size and int(value.max()) < size


def _range(dtype: DType) -> tuple[int, int]:
    bits = 8 * dtype.itemsize
    return (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if dtype.kind == "i" else (0, 2**bits - 1)

"""Part of pass 1: gathers and scatters.

Indices that must be in range are checked by a step of their own. So there is one kind of check,
which vectors do, and which is done before anything is written; and none where the graph says that
the indices are in range.

Gathering along an axis that is not the first is a gather and then a transpose, which moves all
elements a second time; instead the axes before it are counted. So are they in its gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.dtypes import DType, int32
from ..ir.lowering import View
from ..ir.node import Node, intern_node
from ..ir.ops.checks import check_bounds
from ..ir.ops.movement import broadcast
from ..ir.ops.structural import constant_value, iota

__all__ = ["gathered_in_place", "scattered_in_place", "with_checked_indices"]


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


def gathered_in_place(node: Node) -> Node | None:
    """A transpose that moves the axes of the indices back to where the indexed axis was."""
    inner = node.parents[0]
    if inner.op.name != "gather":
        return None
    x, *indices = inner.parents
    place = _moved_to(node.params.axes, indices[0].ndim)
    if not place:
        return None
    axes, counted = _counted(x, inner.params.axes, indices, place)
    return inner.op(x, *counted, axes=axes, mode=inner.params.mode)


def scattered_in_place(node: Node) -> Node | None:
    """A scatter of updates that were transposed to have the axes of the indices first."""
    if node.op.name == "gather":
        return None
    x, updates, *indices = node.parents
    if updates.op.lower != View("transpose"):
        return None
    axes = updates.params.axes
    place = _moved_to(tuple(axes.index(a) for a in range(len(axes))), indices[0].ndim)
    if not place:
        return None
    new_axes, counted = _counted(x, node.params.axes, indices, place)
    return node.op(x, updates.parents[0], *counted, axes=new_axes, mode=node.params.mode)


def _moved_to(axes: tuple[int, ...], count: int) -> int:
    """Behind how many axes a transpose moves the first ``count``; 0 if it does something else."""
    place = axes.index(0) if count else 0
    rest = range(count, len(axes))
    moved = (*rest[:place], *range(count), *rest[place:])
    return place if axes == moved else 0


def _counted(x: Node, axes: tuple[int, ...], indices: Sequence[Node], place: int,
             ) -> tuple[tuple[int, ...], list[Node]]:
    """The first ``place`` axes that are not indexed counted, and the indices repeated for them."""
    before = [a for a in range(x.ndim) if a not in axes][:place]
    shape = (*(x.shape[a] for a in before), *indices[0].shape)
    counters = [iota(shape, int32, axis=i) for i in range(place)]
    repeated = [broadcast(i, shape, range(place, len(shape))) for i in indices]
    return (*before, *axes), [*counters, *repeated]


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

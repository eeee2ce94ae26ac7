"""Long reductions in two steps: parts first, then the parts.

One accumulator per lane over a million numbers loses digits, and one number is one task. Cut into
parts of fixed size the sum is nearly as good as a pairwise one, and every part is a task; the cut
depends on shapes alone, so results do not depend on the number of threads.
"""

from __future__ import annotations

from ..ir.dtypes import float32
from ..ir.node import Node, intern_node
from ..ir.ops.elementwise import cast
from ..ir.ops.movement import concatenate, reshape, slice_

__all__ = ["in_parts"]

#: Elements per result from which a reduction is cut.
_LONG = 8192
#: Elements of a part: few enough for the digits, enough for the work of a task.
_PART, _LEAST_PART = 4096, 256
#: Elements along the last axis that are worth a loop of their own.
_WORTH_A_ROW = 64
#: Steps of a loop over rows that are.
_WORTH_A_LOOP = 16


def in_parts(node: Node) -> Node | None:
    """A long reduction as a reduction of reductions; None for others.

    before:  reduce_sum[axes=(0, 1)] x[1000, 512]
    after:   reduce_sum[axes=(0,)] reduce_sum[axes=(1,)] x
    """
    x, axes = node.parents[0], node.params.axes
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    if count < _LONG or node.dtype.kind == "c" or not node.size:
        return None
    if node.dtype.kind == "f" and node.dtype.itemsize < 4:
        # Parts are not rounded to half precision.
        wide = intern_node(node.op, node.params, (cast(x, float32),))
        return cast(wide, node.dtype)
    if len(axes) > 1:
        inner = _first_axes(x, axes)
        outer = [a for a in axes if a not in inner]
        return _reduced(node, _reduced(node, x, inner), tuple(
            a - sum(i < a for i in inner) for a in outer))
    return _cut(node, x, axes[0])


def _first_axes(x: Node, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Which of several axes are reduced first: the last ones, where they lie together and make a
    loop worth its while. (Joining all axes into one would take broadcast operands apart.)"""
    count, first = 1, x.ndim
    while first - 1 in axes and count < _WORTH_A_ROW:
        first -= 1
        count *= x.shape[first]
    if count >= _WORTH_A_ROW and first > axes[0]:
        return tuple(range(first, x.ndim))
    return (axes[-1],) if first == x.ndim and x.shape[axes[-1]] >= _WORTH_A_LOOP else (axes[0],)


def _reduced(node: Node, x: Node, axes: tuple[int, ...]) -> Node:
    made = intern_node(node.op, type(node.params)(axes), (x,))
    cut = in_parts(made)
    return made if cut is None else cut


def _cut(node: Node, x: Node, axis: int) -> Node:
    """One long axis as parts of equal size; what is left over is a part of its own."""
    size = x.shape[axis]
    part = next((p for p in range(_PART, _LEAST_PART - 1, -1) if size % p == 0), None)
    if part is None:
        whole = size // _PART * _PART
        starts = [0] * x.ndim
        stops = list(x.shape)
        stops[axis] = whole
        head = _reduced(node, slice_(x, tuple(starts), tuple(stops)), (axis,))
        starts[axis], stops[axis] = whole, size
        tail = _reduced(node, slice_(x, tuple(starts), tuple(stops)), (axis,))
        both = [reshape(v, (*v.shape[:axis], 1, *v.shape[axis:])) for v in (head, tail)]
        return _reduced(node, concatenate(both, axis), (axis,))
    parts = reshape(x, (*x.shape[:axis], size // part, part, *x.shape[axis + 1:]))
    return _reduced(node, _reduced(node, parts, (axis + 1,)), (axis,))

"""Boxes that begin at computed places: read, and written."""

from __future__ import annotations

from ...ir.node import Node
from .. import scalars
from ..affine import row_major
from ..llvm import Function, Value
from ..operands import Known, Number
from ..target import Target
from .moves import Axis, Mover, copy_box, merged, moved
from .overwrite import Overwriting
from .places import clamped_start

__all__ = ["DynamicSlice", "DynamicUpdateSlice"]

_TASK_BYTES = 64 << 10
_MOST_TASKS = 16


def _starts(f: Function, node: Node, first: int, known: list[Known | None],
            sizes: tuple[int, ...]) -> list[Value]:
    """Where the box begins on each axis: operands from number ``first`` on, moved inside."""
    found = []
    for axis, start in enumerate(node.parents[first:]):
        most = node.parents[0].shape[axis] - sizes[axis]
        given = known[first + axis]
        if isinstance(given, Number):
            # Not brought to 64 bits: the largest unsigned numbers are far behind the end.
            found.append(f.index(min(max(int(given.value), 0), most)))
            continue
        value = f.load(f[f"x{first + axis}"], scalars.memory_of(start.dtype))
        found.append(clamped_start(f, value, start.dtype, most))
    return found


class DynamicSlice(Mover):
    """Tasks are parts of the box along its outermost axis."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        sizes = tuple(node.shape)
        self.steps = row_major(node.parents[0].shape)
        self.axes = merged([Axis(s, (a, b)) for s, a, b in zip(
            sizes, self.steps, row_major(sizes), strict=True)])
        self.count = self.axes[0].size if len(self.axes) > 1 else 1
        wanted = min(_MOST_TASKS, node.type.nbytes // _TASK_BYTES)
        self.block = max(1, -(-self.count // max(wanted, 1)))
        self.tasks = max(1, -(-self.count // self.block))

    @property
    def bytes(self) -> int:
        return 2 * self.node.type.nbytes

    def task(self, f: Function, task: Value) -> None:
        read = f.index(0)
        for start, step in zip(_starts(f, self.node, 1, self.known, tuple(self.node.shape)),
                               self.steps, strict=True):
            read = f.add(read, f.mul(start, step))
        low = f.mul(task, self.block)
        high = f.minimum_index(f.add(low, self.block), self.count)
        part = (low, high) if len(self.axes) > 1 else None
        copy_box(f, self.axes, (f["x0"], read), (f["y0"], f.index(0)), moved(self.node.dtype),
                 self.lanes, part)


class DynamicUpdateSlice(Overwriting):
    """Tasks are parts of the result along its first axis."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        box = tuple(node.parents[1].shape)
        long = [a for a, s in enumerate(self.shape) if s != 1]
        self.box_steps = row_major(box)
        self.box = box
        wanted = min(_MOST_TASKS, 2 * node.type.nbytes // _TASK_BYTES)
        self.cut(long[:1], wanted if len(long) > 1 else 1)

    def change(self, f: Function, low: Value, high: Value, start: Value, stop: Value) -> None:
        if 0 in self.box:
            return
        starts = _starts(f, self.node, 2, self.known, self.box)
        to = f.index(0)
        for first, step in zip(starts, self.steps, strict=True):
            to = f.add(to, f.mul(first, step))
        axes = [Axis(s, (a, b)) for s, a, b in zip(self.box, self.box_steps, self.steps,
                                                   strict=True)]
        if self.tasks == 1:
            copy_box(f, merged(axes), (f["x1"], f.index(0)), (f["y0"], to), self.element,
                     self.lanes)
            return
        cut = self.cut_axes[0]
        begin = starts[cut]
        part = (f.maximum_index(f.sub(low, begin), 0),
                f.minimum_index(f.sub(high, begin), self.box[cut]))
        copy_box(f, [axes[cut], *merged(axes[cut + 1:])], (f["x1"], f.index(0)), (f["y0"], to),
                 self.element, self.lanes, part)

"""Updates combined into computed places, in their order: the gradients of look-ups, and counting.

Every task goes over all indices and does those that lead into its part of the result. There are
only so many tasks that this costs little beside the work itself. If the first axis is counted, as
where a batch scatters each example into its own row, a task goes over its own indices alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...ir.dtypes import DType, bool_, uint8
from ...ir.node import Node
from .. import scalars
from ..affine import row_major
from ..llvm import Function, Value, vector
from ..operands import Counter, Number
from ..scalars.casts import is_narrow, widen
from ..target import Target
from .moves import Axis, along, merged, nested
from .overwrite import Overwriting
from .places import Places

__all__ = ["Scatter"]

_COMBINE = {"scatter": "", "scatter_add": "add", "scatter_mul": "multiply",
            "scatter_max": "maximum", "scatter_min": "minimum"}
_TASK_BYTES = 64 << 10
_MOST_TASKS = 16
#: Bytes that are moved in the time that a task takes to see that an index is not its own, divided
#: by the part of the work that may go into that.
_INDEX_BYTES = 512
#: Bytes of a part that is summed in float32: it stays in the cache.
_WIDE_BYTES = 512 << 10
#: Updates that no cache holds are best read once, from the first to the last.
_CACHE_BYTES = 1 << 20
#: Indices of single elements that are done side by side.
_UNROLL = 4


class Scatter(Overwriting):
    """Tasks are parts of the result. See `kernels.overwrite`."""

    def __init__(self, node: Node, target: Target):
        self.combine = _COMBINE[node.op.name]
        super().__init__(node, target,
                         wide=is_narrow(node.dtype) and self.combine in ("add", "multiply"))
        self.places = Places(node, 2, self.known)
        rest = [a for a in range(len(self.shape)) if a not in node.params.axes]
        sizes = [self.shape[a] for a in rest]
        self.width = math.prod(sizes)
        self.flops = self.places.rows * self.width if self.combine else 0
        self.rest = merged([Axis(s, (self.steps[a], by)) for a, s, by in zip(
            rest, sizes, row_major(sizes), strict=True)])
        #: what is combined, and how it lies in `work`
        self.dtype: DType = uint8 if node.dtype is bool_ else self.working
        self.stored = self.element if self.wide else scalars.memory_of(node.dtype)
        self._divide()

    def _divide(self) -> None:
        indexed = self.node.params.axes
        long = [a for a in range(len(self.shape)) if self.shape[a] != 1]
        #: whether parts are told apart by indices, or by places of the rest
        self.by_index = not long or long[0] in indexed
        first = []
        for axis in long:
            if (axis in indexed) is not self.by_index:
                break
            first.append(axis)
        #: updates per place of the first axis, where they come in its order; else 0
        self.each = self._counted(first[0]) if first and self.by_index else 0
        if self.each:
            first = first[:1]
        if not self.by_index and len(first) == len(long):  # nothing is indexed but axes of one
            first = []
        self.cut(first, self._wanted_tasks())

    def _counted(self, axis: int) -> int:
        number = self.node.params.axes.index(axis)
        known = self.places.known[number]
        if isinstance(known, Counter) and known.inner * known.size >= self.places.rows:
            return known.inner if known.size <= self.shape[axis] else 0
        return 0

    def _wanted_tasks(self) -> int:
        rows = max(self.places.rows, 1)
        result, updates = self.node.size * self.itemsize, rows * self.width * self.itemsize
        total = 2 * (result + updates)
        tasks = min(_MOST_TASKS, total // _TASK_BYTES)
        if self.wide:
            tasks = max(tasks, 4 * self.node.size // _WIDE_BYTES)
        if self.each:
            return tasks
        if updates > max(4 * result, _CACHE_BYTES):
            return 1
        return min(tasks, 1 + total // (_INDEX_BYTES * rows))

    def change(self, f: Function, low: Value, high: Value, start: Value, stop: Value) -> None:
        part = (low, high) if self.tasks > 1 and not self.by_index else None
        outer, length = self._loops()

        def one(row: Value, steps: Mapping[int, Value], inside: Value | None) -> None:
            to, mine = self._place(f, steps, inside, start, stop)
            read = f.mul(row, self.width)

            def apply() -> None:
                nested(f, outer, (to, read), lambda places: self._run(f, *places, length), part)

            if mine is None:
                apply()
            else:
                f.if_(mine, apply)

        unroll = _UNROLL if self.width == 1 else 1
        rows = self.places.rows
        if self.each:
            self.places.each(f, f.minimum_index(f.mul(low, self.each), rows),
                             f.minimum_index(f.mul(high, self.each), rows), one, unroll)
        else:
            self.places.each(f, 0, rows, one, unroll)

    def _place(self, f: Function, steps: Mapping[int, Value], inside: Value | None, start: Value,
               stop: Value) -> tuple[Value, Value | None]:
        """Where an update goes, and whether that is the task's to do; None where it always is."""
        to = here = f.index(0)
        for axis, step in steps.items():
            to = f.add(to, step)
            here = f.add(here, step) if axis in self.cut_axes else here
        if self.tasks == 1 or self.each or not self.by_index:
            return to, inside
        mine = f.compare("ult", f.sub(here, start), f.sub(stop, start))
        return to, mine if inside is None else f.and_(inside, mine)

    def _loops(self) -> tuple[Sequence[Axis], int]:
        """Loops over the rest, and how many neighbours are in the innermost one; the axis that
        tasks cut is a loop of its own."""
        least = 2 if self.tasks > 1 and not self.by_index else 1
        if len(self.rest) >= least and self.rest[-1].steps == (1, 1):
            return self.rest[:-1], self.rest[-1].size
        return self.rest, 1

    def _run(self, f: Function, to: Value, read: Value, length: int) -> None:
        """Neighbours in `work`, and neighbours of the updates."""
        work = f.offset(self.work, to, self.stored)

        def piece(at: Value, count: int) -> None:
            pointer = f.offset(work, at, self.stored)
            update = self._update(f, f.add(read, at), count)
            if self.combine:
                old = f.load(pointer, vector(count, self.stored))
                update = scalars.apply(f, self.combine, None, [old, update],
                                       [self.dtype] * 2, self.dtype)
            f.store(update, pointer)

        along(f, length, self.working_lanes, piece)

    def _update(self, f: Function, at: Value, count: int) -> Value:
        known = self.known[1]
        element = scalars.memory_of(self.node.dtype)
        if isinstance(known, Number):
            value = self.number(f, known, count)
            return value if self.wide else f.bitcast(value, vector(count, element))
        value = f.load(f.offset(f["x1"], at, element), vector(count, element))
        return widen(f, value) if self.wide else value

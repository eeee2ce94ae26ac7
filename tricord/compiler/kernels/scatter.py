"""Updates combined into computed places, in their order: the gradients of look-ups, and counting.

Every task goes over all indices and does those that lead into its part of the result. There are
only so many tasks that this costs little beside the work itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...ir.dtypes import DType, bool_, uint8
from ...ir.node import Node
from .. import scalars
from ..affine import row_major
from ..llvm import Function, Value, vector
from ..operands import Number
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
#: Bytes of a part that is summed in float32: it stays in the cache.
_WIDE_BYTES = 512 << 10


class Scatter(Overwriting):
    """Tasks are parts of the result. See `kernels.overwrite`."""

    def __init__(self, node: Node, target: Target):
        self.combine = _COMBINE[node.op.name]
        super().__init__(node, target,
                         wide=is_narrow(node.dtype) and self.combine in ("add", "multiply"))
        self.places = Places(node, 2, self.known)
        indexed = node.params.axes
        rest = [a for a in range(len(self.shape)) if a not in indexed]
        sizes = [self.shape[a] for a in rest]
        self.width = math.prod(sizes)
        self.flops = self.places.rows * self.width if self.combine else 0
        self.rest = merged([Axis(s, (self.steps[a], by)) for a, s, by in zip(
            rest, sizes, row_major(sizes), strict=True)])
        #: whether parts are told apart by indices, or by places of the rest
        self.by_index = True
        self._divide(indexed)

    def _divide(self, indexed: Sequence[int]) -> None:
        long = [a for a in range(len(self.shape)) if self.shape[a] != 1]
        self.by_index = not long or long[0] in indexed
        first = []
        for axis in long:
            if (axis in indexed) is not self.by_index:
                break
            first.append(axis)
        whole = not self.by_index and len(first) == len(long)  # nothing is indexed but axes of one
        size = self.places.rows * self.width
        total = (2 * self.node.size + 2 * size) * self.itemsize
        tasks = min(_MOST_TASKS, total // _TASK_BYTES)
        if self.wide:
            tasks = max(tasks, 4 * self.node.size // _WIDE_BYTES)
        # Reading an index costs about as much as moving 4 * 12 bytes.
        tasks = min(tasks, total // (48 * max(self.places.rows, 1)))
        self.cut([] if whole else first, tasks)

    @property
    def dtype(self) -> DType:
        """The dtype that is combined."""
        return uint8 if self.node.dtype is bool_ else self.working

    def change(self, f: Function, low: Value, high: Value, start: Value, stop: Value) -> None:
        f.loop(0, self.places.rows, lambda row: self._row(f, row, low, high, start, stop))

    def _row(self, f: Function, row: Value, low: Value, high: Value, start: Value,
             stop: Value) -> None:
        steps, inside = self.places.steps_of(f, row)
        if self.tasks > 1 and self.by_index:
            here = f.index(0)
            for axis in self.cut_axes:
                here = f.add(here, steps[axis])
            mine = f.compare("ult", f.sub(here, start), f.sub(stop, start))
            inside = mine if inside is None else f.and_(inside, mine)
        to = f.index(0)
        for step in steps.values():
            to = f.add(to, step)
        read = f.mul(row, self.width)

        def apply() -> None:
            if self.tasks > 1 and not self.by_index:
                nested(f, self._outer, (to, read), lambda places: self._run(f, places),
                       (low, high))
            else:
                nested(f, self._outer, (to, read), lambda places: self._run(f, places))

        if inside is None:
            apply()
        else:
            f.if_(inside, apply)

    @property
    def _dense(self) -> bool:
        # The axis that tasks cut is a loop of its own.
        least = 2 if self.tasks > 1 and not self.by_index else 1
        return len(self.rest) >= least and self.rest[-1].steps == (1, 1)

    @property
    def _outer(self) -> Sequence[Axis]:
        return self.rest[:-1] if self._dense else self.rest

    def _run(self, f: Function, places: Sequence[Value]) -> None:
        """Neighbours of the result and of the updates."""
        length = self.rest[-1].size if self._dense else 1
        stored = self.element if self.wide else scalars.memory_of(self.node.dtype)
        work = f.offset(self.work, places[0], stored)

        def piece(at: Value, count: int) -> None:
            to = f.offset(work, at, stored)
            update = self._update(f, f.add(places[1], at), count)
            if self.combine:
                old = f.load(to, vector(count, stored))
                update = scalars.apply(f, self.combine, None, [old, update],
                                       [self.dtype] * 2, self.dtype)
            f.store(update, to)

        along(f, length, self.working_lanes, piece)

    def _update(self, f: Function, at: Value, count: int) -> Value:
        known = self.known[1]
        element = scalars.memory_of(self.node.dtype)
        if isinstance(known, Number):
            value = self.number(f, known, count)
            return value if self.wide else f.bitcast(value, vector(count, element))
        value = f.load(f.offset(f["x1"], at, element), vector(count, element))
        return widen(f, value) if self.wide else value

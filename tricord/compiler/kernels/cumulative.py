"""Running totals along an axis: each element combined with all before it.

The elements of a row are combined one after another, as numpy does it, so results are its bits.
What runs side by side is other rows: vectors of them where they are neighbours in memory, a few
chains of scalars where the axis is the last.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.dtypes import float32
from ...ir.node import Node
from .. import scalars
from ..llvm import Function, Value
from ..target import Target
from .generated import Generated, read, write

__all__ = ["Cumulative"]

_FUNCTIONS = {"cumulative_sum": "add", "cumulative_prod": "multiply",
              "cumulative_max": "maximum", "cumulative_min": "minimum"}
#: Chains of scalars side by side: enough to hide the latency of an addition.
_CHAINS = 8
#: Vectors side by side.
_VECTORS = 4


class Cumulative(Generated):
    """Tasks are groups of rows along the axis."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        x, axis = node.parents[0], node.params.axis
        self.length = x.shape[axis]
        self.inner = x.shape[axis + 1:].numel()
        self.outer = x.shape[:axis].numel()
        self.flops = x.size
        lanes = target.lanes(max(x.dtype.itemsize, 4 if x.dtype.kind == "f" else 1))
        self.lanes = 1 if self.inner == 1 else lanes
        self.width = _CHAINS if self.inner == 1 else _VECTORS * lanes
        #: groups across the inner axes, of which the rows of one outer place are
        self.groups = -(-self.inner // self.width)
        self.tasks = max(-(-self.outer // _CHAINS) if self.inner == 1
                         else self.outer * self.groups, 1)

    def task(self, f: Function, task: Value) -> None:
        if self.inner == 1:
            self._last_axis(f, f.mul(task, _CHAINS))
        else:
            self._inner_axes(f, task)

    # ---- the axis is the last

    def _last_axis(self, f: Function, row: Value) -> None:
        starts = [f.mul(f.add(row, i), self.length) for i in range(_CHAINS)]
        rest = self.outer % _CHAINS
        if not rest:
            self._chains(f, starts, [None] * _CHAINS, 1)
            return
        f.if_(f.compare("slt", row, self.outer - rest),
              lambda: self._chains(f, starts, [None] * _CHAINS, 1),
              lambda: self._chains(f, starts[:rest], [None] * rest, 1))

    # ---- rows are neighbours

    def _inner_axes(self, f: Function, task: Value) -> None:
        outer, group = f.binary("udiv", task, self.groups), f.binary("urem", task, self.groups)
        start = f.add(f.mul(outer, self.length * self.inner), f.mul(group, self.width))
        rest = self.inner % self.width
        if not rest:
            self._vectors(f, start, self.width)
            return
        f.if_(f.compare("slt", group, self.groups - 1),
              lambda: self._vectors(f, start, self.width), lambda: self._vectors(f, start, rest))

    def _vectors(self, f: Function, start: Value, count: int) -> None:
        starts, masks = [], []
        for j in range(0, count, self.lanes):
            starts.append(f.add(start, j))
            masks.append(None if j + self.lanes <= count
                         else f.first_lanes(count - j, self.lanes))
        self._chains(f, starts, masks, self.inner)

    # ---- both

    def _chains(self, f: Function, starts: Sequence[Value], masks: Sequence[Value | None],
                stride: int) -> None:
        """Rows that begin at ``starts``, their elements ``stride`` apart, each of lanes."""
        dtype = self.node.dtype
        function = _FUNCTIONS[self.node.op.name]
        # Narrow floats stay float32 in registers, rounded at every step as numpy does it.
        narrow = scalars.is_narrow(dtype)
        wide = float32 if narrow else dtype

        def load(at: Value) -> list[Value]:
            found = [read(f, f["x0"], f.add(s, at), dtype, self.lanes, m)
                     for s, m in zip(starts, masks, strict=True)]
            return [scalars.widen(f, x) for x in found] if narrow else found

        def store(at: Value, totals: Sequence[Value]) -> list[Value]:
            """Returns what is stored."""
            if narrow:
                element = scalars.register_of(dtype)
                totals = [scalars.narrow(f, t, element) for t in totals]
            for s, m, total in zip(starts, masks, totals, strict=True):
                write(f, total, f["y0"], f.add(s, at), m)
            return [scalars.widen(f, t) for t in totals] if narrow else list(totals)

        def step(i: Value, *totals: Value) -> list[Value]:
            at = f.mul(i, stride)
            return store(at, [scalars.apply(f, function, None, [t, x], [wide, wide], wide)
                              for t, x in zip(totals, load(at), strict=True)])

        first = store(f.index(0), load(f.index(0)))
        f.loop(1, self.length, step, carried=first)

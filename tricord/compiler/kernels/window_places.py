"""The element of each window at a given place, and its transpose: windows' values put there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ...ir.dtypes import bool_, float32
from ...ir.node import Node
from .. import scalars
from ..llvm import Function, Value
from ..target import Target
from .generated import Generated, read, write
from .order_keys import stored_bits
from .window_axes import WindowAxis, located, window_axes

__all__ = ["WindowPut", "WindowTake"]

#: Windows of one task, about.
_TASK = 4096


def _chosen(f: Function, axes: Sequence[WindowAxis], positions: Sequence[Value],
            number: Value) -> tuple[Value, Value]:
    """Whether the element of this number in a window that begins at ``positions`` exists, and its
    index in the operand; 0 if it does not."""
    exists = f.compare("ult", number, math.prod(a.size for a in axes))
    index, rest = f.index(0), number
    for i, (axis, position) in enumerate(zip(axes, positions, strict=True)):
        if axis.size > 1:
            tap = rest
            if any(a.size > 1 for a in axes[i + 1:]):
                tap, rest = (f.binary(op, rest, axis.number) for op in ("udiv", "urem"))
            position = f.add(position, f.mul(f.convert(tap, "i64", signed=False), axis.dilation))
        if axis.padded:
            exists = f.and_(exists, f.compare("ult", position, axis.n))
        index = f.add(index, f.mul(position, axis.x_stride))
    return exists, f.select(exists, index, 0)


class WindowTake(Generated):
    """Tasks are groups of rows of windows."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        self.bits = stored_bits(node.dtype)
        self.axes = window_axes(node.params, node.parents[0].shape, node.shape)
        self.columns = self.axes[-1].m
        self.rows = node.size // self.columns
        self.group = max(1, _TASK // self.columns)
        self.tasks = -(-self.rows // self.group)
        self.flops = 32 * node.size

    def task(self, f: Function, task: Value) -> None:
        first = f.mul(task, self.group)
        f.loop(first, f.minimum_index(f.add(first, self.group), self.rows),
               lambda row: self._row(f, row))

    def _row(self, f: Function, row: Value) -> None:
        outer = self.axes[:-1]
        positions = [a.position(f, p) for a, p in zip(outer, located(f, outer, row), strict=True)]
        to = f.mul(row, self.columns)

        def one(place: Value) -> None:
            at = f.add(to, place)
            result = f.constant(0, self.bits)
            if self.node.parents[0].size:
                number = f.load(f.offset(f["x1"], at, "i32"), "i32")
                exists, index = _chosen(f, self.axes, [*positions,
                                                       self.axes[-1].position(f, place)], number)
                value = f.load(f.offset(f["x0"], index, self.bits), self.bits)
                result = f.select(exists, value, 0)
            f.store(result, f.offset(f["y0"], at, self.bits))

        f.loop(0, self.columns, one)


class WindowPut(Generated):
    """Tasks are parts of the result that no window leaves: places along a first axis on which
    nothing slides.

    Windows are gone through from the last to the first: then the values that meet at one element
    are added in the order of their numbers, as the reference adds them. Those of narrow dtypes are
    added up in float32, in scratch memory.
    """

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        self.dtype = node.dtype
        self.narrow = scalars.is_narrow(node.dtype)
        self.wide = float32 if self.narrow else node.dtype
        axes = window_axes(node.params.window, node.shape, node.parents[0].shape)
        split = len(axes) > 1 and axes[0].plain
        self.tasks = axes[0].m if split else 1
        self.axes = axes[1:] if split else axes
        self.size = math.prod(a.n for a in self.axes)
        self.windows = math.prod(a.m for a in self.axes)
        self.scratch = 4 * self.size if self.narrow else 0
        self.lanes = target.lanes(4)
        self.flops = 32 * node.parents[0].size

    def task(self, f: Function, task: Value) -> None:
        result = f.offset(f["y0"], f.mul(task, self.size), scalars.memory_of(self.dtype))
        totals = f["scratch"] if self.narrow else result
        zero = f.constant(0, f"<{self.lanes} x {scalars.memory_of(self.wide)}>")
        self._over_vectors(f, lambda at, mask: write(f, zero, totals, at, mask))
        first = f.mul(task, self.windows)
        self._windows(f, self.axes, [], first, totals)
        if self.narrow:
            self._over_vectors(f, lambda at, mask: self._round(f, result, at, mask))

    def _over_vectors(self, f: Function,
                      body: Callable[[Value, Value | None], None]) -> None:
        whole = self.size // self.lanes * self.lanes
        f.loop(0, whole, lambda at: body(at, None), step=self.lanes)
        if whole < self.size:
            mask = f.first_lanes(self.size - whole, self.lanes)
            body(f.index(whole), mask)

    def _round(self, f: Function, result: Value, at: Value, mask: Value | None) -> None:
        total = read(f, f["scratch"], at, float32, self.lanes, mask)
        write(f, scalars.narrow(f, total, scalars.register_of(self.dtype)), result, at, mask)

    def _windows(self, f: Function, axes: Sequence[WindowAxis], positions: Sequence[Value],
                 window: Value, totals: Value) -> None:
        """All windows that begin at ``positions`` along the axes before these."""
        if not axes:
            self._put(f, positions, window, totals)
            return
        axis = axes[0]

        def one(i: Value) -> None:
            place = f.sub(axis.m - 1, i)
            self._windows(f, axes[1:], [*positions, axis.position(f, place)],
                          f.add(window, f.mul(place, axis.y_stride)), totals)

        f.loop(0, axis.m, one)

    def _put(self, f: Function, positions: Sequence[Value], window: Value, totals: Value) -> None:
        number = f.load(f.offset(f["x1"], window, "i32"), "i32")
        exists, index = _chosen(f, self.axes, positions, number)

        def put() -> None:
            value = read(f, f["x0"], window, self.dtype)
            if self.narrow:
                value = scalars.widen(f, value)
            total = read(f, totals, index, self.wide)
            function = "bitwise_or" if self.dtype is bool_ else "add"
            total = scalars.apply(f, function, None, [total, value], [self.wide] * 2, self.wide)
            write(f, total, totals, index)

        f.if_(exists, put)

"""Reductions over sliding windows: sum, maximum, minimum, and where in its window an extreme is.

Windows are taken in vectors along the last axis: neighbours where nothing slides over it, else
every `step`-th element, picked out of whole vectors. What reaches into the padding at an end of
the last axis is done one window at a time; along the other axes, the loops over a window leave the
padding out.

A sum is a sum of sums along the last axis, each from its first element on, whichever way it is
done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir.dtypes import DType, float32
from ...ir.node import Node
from .. import scalars
from ..llvm import Function, Value, vector
from ..target import Target
from .generated import Generated, read, write
from .window_axes import WindowAxis, located, window_axes

__all__ = ["WindowReduction"]

_FUNCTIONS = {"window_sum": "add", "window_max": "maximum", "window_min": "minimum",
              "window_argmax": "maximum", "window_argmin": "minimum"}
#: Places of a window that are written one after another; larger windows get loops.
_STRAIGHT = 16
#: The widest step along the last axis for which whole vectors are read.
_WIDE_STEP = 4
#: Elements read by one task, about.
_TASK = 16384

Line = Callable[..., Sequence[Value]]
#: The places along axes that exist, first and one behind the last. None: all, each written out.
Ranges = Sequence[tuple[Value, Value]]


@dataclass(frozen=True)
class _Columns:
    """Some windows along the last axis: where the first of them begins, and how many lanes."""

    position: Value
    lanes: int
    #: whether all of their elements along the last axis exist
    inside: bool


class WindowReduction(Generated):
    """Tasks are groups of rows of windows."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        x = node.parents[0]
        self.dtype = x.dtype
        self.positions = node.op.name in ("window_argmax", "window_argmin")
        self.function = _FUNCTIONS[node.op.name]
        #: of the totals in registers
        self.wide = float32 if scalars.is_narrow(x.dtype) else x.dtype
        *self.outer, self.last = window_axes(node.params, x.shape, node.shape)
        self.taps = math.prod(node.params.size)
        self.rows = node.size // self.last.m
        self.group = max(1, _TASK // max(self.last.m * self.taps, 1))
        self.tasks = -(-self.rows // self.group)
        self.flops = 2 * node.size * self.taps
        self.straight = math.prod(a.size for a in self.outer) <= _STRAIGHT
        self.wide_reads = self.last.step <= _WIDE_STEP and self.last.size <= _STRAIGHT
        self.most_lanes = target.lanes(max(self.wide.itemsize, 4))

    def task(self, f: Function, task: Value) -> None:
        first = f.mul(task, self.group)
        f.loop(first, f.minimum_index(f.add(first, self.group), self.rows),
               lambda row: self._row(f, row))

    # ---- one row of windows

    def _row(self, f: Function, row: Value) -> None:
        places = located(f, self.outer, row)
        start, inside, ranges = f.index(0), f.constant(True, "i1"), []
        for axis, place in zip(self.outer, places, strict=True):
            position = axis.position(f, place)
            start = f.add(start, f.mul(position, axis.x_stride))
            first, last = axis.taps(f, position)
            ranges.append((first, last))
            if axis.padded:
                whole = f.compare("eq", f.sub(last, first), axis.size)
                inside = f.and_(inside, whole)
        to = f.mul(row, self.last.m)
        begin, end, lanes = self._vectors()

        def one(place: Value, lanes: int, ranges: Ranges | None, whole: bool) -> None:
            columns = _Columns(self.last.position(f, place), lanes, whole)
            write(f, self._windows(f, start, columns, ranges), f["y0"], f.add(to, place))

        def vectors(ranges: Ranges | None) -> None:
            f.loop(begin, end, lambda j: one(f.minimum_index(j, end - lanes), lanes, ranges, True),
                   step=lanes)

        def alone(j: Value) -> None:
            """Windows before ``begin``, then those from ``end`` on."""
            behind = f.select(f.compare("slt", j, begin), 0, f.index(end - begin))
            one(f.add(j, behind), 1, ranges, False)

        if self.straight and any(a.padded for a in self.outer):
            f.if_(inside, lambda: vectors(None), lambda: vectors(ranges))
        else:
            vectors(None if self.straight else ranges)
        f.loop(0, begin + self.last.m - end, alone)

    def _vectors(self) -> tuple[int, int, int]:
        """Which windows of a row are taken in vectors, and of how many lanes. The last vector may
        overlap the one before."""
        begin = min(-(-self.last.low // self.last.step), self.last.m)
        lanes = self.most_lanes
        while lanes > 1 and not self._readable(begin, lanes):
            lanes //= 2
        end = begin
        while self._readable(end, lanes):
            end += lanes
        while end > begin and self._readable(end - lanes + 1, lanes):
            end += 1
        return begin, end, lanes

    def _readable(self, place: int, lanes: int) -> bool:
        """Whether vectors may be read for windows from ``place`` on: of all their elements, and of
        what lies between those."""
        axis = self.last
        if place + lanes > axis.m or not axis.inside(place, lanes):
            return False
        if lanes == 1 or axis.step == 1 or not self.wide_reads:
            return True
        first = place * axis.step - axis.low
        shift = (axis.size - 1) * axis.dilation // axis.step * axis.step
        return first + shift + axis.step * lanes <= axis.n

    # ---- one vector of windows

    def _windows(self, f: Function, start: Value, columns: _Columns,
                 ranges: Ranges | None) -> Value:
        type = vector(columns.lanes, scalars.register_of(self.wide))
        across = self._range(f, columns)
        state = [f.constant(self._least(), type)]
        if self.positions:
            found = self._first(f, [*(ranges or []), across])
            state.append(f.splat(f.convert(found, "i32"), columns.lanes))
        at = f.add(start, columns.position)

        def line(place: Value, number: Value, *state: Value) -> Sequence[Value]:
            if self.positions:
                return self._best_of_line(f, place, number, columns, across, *state)
            return [self._combine(f, state[0], self._line(f, place, columns, across))]

        result = self._taps(f, self.outer, ranges, at, f.index(0), state, line)
        if self.positions:
            return result[1]
        total = result[0]
        if self.wide is not self.dtype:
            total = scalars.narrow(f, total, scalars.register_of(self.dtype))
        return total

    def _range(self, f: Function, columns: _Columns) -> tuple[Value, Value]:
        if columns.inside:
            return f.index(0), f.index(self.last.size)
        return self.last.taps(f, columns.position)

    def _taps(self, f: Function, axes: Sequence[WindowAxis],
              ranges: Ranges | None, at: Value, number: Value, state: Sequence[Value],
              line: Line) -> Sequence[Value]:
        """Folds the lines of a window, in order."""
        if not axes:
            return line(at, number, *state)
        axis, rest = axes[0], None if ranges is None else ranges[1:]

        def place(tap: Value, *state: Value) -> Sequence[Value]:
            there = f.add(at, f.mul(tap, axis.dilation * axis.x_stride))
            return self._taps(f, axes[1:], rest, there,
                              f.add(number, f.mul(tap, axis.number)), state, line)

        if ranges is None:
            for tap in range(axis.size):
                state = place(f.index(tap), *state)
            return state
        if axis.size == 1 and not axis.padded:
            return place(f.index(0), *state)
        return f.loop(*ranges[0], place, carried=state)

    # ---- along the last axis

    def _elements(self, f: Function, at: Value, columns: _Columns) -> Callable[[Value], Value]:
        """Reads the elements at one place of the windows; vectors are read once."""
        axis, lanes = self.last, columns.lanes
        vectors: dict[int, Value] = {}

        def one(tap: Value) -> Value:
            there = f.add(at, f.mul(tap, axis.dilation))
            if lanes == 1 or axis.step == 1:
                return read(f, f["x0"], there, self.dtype, lanes)
            if not self.wide_reads:
                found = [read(f, f["x0"], f.add(there, i * axis.step), self.dtype)
                         for i in range(lanes)]
                value = Value("poison", vector(lanes, found[0].type))
                for i, element in enumerate(found):
                    value = f.insert(value, element, i)
                return value
            shift, phase = divmod(int(tap.text) * axis.dilation, axis.step)
            if shift not in vectors:
                vectors[shift] = read(f, f["x0"], f.add(at, shift * axis.step), self.dtype,
                                      lanes * axis.step)
            return f.shuffle(vectors[shift], None,
                             range(phase, phase + lanes * axis.step, axis.step))

        def widened(tap: Value) -> Value:
            return scalars.widen(f, one(tap)) if self.wide is not self.dtype else one(tap)

        return widened

    def _fold(self, f: Function, columns: _Columns, across: tuple[Value, Value],
              state: Sequence[Value], step: Line) -> Sequence[Value]:
        """Folds the places along the last axis: written out where all exist and are few."""
        if columns.inside and self.last.size <= _STRAIGHT:
            for tap in range(self.last.size):
                state = step(f.index(tap), *state)
            return state
        return f.loop(*across, step, carried=state)

    def _line(self, f: Function, at: Value, columns: _Columns,
              across: tuple[Value, Value]) -> Value:
        element = self._elements(f, at, columns)
        if columns.inside and self.last.size == 1:
            return element(f.index(0))
        zero = f.constant(self._least(), vector(columns.lanes, scalars.register_of(self.wide)))
        return self._fold(f, columns, across, [zero],
                          lambda tap, total: [self._combine(f, total, element(tap))])[0]

    def _combine(self, f: Function, total: Value, value: Value) -> Value:
        return scalars.apply(f, self.function, None, [total, value], [self.wide] * 2, self.wide)

    def _best_of_line(self, f: Function, at: Value, number: Value, columns: _Columns,
                      across: tuple[Value, Value], *state: Value) -> Sequence[Value]:
        element = self._elements(f, at, columns)

        def step(tap: Value, best: Value, found: Value) -> Sequence[Value]:
            value = element(tap)
            better = self._better(f, value, best)
            here = f.splat(f.convert(f.add(number, tap), "i32"), columns.lanes)
            return [f.select(better, value, best), f.select(better, here, found)]

        return self._fold(f, columns, across, state, step)

    def _better(self, f: Function, value: Value, best: Value) -> Value:
        relation = "gt" if self.function == "maximum" else "lt"
        if self.wide.kind == "f":  # a NaN is better than all but another NaN
            better = f.compare("u" + relation, value, best)
            return f.and_(better, f.compare("ord", best, best))
        return f.compare(("s" if self.wide.kind == "i" else "u") + relation, value, best)

    def _first(self, f: Function, ranges: Ranges) -> Value:
        """The number of the first element of a window; 0 if all is padding."""
        axes = [*self.outer, self.last][-len(ranges):]
        number, empty = f.index(0), f.constant(False, "i1")
        for axis, (first, last) in zip(axes, ranges, strict=True):
            number = f.add(number, f.mul(first, axis.number))
            if axis.padded:
                empty = f.or_(empty, f.compare("sge", first, last))
        return f.select(empty, 0, number) if number.text != "0" else number

    def _least(self) -> Any:
        """What every element is combined with first."""
        return 0 if self.function == "add" else least(self.wide, self.function)


def least(dtype: DType, function: str) -> Any:
    """The value that a maximum (a minimum) begins with."""
    highest = function == "minimum"
    if dtype.kind == "f":
        return math.inf if highest else -math.inf
    if dtype.kind == "b":
        return highest
    info = np.iinfo(dtype.numpy)
    return int(info.max if highest else info.min)

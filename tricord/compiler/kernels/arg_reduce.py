"""The place of the first largest or smallest element along an axis; NaN counts as more than all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...ir.dtypes import bool_
from ...ir.node import Node
from ..llvm import Function, Value, lanes_of, vector
from ..llvm.values import is_float
from ..scalars.casts import is_narrow, widen
from ..target import Target
from .generated import Generated, read, write
from .moves import along

__all__ = ["ArgReduce"]

_TASK_ELEMENTS = 8 << 10
#: Vectors that run side by side, so that none waits for the comparison before.
_SIDE = 4

#: a value and its place, lane by lane
Best = tuple[Value, Value]


class ArgReduce(Generated):
    """Tasks are blocks of rows; a row is what one result is taken from or, where the axis is not
    the last, as many of them as lie side by side."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        x, axis = node.parents[0], node.params.axis
        self.dtype = x.dtype
        self.length = x.shape[axis]
        self.inner = math.prod(x.shape[axis + 1:])
        self.outer = math.prod(x.shape[:axis])
        # Narrow elements are compared as four bytes.
        bits = max(8 * x.dtype.itemsize, 32)
        self.lanes = target.lanes(bits // 8)
        self.index = "i64" if bits == 64 or self.length >= 2**31 else "i32"
        self.more = node.op.name == "argmax"
        self.flops = x.size
        row = self.length * self.inner
        self.block = max(1, _TASK_ELEMENTS // max(row, 1))
        self.tasks = max(1, -(-self.outer // self.block))
        self.pieces = 1
        if self.inner > 1 and self.tasks < 8 and row >= 2 * _TASK_ELEMENTS:
            self._cut(row)

    def _cut(self, row: int) -> None:
        """Cut what lies side by side."""
        most = min(16, row // _TASK_ELEMENTS)
        self.pieces = next(p for p in range(most, 0, -1) if self.inner % p == 0)
        self.tasks *= self.pieces

    def task(self, f: Function, task: Value) -> None:
        block, piece = f.binary("udiv", task, self.pieces), f.binary("urem", task, self.pieces)
        start = f.mul(block, self.block)
        stop = f.minimum_index(f.add(start, self.block), self.outer)
        f.loop(start, stop, lambda row: self._columns(f, row, piece) if self.inner > 1
               else self._row(f, row))

    # ---- elements

    def _load(self, f: Function, at: Value, lanes: int) -> Value:
        value = read(f, f["x0"], at, self.dtype, lanes)
        if is_narrow(self.dtype):
            return widen(f, value)
        if self.dtype is bool_ or (self.dtype.kind in "iu" and self.dtype.itemsize < 4):
            return f.convert(value, "i32", signed=self.dtype.kind == "i")
        return value

    def _better(self, f: Function, new: Value, old: Value) -> Value:
        """Whether ``new`` takes the place of an ``old`` that comes before it."""
        relation = "gt" if self.more else "lt"
        if is_float(new.type):
            # True of NaN in new; one in old stays.
            return f.and_(f.compare("u" + relation, new, old), f.compare("ord", old, old))
        sign = "u" if self.dtype.kind == "u" else "s"
        return f.compare(sign + relation, new, old)

    def _step(self, f: Function, best: Best, at: Value, place: Value) -> Best:
        lanes = lanes_of(best[0].type)
        new = self._load(f, at, lanes)
        better = self._better(f, new, best[0])
        return f.select(better, new, best[0]), f.select(better, place, best[1])

    def _places(self, f: Function, first: Value | int, lanes: int) -> Value:
        """``first`` and those after it, as they are kept."""
        start = f.splat(f.convert(f.index(first), self.index), lanes)
        return f.add(start, f.ramp(lanes, self.index)) if lanes > 1 else start

    # ---- neither is the axis the last

    def _columns(self, f: Function, row: Value, piece: Value) -> None:
        width = self.inner // self.pieces
        start = f.add(f.mul(row, self.length * self.inner), f.mul(piece, width))
        to = f.add(f.mul(row, self.inner), f.mul(piece, width))

        def column(at: Value, lanes: int) -> None:
            here = f.add(start, at)
            place = f.constant(0, vector(lanes, self.index))

            def step(k: Value, *best: Value) -> Sequence[Value]:
                number = f.splat(f.convert(k, self.index), lanes)
                return self._step(f, (best[0], best[1]),
                                  f.add(here, f.mul(k, self.inner)), number)

            _, place = f.loop(1, self.length, step, carried=[self._load(f, here, lanes), place])
            write(f, f.convert(place, "i64", signed=False), f["y0"], f.add(to, at))

        along(f, width, self.lanes, column)

    # ---- one result from neighbours

    def _row(self, f: Function, row: Value) -> None:
        start = f.mul(row, self.length)
        lanes = self.lanes
        while lanes > self.length:
            lanes //= 2
        side = min(_SIDE, self.length // lanes)
        best = [self._load(f, f.add(start, j * lanes), lanes) for j in range(side)]
        place = [self._places(f, j * lanes, lanes) for j in range(side)]
        width = side * lanes
        whole = self.length // width * width

        def several(k: Value, *carried: Value) -> list[Value]:
            pairs = []
            for j in range(side):
                at = f.add(k, j * lanes)
                pairs.append(self._step(f, (carried[j], carried[side + j]), f.add(start, at),
                                        self._places(f, at, lanes)))
            return [*(v for v, _ in pairs), *(p for _, p in pairs)]

        carried = f.loop(width, whole, several, step=width, carried=[*best, *place])
        pairs = list(zip(carried[:side], carried[side:], strict=True))
        # The rest: vectors that end with the row, over elements that have been seen.
        for k, at in enumerate(range(whole, self.length, lanes)):
            at = min(at, self.length - lanes)
            pairs[k] = self._step(f, pairs[k], f.add(start, at), self._places(f, at, lanes))
        while len(pairs) > 1:
            pairs = [self._joined(f, *pairs[i:i + 2]) for i in range(0, len(pairs), 2)]
        found = pairs[0]
        while lanes > 1:
            half = lanes // 2
            low, high = ([f.shuffle(v, None, part) if half > 1 else f.extract(v, part[0])
                          for v in found] for part in (range(half), range(half, lanes)))
            found = self._joined(f, (low[0], low[1]), (high[0], high[1]))
            lanes = half
        write(f, f.convert(found[1], "i64", signed=False), f["y0"], row)

    def _joined(self, f: Function, a: Best, b: Best | None = None) -> Best:
        """The better of two, of equals the one that comes first."""
        if b is None:
            return a
        b_wins = self._better(f, b[0], a[0])
        a_wins = self._better(f, a[0], b[0])
        first = f.compare("ult", b[1], a[1])
        takes = f.or_(b_wins, f.and_(first, f.not_(a_wins)))
        return f.select(takes, b[0], a[0]), f.select(takes, b[1], a[1])

"""Whether all values of an operand are legal, and a copy of it.

It stands in every training step, before anything is written; so all values are looked at as
vectors, and one by one only when there is an error to report.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from ...ir.node import Node
from ..llvm import Function, Value, vector
from ..target import Target
from .moves import Mover, along

__all__ = ["CheckBounds"]

#: Vectors of what was found that the loop carries, so that none waits for the one before.
_SUMS = 4


class CheckBounds(Mover):
    """One more pointer, before ``scratch``: the status. Where a value is refused its first word
    becomes 1 and its second the smallest value, or the largest if that one is legal."""

    reports = True

    def __init__(self, node: Node, target: Target):
        p = node.params
        super().__init__(node, target, f"{p.low} {p.size}")
        self.signed = node.dtype.kind == "i"
        bits = 8 * self.itemsize
        low, high = (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if self.signed else (0, 2**bits - 1)
        self.all = (low, high)
        self.low, self.high = max(p.low, low), min(p.size - 1, high)
        self.element = f"i{bits}"
        # Then the sign of a difference tells, and no comparison is needed.
        self.by_sign = self.high - self.low < 2 ** (bits - 1) and self.high < 2 ** (bits - 1)

    def body(self, f: Function) -> None:
        f.loop(f["first"], f["last"], lambda task: self._whole(f))

    def _whole(self, f: Function) -> None:
        if (self.low, self.high) == self.all:
            along(f, self.node.size, self.lanes, lambda at, count: self._copy(f, at, count))
            return
        width = _SUMS * self.lanes
        looped = self.node.size // width * width
        zero = f.constant(0, vector(self.lanes, self.element))

        def several(at: Value, *seen: Value) -> list[Value]:
            values = [self._copy(f, f.add(at, j * self.lanes), self.lanes) for j in range(_SUMS)]
            return [self._worse(f, s, self._distance(f, v))
                    for s, v in zip(seen, values, strict=True)]

        found = f.loop(0, looped, several, step=width, carried=[zero] * _SUMS) if looped else []
        along(f, self.node.size - looped, self.lanes, lambda at, count: found.append(
            self._distance(f, self._copy(f, f.add(at, looped), count))))
        self._report_if(f, found)

    def _copy(self, f: Function, at: Value, count: int) -> Value:
        value = f.load(f.offset(f["x0"], at, self.element), vector(count, self.element))
        f.store(value, f.offset(f["y0"], at, self.element))
        return value

    def _report_if(self, f: Function, found: Sequence[Value]) -> None:
        """Look for the value to report, if one of the distances says that there is one."""
        worst: Value | None = None
        for type in dict.fromkeys(v.type for v in found):
            of_type = reduce(lambda a, b: self._worse(f, a, b), (v for v in found
                                                                 if v.type == type))
            one = f.fold_lanes(of_type, lambda a, b: self._worse(f, a, b))
            worst = one if worst is None else self._worse(f, worst, one)
        if worst is None:
            return
        refused = f.compare("slt", worst, 0) if self.by_sign else (
            f.compare("ugt", worst, self._constant(self.high - self.low)))
        f.if_(refused, lambda: self._report(f))

    def _constant(self, number: int) -> int:
        """A number of the type as LLVM writes it, which knows no unsigned ones."""
        bits = 8 * self.itemsize
        return number - 2**bits if number >= 2 ** (bits - 1) else number

    def _distance(self, f: Function, value: Value) -> Value:
        """A negative number, or one above high - low, where the value is illegal."""
        above = value if self.low == 0 else f.sub(value, self.low)
        return f.or_(above, f.sub(self.high, value)) if self.by_sign else above

    def _worse(self, f: Function, a: Value, b: Value) -> Value:
        return f.or_(a, b) if self.by_sign else f.select(f.compare("ugt", a, b), a, b)

    def _report(self, f: Function) -> None:
        """Once more, one by one."""
        element = self.element
        sign = "s" if self.signed else "u"
        start = f.load(f["x0"], element)

        def extremes(i: Value, low: Value, high: Value) -> list[Value]:
            value = f.load(f.offset(f["x0"], i, element), element)
            return [f.select(f.compare(f"{sign}lt", value, low), value, low),
                    f.select(f.compare(f"{sign}gt", value, high), value, high)]

        low, high = f.loop(0, self.node.size, extremes, carried=[start, start])
        too_low = f.compare(f"{sign}lt", low, self.low)
        value = f.convert(f.select(too_low, low, high), "i64", signed=self.signed)
        f.store(f.constant(1, "i64"), f["status"])
        f.store(value, f.offset(f["status"], 1, "i64"))

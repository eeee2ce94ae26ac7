"""Computed indices: read or counted, brought inside their axis, made a place in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...ir.dtypes import DType
from ...ir.lowering import View
from ...ir.node import Node
from .. import scalars
from ..affine import row_major
from ..llvm import Function, Value
from ..operands import Counter, Known, Number, Repeated

__all__ = ["Places", "clamped_start"]

#: Rows for which it pays to compute counters once.
_SHORT = 8


class Places:
    """The indices of a gather or scatter, whose operands from number ``first`` on they are.

    No mode leads out of the operand's memory: ``raise`` has been checked before, but what is
    refused may still be worked on until the program leaves.
    """

    def __init__(self, node: Node, first: int, known: Sequence[Known | None]):
        self.first = first
        self.axes: tuple[int, ...] = node.params.axes
        self.mode: str = node.params.mode
        self.shape = tuple(node.parents[0].shape)
        self.steps = row_major(self.shape)
        self.indices = node.parents[first:]
        self.known = known[first:]
        self.rows = self.indices[0].size

    def each(self, f: Function, start: Value | int, stop: Value | int,
             body: Callable[[Value, dict[int, Value], Value | None], None],
             unroll: int = 1) -> None:
        """``body(row, steps, inside)`` for all rows between: for each indexed axis how far its
        index leads, in elements; and whether all indices are inside, or None where they are."""
        segment = self._segment()
        if not segment:
            self._rows(f, f.index(start), f.index(stop), body, unroll, {}, None)
            return

        def one(number: Value) -> None:
            base = f.mul(number, segment)
            fixed = {n: self._counted(f, base, k) for n, k in enumerate(self.known)
                     if isinstance(k, Counter) and k.inner > 1}
            fixed |= {n: f.binary("urem", base, k.size) for n, k in enumerate(self.known)
                      if isinstance(k, Repeated)}
            self._rows(f, f.maximum_index(start, base),
                       f.minimum_index(stop, f.add(base, segment)), body, unroll, fixed, base)

        f.loop(f.binary("udiv", f.index(start), segment),
               f.binary("udiv", f.add(f.index(stop), segment - 1), segment), one)

    def _segment(self) -> int:
        """Rows in which counters stay, or count with the rows; 0 where that does not pay."""
        counters = [k for k in self.known if isinstance(k, Counter)]
        inner = [k.inner for k in counters if k.inner > 1]
        inner += [k.size for k in counters if k.inner == 1 and k.size < self.rows]
        inner += [k.size for k in self.known if isinstance(k, Repeated) and 1 < k.size < self.rows]
        return min(inner) if inner and min(inner) >= _SHORT else 0

    def _rows(self, f: Function, start: Value, stop: Value,
              body: Callable[[Value, dict[int, Value], Value | None], None], unroll: int,
              fixed: Mapping[int, Value], base: Value | None) -> None:
        def one(row: Value) -> None:
            body(row, *self._steps(f, row, fixed, base))

        if unroll > 1:
            middle = f.sub(stop, f.binary("urem", f.sub(stop, start), unroll))
            f.loop(start, middle, lambda row: [one(f.add(row, i)) for i in range(unroll)] and None,
                   step=unroll)
            start = middle
        f.loop(start, stop, one)

    def _steps(self, f: Function, row: Value, fixed: Mapping[int, Value],
               base: Value | None) -> tuple[dict[int, Value], Value | None]:
        found: dict[int, Value] = {}
        inside: Value | None = None
        for number, axis in enumerate(self.axes):
            known = self.known[number]
            if isinstance(known, Repeated):
                size = known.size
                place = f.binary("urem", row, size) if base is None or size == 1 else f.add(
                    fixed[number], f.sub(row, base))
                index = self._index(f, number, place)
            elif number in fixed:
                index = fixed[number]
            elif isinstance(known, Counter) and base is not None and known.size < self.rows:
                index = f.sub(row, base)
            else:
                index = self._index(f, number, row)
            index, fits = self._inside(f, index, number)
            if fits is not None:
                inside = fits if inside is None else f.and_(inside, fits)
            found[axis] = f.mul(index, self.steps[axis])
        return found, inside

    def _index(self, f: Function, number: int, row: Value) -> Value:
        known, dtype = self.known[number], self.indices[number].dtype
        if isinstance(known, Number):
            return f.index(as_int64(known.value))
        if isinstance(known, Counter):
            return self._counted(f, row, known)
        element = scalars.memory_of(dtype)
        pointer = f.offset(f[f"x{self.first + number}"], row, element)
        return f.convert(f.load(pointer, element), "i64", signed=dtype.kind == "i")

    def _counted(self, f: Function, row: Value, counter: Counter) -> Value:
        count = f.binary("udiv", row, counter.inner)
        whole = counter.inner * counter.size >= self.rows
        return count if whole else f.binary("urem", count, counter.size)

    def _inside(self, f: Function, index: Value, number: int) -> tuple[Value, Value | None]:
        size = self.shape[self.axes[number]]
        known = self.known[number]
        if isinstance(known, Counter) and known.size <= size:
            return index, None
        if self.mode == "wrap":
            return _wrapped(f, index, max(size, 1)), None
        if self.mode == "fill":
            fits = f.compare("ult", index, size)
            return f.select(fits, index, 0), fits
        if self.mode == "raise":
            if not _never_negative(self.indices[number]):
                index = f.select(f.compare("slt", index, 0), f.add(index, size), index)
            return f.intrinsic("umin", "i64", index, f.index(size - 1)), None
        return f.maximum_index(f.minimum_index(index, size - 1), 0), None


def _never_negative(index: Node) -> bool:
    """Whether that has been checked, or cannot be otherwise."""
    while isinstance(index.op.lower, View) and index.parents:
        index = index.parents[0]
    return (index.op.name == "check_bounds" and index.params.low >= 0) or (
        index.dtype.kind == "u" and index.dtype.itemsize < 8)


def as_int64(value: Any) -> int:
    """An index as the reference takes it, in 64 bits."""
    number = int(value)
    return number - 2**64 if number >= 2**63 else number


def _wrapped(f: Function, index: Value, size: int) -> Value:
    """The index modulo the size, not negative."""
    if size & (size - 1) == 0:
        return f.and_(index, size - 1)
    rest = f.binary("srem", index, size)
    return f.select(f.compare("slt", rest, 0), f.add(rest, size), rest)


def clamped_start(f: Function, start: Value, dtype: DType, most: int) -> Value:
    """Where a box begins, moved to lie between 0 and ``most``."""
    if dtype.kind == "u":
        wide = f.convert(start, "i64", signed=False)
        return f.select(f.compare("ult", wide, most), wide, most)
    return f.minimum_index(f.maximum_index(f.convert(start, "i64"), 0), most)

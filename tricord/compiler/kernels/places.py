"""Computed indices: read or counted, brought inside their axis, made a place in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir.dtypes import DType
from ...ir.node import Node
from .. import scalars
from ..affine import row_major
from ..llvm import Function, Value
from ..operands import Counter, Known, Number

__all__ = ["Places", "clamped_start"]


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

    def steps_of(self, f: Function, row: Value) -> tuple[dict[int, Value], Value | None]:
        """For each indexed axis how far its index leads, in elements; and whether all indices
        are inside, or None where they are."""
        found: dict[int, Value] = {}
        inside: Value | None = None
        for number, axis in enumerate(self.axes):
            index, fits = self._inside(f, self._index(f, number, row), number)
            if fits is not None:
                inside = fits if inside is None else f.and_(inside, fits)
            found[axis] = f.mul(index, self.steps[axis])
        return found, inside

    def place(self, f: Function, row: Value) -> tuple[Value, Value | None]:
        """Where all indices together lead, and whether they are inside."""
        steps, inside = self.steps_of(f, row)
        total = f.index(0)
        for step in steps.values():
            total = f.add(total, step)
        return total, inside

    def _index(self, f: Function, number: int, row: Value) -> Value:
        known, dtype = self.known[number], self.indices[number].dtype
        if isinstance(known, Number):
            return f.index(as_int64(known.value))
        if isinstance(known, Counter):
            count = f.binary("udiv", row, known.inner)
            return count if known.inner * known.size >= self.rows else f.binary(
                "urem", count, known.size)
        element = scalars.memory_of(dtype)
        pointer = f.offset(f[f"x{self.first + number}"], row, element)
        return f.convert(f.load(pointer, element), "i64", signed=dtype.kind == "i")

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
            index = f.select(f.compare("slt", index, 0), f.add(index, size), index)
        return f.maximum_index(f.minimum_index(index, size - 1), 0), None


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

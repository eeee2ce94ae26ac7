"""Cholesky factors, column by column: dot products of rows of the factor."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.node import Node
from .. import scalars
from ..llvm import Function, Value, vector
from ..target import Target
from .generated import Generated
from .sort import aligned

__all__ = ["Cholesky"]

#: Rows whose products are computed side by side.
_ROWS = 8


class Cholesky(Generated):
    """Tasks are matrices.

    A factor is made in scratch memory, in rows of whole vectors that are zero where nothing has
    been computed yet. Status: 1 where a matrix is not positive definite, and its number.
    """

    reports = True

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        self.size = node.shape[-1]
        self.tasks = max(node.shape[:-2].numel(), 1)
        self.element = scalars.memory_of(node.dtype)
        self.lanes = target.lanes(node.dtype.itemsize)
        self.stride = -(-self.size // self.lanes) * self.lanes
        self.type = vector(self.lanes, self.element)
        self.scratch = aligned(self.size * self.stride * node.dtype.itemsize)
        self.flops = self.tasks * self.size**3 // 3

    def task(self, f: Function, task: Value) -> None:
        zero = f.constant(0, self.type)
        f.loop(0, self.size * self.stride,
               lambda i: f.store(zero, f.offset(f["scratch"], i, self.element)), step=self.lanes)
        start = f.mul(task, self.size * self.size)
        definite, = f.loop(0, self.size, lambda j, good: [self._column(f, start, j, good)],
                           carried=[f.constant(True, "i1")])
        f.if_(f.not_(definite), lambda: self._refuse(f, task))
        f.loop(0, self.size, lambda i: self._copy(f, start, i))

    def _refuse(self, f: Function, matrix: Value) -> None:
        f.store(f.constant(1, "i64"), f["status"])
        f.store(matrix, f.offset(f["status"], 1, "i64"))

    def _copy(self, f: Function, start: Value, row: Value) -> None:
        source, to = f.mul(row, self.stride), f.add(start, f.mul(row, self.size))
        for j in range(0, self.size, self.lanes):
            mask = (None if j + self.lanes <= self.size
                    else f.first_lanes(self.size - j, self.lanes))
            value = f.load(f.offset(f["scratch"], f.add(source, j), self.element), self.type)
            f.store(value, f.offset(f["y0"], f.add(to, j), self.element), mask=mask)

    def _column(self, f: Function, start: Value, column: Value, good: Value) -> Value:
        """Column ``column`` of the factor, from those before. Returns whether all is well."""
        left, = self._left(f, start, [column], column)
        good = f.and_(good, f.compare("ogt", left, 0.0))
        pivot = f.intrinsic("sqrt", self.element, left)
        self._put(f, pivot, column, column)

        def rows(i: Value, count: int) -> None:
            numbers = [f.add(i, k) for k in range(count)]
            for row, value in zip(numbers, self._left(f, start, numbers, column), strict=True):
                self._put(f, f.div(value, pivot), row, column)

        below = f.add(column, 1)
        rest = f.binary("urem", f.sub(self.size, below), _ROWS)
        middle = f.sub(self.size, rest)
        f.loop(below, middle, lambda i: rows(i, _ROWS), step=_ROWS)
        f.loop(middle, self.size, lambda i: rows(i, 1))
        return good

    def _put(self, f: Function, value: Value, row: Value, column: Value) -> None:
        at = f.add(f.mul(row, self.stride), column)
        f.store(value, f.offset(f["scratch"], at, self.element))

    def _left(self, f: Function, start: Value, rows: Sequence[Value], column: Value) -> list[Value]:
        """What the columns before leave of some elements of one."""
        def part(row: Value, k: Value) -> Value:
            at = f.add(f.mul(row, self.stride), k)
            return f.load(f.offset(f["scratch"], at, self.element), self.type)

        def products(k: Value, *totals: Value) -> list[Value]:
            theirs = part(column, k)
            return [f.fma(part(row, k), theirs, t) for row, t in zip(rows, totals, strict=True)]

        totals = f.loop(0, column, products, step=self.lanes,
                        carried=[f.constant(0, self.type)] * len(rows))
        return [f.sub(self._given(f, start, row, column), f.fold_lanes(t, f.add))
                for row, t in zip(rows, totals, strict=True)]

    def _given(self, f: Function, start: Value, row: Value, column: Value) -> Value:
        """The mean of an element and the one across the diagonal, halved first."""
        both = []
        for i, j in ((row, column), (column, row)):
            at = f.add(start, f.add(f.mul(i, self.size), j))
            both.append(f.mul(f.load(f.offset(f["x0"], at, self.element), self.element), 0.5))
        return f.add(*both)

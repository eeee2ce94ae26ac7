"""Triangular systems, by substitution: blocks of rows against vectors of right-hand sides."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.node import Node
from .. import scalars
from ..llvm import Function, Value, vector
from ..target import Target
from .generated import Generated

__all__ = ["TriangularSolve"]

#: Rows solved together, and vectors of right-hand sides: what registers hold.
_ROWS = 4
_VECTORS = 2


class TriangularSolve(Generated):
    """Tasks are blocks of the right-hand sides of one matrix.

    Rows are numbered in the order in which they are solved: from the last one where the matrix
    that counts is upper triangular.
    """

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        self.rows, self.columns = node.shape[-2:]
        self.element = scalars.memory_of(node.dtype)
        self.lanes = 1
        while self.lanes < min(target.lanes(node.dtype.itemsize), self.columns):
            self.lanes *= 2
        self.width = _VECTORS * self.lanes
        self.blocks = -(-self.columns // self.width)
        self.tasks = max(node.shape[:-2].numel() * self.blocks, 1)
        self.flops = node.size * self.rows
        self.backward = node.params.lower == node.params.transposed

    def task(self, f: Function, task: Value) -> None:
        matrix, block = f.binary("udiv", task, self.blocks), f.binary("urem", task, self.blocks)
        first = f.mul(block, self.width)
        a = f.offset(f["x0"], f.mul(matrix, self.rows * self.rows), self.element)
        start = f.add(f.mul(matrix, self.rows * self.columns), first)
        rest = self.columns % self.width
        if not rest:
            self._block(f, a, start, self.width)
            return
        f.if_(f.compare("slt", block, self.blocks - 1),
              lambda: self._block(f, a, start, self.width),
              lambda: self._block(f, a, start, rest))

    def _block(self, f: Function, a: Value, start: Value, width: int) -> None:
        masks = [None if j + self.lanes <= width else f.first_lanes(width - j, self.lanes)
                 for j in range(0, width, self.lanes)]
        whole = self.rows // _ROWS * _ROWS
        f.loop(0, whole, lambda i: self._solve(f, a, start, masks, i, _ROWS), step=_ROWS)
        if whole < self.rows:
            self._solve(f, a, start, masks, f.index(whole), self.rows - whole)

    def _solve(self, f: Function, a: Value, start: Value, masks: Sequence[Value | None],
               first: Value, count: int) -> None:
        """Rows ``first ... first + count - 1``, those before them being solved."""
        rows = [f.add(first, i) for i in range(count)]
        left = [self._load(f, f["x1"], start, row, masks) for row in rows]

        def solved(j: Value, *left: Value) -> list[Value]:
            x = self._load(f, f["y0"], start, j, masks)
            return [value for i, row in enumerate(rows) for value in self._less(
                f, left[i * len(x):(i + 1) * len(x)], self._coefficient(f, a, row, j), x)]

        flat = f.loop(0, first, solved, carried=[value for row in left for value in row])
        left = [list(flat[i * len(masks):(i + 1) * len(masks)]) for i in range(count)]
        for i, row in enumerate(rows):
            if not self.node.params.unit_diagonal:
                pivot = self._coefficient(f, a, row, row)
                left[i] = [f.div(value, pivot) for value in left[i]]
            for k in range(i + 1, count):
                left[k] = self._less(f, left[k], self._coefficient(f, a, rows[k], row), left[i])
        for row, values in zip(rows, left, strict=True):
            for j, (value, mask) in enumerate(zip(values, masks, strict=True)):
                at = f.add(self._at(f, start, row), j * self.lanes)
                f.store(value, f.offset(f["y0"], at, self.element), mask=mask)

    def _less(self, f: Function, left: Sequence[Value], factor: Value,
              x: Sequence[Value]) -> list[Value]:
        minus = f.neg(factor)
        return [f.fma(minus, v, value) for v, value in zip(x, left, strict=True)]

    def _row(self, f: Function, number: Value) -> Value:
        return f.sub(self.rows - 1, number) if self.backward else number

    def _at(self, f: Function, start: Value, number: Value) -> Value:
        return f.add(start, f.mul(self._row(f, number), self.columns))

    def _load(self, f: Function, pointer: Value, start: Value, number: Value,
              masks: Sequence[Value | None]) -> list[Value]:
        at = self._at(f, start, number)
        return [f.load(f.offset(pointer, f.add(at, j * self.lanes), self.element),
                       vector(self.lanes, self.element), mask=mask)
                for j, mask in enumerate(masks)]

    def _coefficient(self, f: Function, a: Value, row: Value, column: Value) -> Value:
        i, j = self._row(f, row), self._row(f, column)
        if self.node.params.transposed:
            i, j = j, i
        return f.load(f.offset(a, f.add(f.mul(i, self.rows), j), self.element), self.element)

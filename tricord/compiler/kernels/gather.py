"""Elements at computed places, one row of the result per index: look-up, take, take_along_axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...ir.node import Node
from ..affine import row_major
from ..llvm import Function, Value
from ..operands import in_memory
from ..target import Target
from .moves import Axis, Mover, along, copy_box, merged, moved
from .places import Places

__all__ = ["Gather"]

#: Bytes that are worth a task, and how many parts a row of many is cut into at most.
_TASK_BYTES = 32 << 10
_MOST_PIECES = 16
_UNROLL = 4


class Gather(Mover):
    """Tasks are blocks of rows of the result, or pieces of rows where rows are few and long."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        self.places = Places(node, 1, self.known)
        self.rows = self.places.rows
        self.element = moved(node.dtype)
        rest = [a for a in range(node.parents[0].ndim) if a not in node.params.axes]
        sizes = [self.places.shape[a] for a in rest]
        self.width = math.prod(sizes)
        self.axes = merged([Axis(s, (self.places.steps[a], to)) for a, s, to in zip(
            rest, sizes, row_major(sizes), strict=True)])
        row_bytes = max(self.width * self.itemsize, 1)
        self.pieces = self._cut(row_bytes)
        self.block = max(1, _TASK_BYTES * self.pieces // row_bytes)
        self.tasks = max(1, -(-self.rows // self.block)) * self.pieces

    def _cut(self, row_bytes: int) -> int:
        """Cut the outermost axis of a row: into how many pieces."""
        if self.rows >= _MOST_PIECES or row_bytes < 2 * _TASK_BYTES:
            return 1
        axis = self.axes[0]
        wanted = min(_MOST_PIECES, row_bytes // _TASK_BYTES)
        pieces = next(p for p in range(wanted, 0, -1) if axis.size % p == 0)
        part = axis.size // pieces
        self.piece_steps = tuple(part * s for s in axis.steps)
        self.axes[0] = Axis(part, axis.steps)
        return pieces

    @property
    def bytes(self) -> int:
        return 2 * self.node.type.nbytes + sum(p.type.nbytes for p in in_memory(self.node)[1:])

    def task(self, f: Function, task: Value) -> None:
        block = f.binary("udiv", task, self.pieces)
        read, write = f.index(0), f.index(0)
        if self.pieces > 1:
            piece = f.binary("urem", task, self.pieces)
            read, write = (f.mul(piece, s) for s in self.piece_steps)
        start = f.mul(block, self.block)
        stop = f.minimum_index(f.add(start, self.block), self.rows)
        self.places.each(f, start, stop, lambda row, steps, inside: self._row(
            f, row, steps, inside, read, write), _UNROLL if self.width == 1 else 1)

    def _row(self, f: Function, row: Value, steps: Mapping[int, Value], inside: Value | None,
             read: Value, write: Value) -> None:
        for step in steps.values():
            read = f.add(read, step)
        write = f.add(write, f.mul(row, self.width))
        if not self.places_exist:
            self._zero(f, write)
        elif inside is None:
            self._copy(f, read, write)
        elif self.width == 1:
            value = f.load(f.offset(f["x0"], read, self.element), self.element)
            f.store(f.select(inside, value, 0), f.offset(f["y0"], write, self.element))
        else:
            f.if_(inside, lambda: self._copy(f, read, write), lambda: self._zero(f, write))

    @property
    def places_exist(self) -> bool:
        return 0 not in self.places.shape

    def _copy(self, f: Function, read: Value, write: Value) -> None:
        copy_box(f, self.axes, (f["x0"], read), (f["y0"], write), self.element, self.lanes)

    def _zero(self, f: Function, write: Value) -> None:
        """What this task writes of the row lies together only if rows are not cut, or at their
        outermost axis; so it always does."""
        to = f.offset(f["y0"], write, self.element)
        along(f, _product(self.axes), self.lanes, lambda at, count: f.store(
            f.splat(f.constant(0, self.element), count), f.offset(to, at, self.element)))


def _product(axes: Sequence[Axis]) -> int:
    return math.prod(a.size for a in axes)

"""Kernels whose result is an operand with some elements changed: what they share.

The result is cut into parts, and a task makes one part: it copies (or fills) it, then works on what
changes there. So each element is written by one task alone, in an order that does not depend on the
threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ...ir.dtypes import DType, float32
from ...ir.node import Node
from .. import scalars
from ..affine import row_major
from ..llvm import Function, Value, vector
from ..operands import Number
from ..scalars.casts import narrow, widen
from ..target import Target
from .moves import Mover, moved, span

__all__ = ["Overwriting"]


class Overwriting(Mover):
    """Operand 0 is copied unless it is known, or lies where the result does. With ``wide`` a part
    is held in working memory as float32, and rounded at the end."""

    def __init__(self, node: Node, target: Target, wide: bool = False):
        super().__init__(node, target)
        self.shape = tuple(node.shape)
        self.steps = row_major(self.shape)
        self.wide = wide
        self.working: DType = float32 if wide else node.dtype
        self.element = "float" if wide else moved(node.dtype)
        self.working_lanes = target.lanes(self.working.itemsize)
        self.in_place = (0,) if self.known[0] is None else ()

    def cut(self, axes: Sequence[int], tasks: int) -> None:
        """Cut along axes that come first, up to axes of one, into about so many ranges."""
        self.cut_axes = tuple(axes)
        self.count = math.prod(self.shape[a] for a in axes)
        self.step = self.steps[axes[-1]] if axes else math.prod(self.shape)
        self.block = max(1, -(-self.count // max(tasks, 1)))
        self.tasks = max(1, -(-self.count // self.block))
        if self.wide:
            self.scratch = 4 * self.block * self.step

    def task(self, f: Function, task: Value) -> None:
        low = f.mul(task, self.block)
        high = f.minimum_index(f.add(low, self.block), self.count)
        start, stop = f.mul(low, self.step), f.mul(high, self.step)
        # Such that element i of the result is element i from here.
        self.work = f["y0"] if not self.wide else f.offset(
            f["scratch"], f.sub(0, start), self.element)
        self.unless_there(f, lambda: span(f, start, stop, self.working_lanes, lambda at, count: (
            f.store(self.begun(f, at, count), f.offset(self.work, at, self.element)))))
        self.change(f, low, high, start, stop)
        if self.wide:
            span(f, start, stop, self.working_lanes, lambda at, count: self.end(
                f, f.offset(self.work, at, "float"), at, count))

    def change(self, f: Function, low: Value, high: Value, start: Value, stop: Value) -> None:
        """Change the part from ``low`` to ``high`` of what is cut: elements ``start`` to ``stop``
        of the result, which lies in ``self.work``."""
        raise NotImplementedError

    def unless_there(self, f: Function, begin: Callable[[], None]) -> None:
        """Copy operand 0, unless it lies where the result does."""
        if self.known[0] is None and not self.wide:
            f.if_(f.pure(f"icmp ne {f['x0']}, {f['y0'].text}", "i1"), begin)
        else:
            begin()

    def begun(self, f: Function, at: Value, count: int) -> Value:
        """Elements of operand 0 as they are worked on."""
        known = self.known[0]
        if isinstance(known, Number):
            return self.number(f, known, count)
        element = scalars.memory_of(self.node.dtype) if self.wide else self.element
        value = f.load(f.offset(f["x0"], at, element), vector(count, element))
        return widen(f, value) if self.wide else value

    def end(self, f: Function, pointer: Value, at: Value, count: int) -> None:
        """Sums rounded: elements of the result from ``at`` on."""
        element = scalars.memory_of(self.node.dtype)
        value = f.load(pointer, vector(count, "float"))
        f.store(narrow(f, value, element), f.offset(f["y0"], at, element))

    def number(self, f: Function, known: Number, lanes: int) -> Value:
        """A known number as it is worked on."""
        if self.wide:
            value = f.constant(float(known.value), "float")
        else:
            bits = int(np.asarray(known.value).view(f"i{self.itemsize}"))
            value = f.constant(bits, self.element)
        return f.splat(value, lanes)

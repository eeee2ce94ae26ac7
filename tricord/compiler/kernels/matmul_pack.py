"""Operands of a matrix product copied into panels that its tiles walk through in order.

Left: for each panel of rows, step by step along the inner axis, one element of each row. Right: for
each panel of columns, step by step, one row of the panel; columns that are not there are zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..llvm import Function, Module, Value, vector
from .matmul_base import panel_start

if TYPE_CHECKING:
    from .matmul_columns import ColumnsMatmul

__all__ = ["Packing"]


class Packing:
    """The kernel that packs. Its pointers are left, right and the packed memory; its tasks are
    panels, those of the left operand first."""

    scratch = 0
    flops = 0

    def __init__(self, product: ColumnsMatmul):
        self.product = product
        s = product.shape
        size = product.itemsize
        rows = s.m * s.k * size if product.packs_left else 0
        #: room behind, for vectors that are written whole
        self.left_bytes = -(-(rows + 64) // 64) * 64
        columns = product.column_panels * product.width * s.k * size if product.packs_right else 0
        self.matrix_bytes = self.left_bytes + -(-(columns + 64) // 64) * 64
        self.packed_bytes = self.matrix_bytes * s.batch

    @property
    def name(self) -> str:
        return f"{self.product.name}_pack"

    @property
    def left_tasks(self) -> int:
        return self.product.rows[0] if self.product.packs_left else 0

    @property
    def right_tasks(self) -> int:
        return self.product.column_panels if self.product.packs_right else 0

    @property
    def tasks(self) -> int:
        return self.product.shape.batch * (self.left_tasks + self.right_tasks)

    def emit(self, module: Module) -> None:
        if self.name in module:
            return
        s = self.product.shape
        f = module.function(self.name, [
            ("ptr", "left"), ("ptr", "right"), ("ptr", "packed"), ("ptr", "scratch"),
            ("i64", "first"), ("i64", "last")], attributes="nounwind noinline")
        each = self.left_tasks + self.right_tasks

        def task(number: Value) -> None:
            matrix, panel = f.binary("udiv", number, each), f.binary("urem", number, each)
            base = f.offset(f["packed"], f.mul(matrix, self.matrix_bytes), "i8")
            left = f.offset(f["left"], f.mul(matrix, s.batch_strides[0]), s.element)
            right = f.offset(f["right"], f.mul(matrix, s.batch_strides[1]), s.element)
            is_left = f.compare("slt", panel, self.left_tasks)
            f.if_(is_left, lambda: self._left(f, left, base, panel),
                  lambda: self._right(f, right, f.offset(base, self.left_bytes, "i8"),
                                      f.sub(panel, self.left_tasks)))

        f.loop(f["first"], f["last"], task)
        f.ret()

    def _left(self, f: Function, source: Value, base: Value, panel: Value) -> None:
        product, s = self.product, self.product.shape
        if not product.packs_left:
            return
        count, rows, full = product.rows
        row = panel_start(f, panel, rows, full, count)
        start = f.offset(source, f.mul(row, s.left.row_stride), s.element)
        to = f.offset(base, f.mul(row, s.k), s.element)

        def copy(height: int) -> None:
            self._strip(f, start, to, height, s.left.row_stride, s.left.column_stride, height)

        if full == count:
            copy(rows)
        else:
            f.if_(f.compare("slt", panel, full), lambda: copy(rows), lambda: copy(rows - 1))

    def _right(self, f: Function, source: Value, base: Value, panel: Value) -> None:
        product, s = self.product, self.product.shape
        if not product.packs_right:
            return
        column = f.mul(panel, product.width)
        start = f.offset(source, f.mul(column, s.right.column_stride), s.element)
        to = f.offset(base, f.mul(panel, s.k * product.width), s.element)

        def copy(width: int) -> None:
            self._strip(f, start, to, width, s.right.column_stride, s.right.row_stride,
                        product.width)

        rest = s.n % product.width
        whole = s.n // product.width
        if not rest:
            copy(product.width)
        elif not whole:
            copy(rest)
        else:
            f.if_(f.compare("slt", panel, whole), lambda: copy(product.width),
                  lambda: copy(rest))

    def _strip(self, f: Function, source: Value, to: Value, width: int, across: int, along: int,
               stride: int) -> None:
        """``to[p * stride + i] = source[i * across + p * along]`` for i < width, p < k; zero for
        width <= i < stride."""
        lanes = self.product.lanes
        if across == 1:
            self._rows(f, source, to, width, along, stride)
        elif along == 1 and lanes >= 4:
            self._transposed(f, source, to, width, across, stride)
        else:
            self._scalars(f, source, to, width, across, along, stride, 0)

    def _rows(self, f: Function, source: Value, to: Value, width: int, along: int,
              stride: int) -> None:
        """Where neighbours stay neighbours: whole vectors."""
        s, lanes = self.product.shape, self.product.lanes
        type = vector(lanes, s.element)

        def row(p: Value) -> None:
            read = f.offset(source, f.mul(p, along), s.element)
            write = f.offset(to, f.mul(p, stride), s.element)
            for j in range(0, stride, lanes):
                here = min(max(width - j, 0), lanes)
                mask = None if here == lanes else f.first_lanes(here, lanes)
                value = f.constant(0, type) if not here else f.load(
                    f.offset(read, j, s.element), type, mask=mask)
                room = min(stride - j, lanes)
                f.store(value, f.offset(write, j, s.element),
                        mask=None if room == lanes else f.first_lanes(room, lanes))

        f.loop(0, s.k, row)

    def _transposed(self, f: Function, source: Value, to: Value, width: int, across: int,
                    stride: int) -> None:
        """Squares of vectors turned in registers."""
        s, lanes = self.product.shape, self.product.lanes
        type = vector(lanes, s.element)
        whole = s.k // lanes * lanes

        def square(p: Value) -> None:
            for j in range(0, stride, lanes):
                here = min(max(width - j, 0), lanes)
                lines = [f.load(f.offset(source, f.add(p, (j + i) * across), s.element), type)
                         if i < here else f.constant(0, type) for i in range(lanes)]
                room = min(stride - j, lanes)
                mask = None if room == lanes else f.first_lanes(room, lanes)
                for i, line in enumerate(turned(f, lines)):
                    place = f.add(f.mul(f.add(p, i), stride), j)
                    f.store(line, f.offset(to, place, s.element), mask=mask)

        f.loop(0, whole, square, step=lanes)
        self._scalars(f, source, to, width, across, 1, stride, whole)

    def _scalars(self, f: Function, source: Value, to: Value, width: int, across: int, along: int,
                 stride: int, first: int) -> None:
        s = self.product.shape

        def row(p: Value) -> None:
            read = f.offset(source, f.mul(p, along), s.element)
            write = f.offset(to, f.mul(p, stride), s.element)
            for i in range(stride):
                value = (f.load(f.offset(read, i * across, s.element), s.element) if i < width
                         else f.constant(0, s.element))
                f.store(value, f.offset(write, i, s.element))

        f.loop(first, s.k, row)


def turned(f: Function, lines: list[Value]) -> list[Value]:
    """A square of vectors transposed, in log2(lanes) rounds of shuffles."""
    lanes = len(lines)
    step = lanes // 2
    while step:
        low = [k if not k & step else lanes + k - step for k in range(lanes)]
        high = [k + step if not k & step else lanes + k for k in range(lanes)]
        new = list(lines)
        for i in range(lanes):
            if not i & step:
                a, b = lines[i], lines[i | step]
                new[i], new[i | step] = f.shuffle(a, b, low), f.shuffle(a, b, high)
        lines = new
        step //= 2
    return lines

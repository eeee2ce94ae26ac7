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


#: How far ahead memory is asked for: rows where they are copied, vectors where they are turned.
#: What is packed lies apart, so that the processor does not foresee it.
_ROWS_AHEAD, _VECTORS_AHEAD = 8, 2


class Packing:
    """The kernel that packs. Its pointers are the operands that it packs and the packed memory; its
    tasks are panels, those of the left operand first."""

    scratch = 0
    flops = 0

    def __init__(self, product: ColumnsMatmul):
        self.product = product
        s = product.shape
        size = product.itemsize
        rows = s.m * s.k * size if product.packs_left else 0
        #: room behind, for vectors that are written whole
        self.left_bytes = -(-(rows + 64) // 64) * 64
        columns = self.right_tasks * product.width * s.k * size
        self.matrix_bytes = self.left_bytes + -(-(columns + 64) // 64) * 64
        self.packed_bytes = self.matrix_bytes * s.batch

    @property
    def name(self) -> str:
        return f"{self.product.name}_pack"

    @property
    def packs(self) -> tuple[bool, bool]:
        """Whether left and right are packed."""
        return bool(self.left_tasks), bool(self.right_tasks)

    @property
    def left_tasks(self) -> int:
        return self.product.rows[0] if self.product.packs_left else 0

    @property
    def right_tasks(self) -> int:
        return self.product.column_panels if self.product.packs_right == "before" else 0

    @property
    def tasks(self) -> int:
        return self.product.shape.batch * (self.left_tasks + self.right_tasks)

    def emit(self, module: Module) -> None:
        if self.name in module:
            return
        names = [n for n, packs in zip(("left", "right"), self.packs, strict=True) if packs]
        f = module.function(self.name, [
            *(("ptr", n) for n in names), ("ptr", "packed"), ("ptr", "scratch"),
            ("i64", "first"), ("i64", "last")], attributes="nounwind noinline")
        each = self.left_tasks + self.right_tasks

        def task(number: Value) -> None:
            matrix, panel = f.binary("udiv", number, each), f.binary("urem", number, each)
            base = f.offset(f["packed"], f.mul(matrix, self.matrix_bytes), "i8")
            is_left = f.compare("slt", panel, self.left_tasks)
            f.if_(is_left, lambda: self._left(f, matrix, base, panel),
                  lambda: self._right(f, matrix, f.offset(base, self.left_bytes, "i8"),
                                      f.sub(panel, self.left_tasks)))

        f.loop(f["first"], f["last"], task)
        f.ret()

    def _left(self, f: Function, matrix: Value, base: Value, panel: Value) -> None:
        product, s = self.product, self.product.shape
        if not self.left_tasks:
            return
        source = f.offset(f["left"], f.mul(matrix, s.batch_strides[0]), s.element)
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

    def _right(self, f: Function, matrix: Value, base: Value, panel: Value) -> None:
        product, s = self.product, self.product.shape
        if not self.right_tasks:
            return
        source = f.offset(f["right"], f.mul(matrix, s.batch_strides[1]), s.element)
        to = f.offset(base, f.mul(panel, s.k * product.width), s.element)

        def copy(width: int) -> None:
            self.columns(f, source, to, panel, width)

        rest = s.n % product.width
        whole = s.n // product.width
        if not rest:
            copy(product.width)
        elif not whole:
            copy(rest)
        else:
            f.if_(f.compare("slt", panel, whole), lambda: copy(product.width),
                  lambda: copy(rest))

    def columns(self, f: Function, source: Value, to: Value, panel: Value, width: int) -> None:
        """A panel of the right operand that begins at ``source``."""
        product, right = self.product, self.product.shape.right
        column = f.mul(panel, product.width)
        start = f.offset(source, f.mul(column, right.column_stride), right.element)
        self._strip(f, start, to, width, right.column_stride, right.row_stride, product.width)

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
                f.prefetch(f.offset(read, _ROWS_AHEAD * along + j, s.element))
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
                for i in range(min(lanes, width - j)):
                    ahead = f.add(p, (j + i) * across + _VECTORS_AHEAD * lanes)
                    f.prefetch(f.offset(source, ahead, s.element))
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

"""Matrix products as inner products: both operands dense along the summed axis, nothing packed.

A tile is some rows times four columns, one vector of partial sums each. At the end the lanes of
four neighbouring sums are added across into one vector of four results.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..llvm import Function, Module, Value, vector
from .matmul_base import Matmul, even_panels, panel_start

__all__ = ["InnerMatmul"]

_COLUMNS = 4


class InnerMatmul(Matmul):
    """Tasks are blocks of columns, and of rows where there are few columns."""

    @property
    def rows(self) -> tuple[int, int, int]:
        """Panels, rows of a panel, panels that have that many."""
        most = 6 if self.target.vector_registers >= 32 else 3
        return even_panels(self.shape.m, most)

    @property
    def column_panels(self) -> int:
        return -(-self.shape.n // _COLUMNS)

    @property
    def blocks(self) -> tuple[int, int]:
        """Panels of columns in a block, and blocks per matrix."""
        size = max(1, -(-self.column_panels // 16))
        return size, -(-self.column_panels // size)

    @property
    def tasks(self) -> int:
        if self.blocks[1] == 0 or not self.shape.m:
            return 1
        return max(self.shape.batch * self.blocks[1], 1)

    def emit(self, module: Module) -> None:
        if self.name in module:
            return
        s = self.shape
        count, rows, full = self.rows
        rest = s.n % _COLUMNS
        for height in {rows, rows - 1} if full < count else {rows}:
            for width in {_COLUMNS if s.n >= _COLUMNS else 0, rest}:
                if width and height:
                    self._tile(module, height, width)
        f = module.function(self.name, self.arguments(packed=False), attributes="nounwind noinline")
        if s.m and s.n and s.batch:
            f.loop(f["first"], f["last"], lambda t: self._task(f, t))
        f.ret()

    def _task(self, f: Function, task: Value) -> None:
        s = self.shape
        size, blocks = self.blocks
        matrix = f.binary("udiv", task, blocks)
        block = f.binary("urem", task, blocks)
        operands = self.batched(f, matrix)
        start = f.mul(block, size)
        whole = s.n // _COLUMNS
        stop = f.minimum_index(f.add(start, size), whole)
        if whole:
            f.loop(start, stop, lambda j: self._column(f, operands, j, _COLUMNS))
        rest = s.n % _COLUMNS
        if rest:
            last = f.compare("eq", block, blocks - 1)
            f.if_(last, lambda: self._column(f, operands, f.index(whole), rest))

    def _column(self, f: Function, operands: dict[str, Value], panel: Value, width: int) -> None:
        """All rows of a panel of columns: its part of the right operand stays in the cache."""
        s = self.shape
        count, rows, full = self.rows
        column = f.mul(panel, _COLUMNS)
        right = f.offset(operands["right"], f.mul(column, s.right.column_stride), s.element)

        def run(height: int, first: int, last: int) -> None:
            def one(i: Value) -> None:
                row = panel_start(f, i, rows, full, count)
                left = f.offset(operands["left"], f.mul(row, s.left.row_stride), s.element)
                f.call(self._tile_name(height, width), "void", left, right, operands["out"],
                       *self.epilogue_pointers(f), row, column)

            f.loop(first, last, one)

        run(rows, 0, full)
        if full < count:
            run(rows - 1, full, count)

    def _tile_name(self, height: int, width: int) -> str:
        return f"{self.name}_{height}x{width}"

    def _tile(self, module: Module, height: int, width: int) -> None:
        s, lanes = self.shape, self.lanes
        pointers = self.arguments(packed=False)[:-3]
        f = module.function(self._tile_name(height, width),
                            [*pointers, ("i64", "row"), ("i64", "column")],
                            attributes="nounwind noinline")
        type = vector(lanes, s.element)

        def products(p: Value, sums: Sequence[Value], mask: Value | None) -> list[Value]:
            columns = [f.load(f.offset(f["right"], f.add(p, j * s.right.column_stride), s.element),
                              type, mask=mask) for j in range(width)]
            result = []
            for i in range(height):
                a = f.load(f.offset(f["left"], f.add(p, i * s.left.row_stride), s.element), type,
                           mask=mask)
                result += [self.multiply_add(f, a, b, t) for b, t in zip(
                    columns, sums[i * width:(i + 1) * width], strict=True)]
            return result

        zero = f.constant(0, type)
        whole = s.k // lanes * lanes
        sums = f.loop(0, whole, lambda p, *t: products(p, t, None), step=lanes,
                      carried=[zero] * (height * width))
        if whole < s.k:
            sums = products(f.index(whole), sums, f.first_lanes(s.k - whole, lanes))
        mask = None if width == _COLUMNS else f.first_lanes(width, _COLUMNS)
        for i in range(height):
            row = [*sums[i * width:(i + 1) * width], *[zero] * (_COLUMNS - width)]
            value = self._across(f, row)
            self.finish(f, value, f.add(f["row"], i), f["column"], _COLUMNS, mask)
        f.ret()

    def _across(self, f: Function, sums: Sequence[Value]) -> Value:
        """One vector with the total of each of four vectors."""
        lanes = self.lanes
        if lanes < _COLUMNS:  # two lanes of double
            totals = [f.fold_lanes(v, f.add) for v in sums]
            value = Value("poison", vector(_COLUMNS, self.shape.element))
            for i, total in enumerate(totals):
                value = f.insert(value, total, i)
            return value
        vectors = list(sums)
        group = lanes  # neighbouring lanes that belong to one sum
        while len(vectors) > 1:
            half = group // 2
            vectors = [self._interleaved(f, a, b, half)
                       for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
            group = half
        value = vectors[0]
        # The order of the groups: sum 0, 1, 2, 3 stand one after another.
        while group > 1:
            half = group // 2
            low = [g * group + i for g in range(_COLUMNS) for i in range(half)]
            high = [x + half for x in low]
            value = f.add(f.shuffle(value, None, low), f.shuffle(value, None, high))
            group = half
        return value

    def _interleaved(self, f: Function, a: Value, b: Value, half: int) -> Value:
        """Groups folded to half their size; those of ``a`` before those of ``b``."""
        lanes = self.lanes
        starts = range(0, lanes, 2 * half)
        low = [s + i for s in starts for i in range(half)]
        high = [s + half + i for s in starts for i in range(half)]
        left = f.shuffle(a, b, [*low, *(x + lanes for x in low)])
        right = f.shuffle(a, b, [*high, *(x + lanes for x in high)])
        return f.add(left, right)

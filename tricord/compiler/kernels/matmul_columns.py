"""Matrix products by columns: tiles of rows times vectors of columns, held in registers.

At each step along the inner axis a tile loads a few vectors of the right operand, and multiplies
them with one broadcast element of each of its rows. An operand is packed into panels when its
strides would make every step touch another page, or when it is read many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..llvm import Function, Module, Value, vector
from .matmul_base import Epilogue, Matmul, MatmulShape, even_panels, panel_start
from .matmul_pack import Packing

__all__ = ["ColumnsMatmul"]

#: Bytes between two rows from which on they share few sets of the first cache.
_FAR = 2048
#: Bytes between rows that all fall into one set of the first cache, of 8 lines or 12.
_WAY = 4096


class ColumnsMatmul(Matmul):
    """Tasks are blocks of columns, and where there are few, of rows."""

    def __init__(self, shape: MatmulShape, target: object, epilogue: Epilogue | None):
        super().__init__(shape, target, epilogue)  # type: ignore[arg-type]
        s, lanes = shape, self.lanes
        self.vectors, most = self._tile_size()
        self.width = self.vectors * lanes
        self.rows = even_panels(s.m, most)
        count = self.rows[0]
        far = s.right.row_stride * self.itemsize >= _FAR
        packs_right = s.right.column_stride != 1 or (
            s.k > 1 and count > 4 and s.n > self.width and (far or count > 16))
        step = s.left.column_stride * self.itemsize
        rows_apart = s.left.row_stride * self.itemsize
        self.packs_left = (s.n > 2 * self.width and s.k >= 64 and (
            (s.left.column_stride == 1 and rows_apart > 0 and rows_apart % _WAY == 0)
            or (s.left.column_stride != 1 and step >= _FAR))) or (
                s.left.column_stride != 1 and s.left.row_stride != 1 and s.n > self.width)
        if s.k == 0 or not s.m or not s.n:
            self.packs_left = packs_right = False
        #: "before" all tasks; "here" where only one task uses each panel; or ""
        self.packs_right = ""
        panel = s.k * self.width * self.itemsize
        if packs_right:
            # A task packs for itself what stays in its second cache.
            alone = self.blocks[3] == 1 and panel <= self.target.l2_bytes // 2
            self.packs_right = "here" if alone and count > 1 else "before"
        if self.packs_right == "here":
            self.scratch = panel
        self.packing = Packing(self)
        self.packs_before = self.packs_left or self.packs_right == "before"
        if self.packs_before:
            self.prepare = self.packing  # type: ignore[assignment]
            self.packed_bytes = self.packing.packed_bytes

    def _tile_size(self) -> tuple[int, int]:
        """Vectors of columns, and rows, of the register tile for this many columns."""
        tiles = self.target.tiles
        needed = -(-self.shape.n // self.lanes)
        best = tiles[0]
        for tile in tiles:
            if (needed == 1 and tile.vectors == 1) or (needed == 3 and tile.vectors == 3):
                best = tile
        return best.vectors, best.rows

    @property
    def column_panels(self) -> int:
        return -(-self.shape.n // self.width)

    @property
    def blocks(self) -> tuple[int, int, int, int]:
        """Column panels in a block, blocks of columns; row panels in a block, blocks of rows."""
        columns = max(1, -(-self.column_panels // 16))
        across = -(-self.column_panels // columns)
        count = self.rows[0]
        rows = count if across >= 8 else max(1, -(-count // (-(-8 // max(across, 1)))))
        return columns, across, max(rows, 1), -(-count // max(rows, 1))

    @property
    def tasks(self) -> int:
        _, across, _, down = self.blocks
        return max(self.shape.batch * across * down, 1)

    def emit(self, module: Module) -> None:
        if self.name in module:
            return
        s = self.shape
        kinds = {(height, asks) for height, _, _, asks in self._row_groups()}
        widths = {self.width if s.n >= self.width else 0, s.n % self.width}
        for height, asks in sorted(kinds):
            for width in widths:
                if height and width:
                    self._tile(module, height, width, asks)
        f = module.function(self.name, self.arguments(self.packs_before),
                            attributes="nounwind noinline")
        if s.m and s.n and s.batch:
            f.loop(f["first"], f["last"], lambda t: self._task(f, t))
        f.ret()

    def _task(self, f: Function, task: Value) -> None:
        columns, across, rows, down = self.blocks
        matrix = f.binary("udiv", task, across * down)
        block = f.binary("urem", task, across * down)
        across_number = f.binary("udiv", block, down)
        down_number = f.binary("urem", block, down)
        operands = self.batched(f, matrix)
        if self.packs_before:
            base = f.offset(f["packed"], f.mul(matrix, self.packing.matrix_bytes), "i8")
            operands["packed_left"] = base
            operands["packed_right"] = f.offset(base, self.packing.left_bytes, "i8")
        first = f.mul(across_number, columns)
        whole = self.shape.n // self.width
        last = f.minimum_index(f.add(first, columns), whole)
        from_row = f.mul(down_number, rows)
        to_row = f.minimum_index(f.add(from_row, rows), self.rows[0])
        if whole:
            f.loop(first, last,
                   lambda j: self._column(f, operands, j, self.width, from_row, to_row))
        rest = self.shape.n % self.width
        if rest:
            is_last = f.compare("eq", across_number, across - 1)
            f.if_(is_last, lambda: self._column(f, operands, f.index(whole), rest, from_row,
                                                to_row))

    def _column(self, f: Function, operands: dict[str, Value], panel: Value, width: int,
                from_row: Value, to_row: Value) -> None:
        """A panel of columns against some panels of rows."""
        s = self.shape
        count, rows, full = self.rows
        column = f.mul(panel, self.width)
        behind = column
        if self.packs_right == "before":
            right = f.offset(operands["packed_right"], f.mul(panel, s.k * self.width), s.element)
        elif self.packs_right == "here":
            right = f["scratch"]
            self.packing.columns(f, operands["right"], right, panel, width)
            behind = f.mul(f.add(column, self.width), s.right.column_stride)
        else:
            right = f.offset(operands["right"], column, s.element)

        def tiles(height: int, start: int, asks: bool, i: Value) -> None:
            row = panel_start(f, i, rows, full, count)
            if self.packs_left:
                left = f.offset(operands["packed_left"], f.mul(row, s.k), s.element)
            else:
                left = f.offset(operands["left"], f.mul(row, s.left.row_stride), s.element)
            pointers = [left, right, operands["out"], *self.epilogue_pointers(f)]
            if asks:
                part = f.mul(f.sub(i, start), self._parts_asked_for)
                pointers.append(f.offset(operands["right"], f.add(behind, part), s.element))
            f.call(self._tile_name(height, width, asks), "void", *pointers, row, column)

        for height, start, stop, asks in self._row_groups():
            f.loop(f.maximum_index(from_row, start), f.minimum_index(to_row, stop),
                   partial(tiles, height, start, asks))

    def _row_groups(self) -> list[tuple[int, int, int, bool]]:
        """Panels of rows that are computed alike: their height, the first, the one behind the last,
        and whether their tiles ask for the columns that are packed next."""
        count, rows, full = self.rows
        groups = [(rows, 0, full, False)]
        if full < count:
            groups.append((rows - 1, full, count, False))
        if self.asks:
            height, start, stop, _ = groups.pop()
            middle = max(stop - self.vectors, start)
            groups += [(height, start, middle, False), (height, middle, stop, True)]
        return [g for g in groups if g[1] < g[2]]

    # ---- what is packed next

    @property
    def asks(self) -> bool:
        """Whether the last tiles of a panel of columns ask for the memory of the next one: what
        is packed comes from far away, and does so while they compute."""
        right = self.shape.right
        return self.packs_right == "here" and 1 in (right.column_stride, right.row_stride)

    @property
    def _parts_asked_for(self) -> int:
        """Elements from what one tile asks for to what the next does."""
        if self.shape.right.column_stride == 1:
            return self.lanes
        return self.shape.k // self.width * self.lanes

    def _ask(self, f: Function, p: Value) -> None:
        """One line of memory at each step; by all of these tiles, all of a panel."""
        right = self.shape.right
        if right.column_stride == 1:
            at = f.mul(p, right.row_stride)
        else:
            row, line = f.binary("urem", p, self.width), f.binary("udiv", p, self.width)
            at = f.add(f.mul(row, right.column_stride), f.mul(line, self.lanes))
        f.prefetch(f.offset(f["asked"], at, right.element))

    # ---- the tile

    def _tile_name(self, height: int, width: int, asks: bool) -> str:
        return f"{self.name}_{height}x{width}{'_asks' if asks else ''}"

    def _tile(self, module: Module, height: int, width: int, asks: bool) -> None:
        s, lanes = self.shape, self.lanes
        pointers = self.arguments(packed=False)[:-3]
        if asks:
            pointers.append(("ptr", "asked"))
        f = module.function(self._tile_name(height, width, asks),
                            [*pointers, ("i64", "row"), ("i64", "column")],
                            attributes="nounwind noinline")
        vectors = -(-width // lanes)
        rest = width % lanes
        tail = f.first_lanes(rest, lanes) if rest else None
        type = vector(lanes, s.element)
        across, along = (1, height) if self.packs_left else (s.left.row_stride,
                                                             s.left.column_stride)
        step = self.width if self.packs_right else s.right.row_stride

        def mask(j: int) -> Value | None:
            return tail if j == vectors - 1 else None

        def products(p: Value, sums: Sequence[Value]) -> list[Value]:
            at = f.mul(p, step)
            right = f.offset(f["right"], at, s.element)
            columns = [f.load(f.offset(right, j * lanes, s.element), type,
                              mask=None if self.packs_right else mask(j)) for j in range(vectors)]
            if self.packs_right:
                for j in range(vectors):
                    f.prefetch(f.offset(right, 8 * step + j * lanes, s.element))
            left = f.offset(f["left"], f.mul(p, along), s.element)
            if self.packs_left:
                f.prefetch(f.offset(left, 16 * height, s.element))
            if asks:
                self._ask(f, p)
            result = []
            for i in range(height):
                a = f.load(f.offset(left, i * across, s.element), s.element)
                spread = f.splat(a, lanes)
                result += [self.multiply_add(f, spread, b, t) for b, t in zip(
                    columns, sums[i * vectors:(i + 1) * vectors], strict=True)]
            return result

        zero = f.constant(0, type)
        sums = f.loop(0, s.k, lambda p, *t: products(p, t), carried=[zero] * (height * vectors))
        for i in range(height):
            row = f.add(f["row"], i)
            for j in range(vectors):
                self.finish(f, sums[i * vectors + j], row, f.add(f["column"], j * lanes), lanes,
                            mask(j))
        f.ret()

"""Sorting an axis, or finding its first k: short rows by counting, long ones by their digits.

A short row: for every element, how many come before it is counted, with vectors; that is its
position. A long row: from the lowest digit to the highest, the elements are dealt out to buckets
(radix sort). Both keep the order of equal elements. Sorted are keys that order as the elements do
(`order_keys`); values are then copied, so every NaN and every zero keeps its bits.
"""

from __future__ import annotations

from ...ir.node import Node
from ..llvm import Function, Value, vector
from ..target import Target
from .generated import Generated, row_start
from .order_keys import key_bits, read_key, stored_bits

__all__ = ["Sort", "aligned"]

_ALIGN = 64
#: A row is short up to so many elements per lane: then counting is quicker than digits.
_SHORT = 16
_BUCKETS = 256
_DIGIT = 8


def aligned(nbytes: int) -> int:
    """Bytes up to the next boundary of a cache line."""
    return -(-nbytes // _ALIGN) * _ALIGN


class Sort(Generated):
    """Tasks are rows along the axis. ``top_k`` keeps the first ``k`` of the order alone."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        x, p = node.parents[0], node.params
        self.dtype = x.dtype
        self.length = x.shape[p.axis]
        self.inner = x.shape[p.axis + 1:].numel()
        #: how many elements of the order are wanted
        self.wanted = node.types[0].shape[p.axis]
        self.descending = p.descending if node.op.name == "sort" else p.largest
        self.bits = key_bits(x.dtype)
        self.lanes = target.lanes(self.bits // 8)
        self.tasks = max(x.size // max(self.length, 1), 1)
        #: comparisons, each as slow as several floating-point operations
        self.flops = 16 * x.size * self.length.bit_length()
        self.short = self.length <= _SHORT * self.lanes
        self.block = 2 * self.lanes
        self.keys_bytes = aligned(-(-self.length // self.block) * self.block * self.bits // 8)
        #: a key and a position; of 32-bit keys in one word
        self.record = "i64" if self.bits == 32 and self.length < 1 << 32 else "<2 x i64>"
        self.record_bytes = 8 if self.record == "i64" else 16
        self.digits = range((self.bits - 8 * x.dtype.itemsize) // _DIGIT, self.bits // _DIGIT)
        self.records_bytes = aligned(self.length * self.record_bytes)
        self.scratch = (2 * self.keys_bytes if self.short else
                        2 * self.records_bytes + len(self.digits) * _BUCKETS * 8)

    def task(self, f: Function, task: Value) -> None:
        start, to = self.starts(f, task)
        if self.short:
            self._keys(f, start)
            self._count(f)
            self._place(f, start, to)
        else:
            self._by_digits(f, start, to)

    def starts(self, f: Function, row: Value) -> tuple[Value, Value]:
        """Where a row begins in the operand, and in both results."""
        return (row_start(f, row, self.length, self.inner),
                row_start(f, row, self.wanted, self.inner))

    def copy(self, f: Function, start: Value, position: Value, to: Value, place: Value) -> None:
        """The element at ``position`` of the row becomes number ``place`` of the order."""
        bits = stored_bits(self.dtype)
        at = f.add(start, f.mul(position, self.inner))
        target = f.add(to, f.mul(place, self.inner))
        f.store(f.load(f.offset(f["x0"], at, bits), bits), f.offset(f["y0"], target, bits))
        f.store(position, f.offset(f["y1"], target, "i64"))

    def key(self, f: Function, start: Value, position: Value, lanes: int = 1) -> Value:
        at = f.add(start, f.mul(position, self.inner))
        return read_key(f, f["x0"], at, self.dtype, self.descending, lanes)

    # ---- short rows

    def _keys(self, f: Function, start: Value) -> None:
        element = f"i{self.bits}"

        def some(i: Value, lanes: int) -> None:
            f.store(self.key(f, start, i, lanes), f.offset(f["scratch"], i, element))

        whole = self.length // self.lanes * self.lanes if self.inner == 1 else 0
        f.loop(0, whole, lambda i: some(i, self.lanes), step=self.lanes)
        f.loop(whole, self.length, lambda i: some(i, 1))

    def _count(self, f: Function) -> None:
        """Behind the keys, for each element the number of those before it in the order."""
        element = f"i{self.bits}"
        type = vector(self.block, element)
        ramp = f.ramp(self.block, element)
        counts = f.offset(f["scratch"], self.keys_bytes, "i8")

        def one(j: Value) -> Value:
            return f.load(f.offset(f["scratch"], j, element), element)

        def block(i: Value) -> None:
            mine = f.load(f.offset(f["scratch"], i, element), type)

            def counted(total: Value, before: Value) -> list[Value]:
                return [f.sub(total, f.convert(before, element, signed=False))]

            def among(j: Value, total: Value) -> list[Value]:
                """Equals inside of the block come in the order they have."""
                other = f.splat(one(j), self.block)
                later = f.compare("sgt", ramp, f.splat(f.convert(f.sub(j, i), element),
                                                       self.block))
                equal = f.and_(f.compare("eq", other, mine), later)
                return counted(total, f.or_(f.compare("slt", other, mine), equal))

            end = f.minimum_index(f.add(i, self.block), self.length)
            total, = f.loop(0, i, lambda j, t: counted(t, f.compare("sle", one(j), mine)),
                            carried=[f.constant(0, type)])
            total, = f.loop(i, end, among, carried=[total])
            total, = f.loop(end, self.length,
                            lambda j, t: counted(t, f.compare("slt", one(j), mine)),
                            carried=[total])
            f.store(f.neg(total), f.offset(counts, i, element))

        f.loop(0, self.length, block, step=self.block)

    def _place(self, f: Function, start: Value, to: Value) -> None:
        element = f"i{self.bits}"
        counts = f.offset(f["scratch"], self.keys_bytes, "i8")

        def one(i: Value) -> None:
            place = f.convert(f.load(f.offset(counts, i, element), element), "i64")
            if self.wanted == self.length:
                self.copy(f, start, i, to, place)
            else:
                f.if_(f.compare("slt", place, self.wanted),
                      lambda: self.copy(f, start, i, to, place))

        f.loop(0, self.length, one)

    # ---- long rows

    def _by_digits(self, f: Function, start: Value, to: Value) -> None:
        tables = [f.offset(f["scratch"], 2 * self.records_bytes + n * _BUCKETS * 8, "i8")
                  for n in range(len(self.digits))]
        source, other = f["scratch"], f.offset(f["scratch"], self.records_bytes, "i8")
        self._records(f, start, source, tables)
        for digit, table in zip(self.digits, tables, strict=True):
            first = self._digit(f, f.load(source, self.record, align=8), digit)
            alike = f.compare("eq", f.load(f.offset(table, first, "i64"), "i64"), self.length)
            source, other = f.if_(
                alike, lambda s=source, o=other: [s, o],  # type: ignore[misc]
                lambda s=source, o=other, d=digit, t=table:  # type: ignore[misc]
                self._deal(f, s, o, d, t))

        def result(i: Value) -> None:
            record = f.load(f.offset(source, f.mul(i, self.record_bytes), "i8"), self.record,
                            align=8)
            position = (f.and_(record, 0xFFFFFFFF) if self.record == "i64"
                        else f.extract(record, 1))
            self.copy(f, start, position, to, i)

        f.loop(0, self.wanted, result)

    def _records(self, f: Function, start: Value, to: Value, tables: list[Value]) -> None:
        """Keys beside positions, and how often each digit has each value."""
        zero = f.constant(0, vector(self.target.lanes(8), "i64"))
        f.loop(0, len(tables) * _BUCKETS, lambda i: f.store(zero, f.offset(tables[0], i, "i64")),
               step=self.target.lanes(8))

        def one(i: Value) -> None:
            key = f.xor(self.key(f, start, i), -1 << (self.bits - 1))
            wide = f.convert(key, "i64", signed=False)
            if self.record == "i64":
                record = f.or_(f.shl(wide, 32), i)
            else:
                record = Value("poison", self.record)
                record = f.insert(f.insert(record, wide, 0), i, 1)
            f.store(record, f.offset(to, f.mul(i, self.record_bytes), "i8"), align=8)
            for digit, table in zip(self.digits, tables, strict=True):
                place = f.offset(table, self._digit(f, record, digit), "i64")
                f.store(f.add(f.load(place, "i64"), 1), place)

        f.loop(0, self.length, one)

    def _digit(self, f: Function, record: Value, digit: int) -> Value:
        if self.record == "i64":
            return f.and_(f.lshr(record, 32 + _DIGIT * digit), _BUCKETS - 1)
        return f.and_(f.lshr(f.extract(record, 0), _DIGIT * digit), _BUCKETS - 1)

    def _deal(self, f: Function, source: Value, to: Value, digit: int, table: Value) -> list[Value]:
        """Records by one digit. Returns where they are now, and the memory that is free."""
        def start(i: Value, total: Value) -> list[Value]:
            place = f.offset(table, i, "i64")
            count = f.load(place, "i64")
            f.store(total, place)
            return [f.add(total, count)]

        f.loop(0, _BUCKETS, start, carried=[f.index(0)])

        def one(i: Value) -> None:
            record = f.load(f.offset(source, f.mul(i, self.record_bytes), "i8"), self.record,
                            align=8)
            place = f.offset(table, self._digit(f, record, digit), "i64")
            at = f.load(place, "i64")
            f.store(f.add(at, 1), place)
            f.store(record, f.offset(to, f.mul(at, self.record_bytes), "i8"), align=8)

        f.loop(0, self.length, one)
        return [to, source]

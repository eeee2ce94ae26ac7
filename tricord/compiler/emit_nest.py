"""A nest of loops as LLVM assembly.

The last loop is taken in vectors of a fixed number of lanes, several at a time; what is left over
is done with a mask. Values are emitted in the innermost loop they depend on. A nest that reduces
over its last loops runs, for each round of the kept loops, one pass per *stage*: a stage holds
what can be computed from the reductions before it. A value that is costly and wanted in several
stages is kept in scratch memory, a row long.

The order of every sum follows from the extents and the number of lanes alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from ..ir.dtypes import DType, bool_, float32
from . import scalars
from .affine import Affine
from .emit_values import Block, NestEmitter
from .llvm import Function, Module, Value, vector
from .loops import Apply, Given, Load, Nest, Number, Position, Reduce
from .stages import Stages
from .target import Target

__all__ = ["NestKernel"]

#: Vectors in flight: enough chains to hide the latency of an addition.
_UNROLL = 4
#: Bytes that no cache holds.
_BEYOND_CACHES = 24 << 20


class NestKernel:
    """A nest as a kernel: see `kernels.kernel.KernelCode`.

    Tasks are rounds of the first kept loop. If that is the lane loop itself they are elements,
    handed out in multiples of ``grain``, and the code does not know how many there are: kernels
    over flat data of any size are shared.
    """

    def __init__(self, nest: Nest, target: Target):
        self.target = target
        self.nest = _ordered(nest.collapsed())
        self.kept = self.nest.kept
        count = len(self.nest.extents)
        self.lane = count - 1 if count else None
        self.flat = self.lane is not None and self.kept == (self.lane,) and count == 1
        self.by_columns = self.lane is not None and self.kept[-1:] == (self.lane,)
        self.split_lane = self.by_columns and len(self.kept) == 1
        wide = [v.dtype.itemsize for v in self.nest.values if not isinstance(v, (Number, Position))]
        narrow = min((s for s in wide if s >= 4), default=4)
        self.lanes = target.lanes(narrow)
        if self.lane is not None:
            self.lanes = min(self.lanes, _power_of_two(self.nest.extents[self.lane]))
        self.plan = Stages(self.nest, self.lane, self.lanes)

    @cached_property
    def name(self) -> str:
        text = self.nest.text()
        if self.flat:
            text = text.replace(f"i0 < {self.nest.extents[0]}", "i0 < n")
        params = ";".join(repr(v.params) for v in self.nest.values if isinstance(v, Apply))
        digest = hashlib.sha256(f"{text}|{params}|{self.lanes}".encode()).hexdigest()
        return f"nest_{digest[:16]}"

    @property
    def tasks(self) -> int:
        return self.nest.extents[self.kept[0]] if self.kept else 1

    @property
    def grain(self) -> int:
        return self.lanes * _UNROLL if self.split_lane else 1

    @property
    def scratch(self) -> int:
        return self.plan.scratch

    @property
    def reads_beyond_caches(self) -> bool:
        places = {(v.buffer, v.at): v for v in self.nest.values if isinstance(v, Load)}
        return sum(v.dtype.itemsize * prod(self.nest.extents[i] for i in v.at.loops)
                   for v in places.values()) >= _BEYOND_CACHES

    @property
    def flops(self) -> int:
        full = kept = 0
        for number, value in enumerate(self.nest.values):
            if isinstance(value, (Apply, Reduce)):
                price = (scalars.cost(value.function, value.dtype) if isinstance(value, Apply)
                         else 1)
                if self.plan.inner[number] or isinstance(value, Reduce):
                    full += price
                else:
                    kept += price
        total = rows = 1
        for loop, extent in enumerate(self.nest.extents):
            total *= extent
            rows *= extent if loop in self.kept else 1
        return full * total + kept * rows

    def emit(self, module: Module) -> None:
        if self.name in module:
            return
        pointers = [("ptr", f"b{i}") for i in range(len(self.nest.buffers))]
        f = module.function(self.name, [*pointers, ("ptr", "scratch"), ("i64", "first"),
                                        ("i64", "last")], attributes="nounwind noinline")
        _Writer(self, f).write()
        f.ret()


def _power_of_two(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length() if n > 1 else 1


def _ordered(nest: Nest) -> Nest:
    """Loops renumbered: kept ones first, then the reduced ones.

    But where the last loop is kept it stays last, being the lane loop: the code then runs over
    blocks of it, and over the reduced loops inside.
    """
    order = [*nest.kept, *nest.reduced]
    last = len(nest.extents) - 1
    if nest.reduced and last in nest.kept:
        order = [*[k for k in nest.kept if k != last], *nest.reduced, last]
    if order == list(range(len(order))):
        return nest
    new = {old: i for i, old in enumerate(order)}

    def change(at: Affine) -> Affine:
        return Affine.of(at.constant, {new[k]: c for k, c in at.terms})

    return nest.with_places(change, [nest.extents[o] for o in order],
                            sorted(new[r] for r in nest.reduced))


class _Writer:
    """Writes one kernel's function."""

    def __init__(self, kernel: NestKernel, f: Function):
        self.kernel = kernel
        self.nest = kernel.nest
        self.plan = kernel.plan
        self.f = f
        self.lanes = kernel.lanes
        pointers = [f[f"b{i}"] for i in range(len(self.nest.buffers))]
        self.e = NestEmitter(f, self.nest, pointers, kernel.lane)
        self.loops: dict[int, Value] = {}

    def write(self) -> None:
        f, kernel = self.f, self.kernel
        self.uniform_at([])
        outer = [k for k in kernel.kept if not (kernel.by_columns and k == kernel.lane)]
        if not outer and not kernel.split_lane:
            nothing = f.compare("slt", f["first"], f["last"])
            f.if_(nothing, self.body)
            return
        self.nested(outer, 0)

    def nested(self, outer: Sequence[int], depth: int) -> None:
        """The kept loops, one inside the other. As deep as a tensor has axes."""
        if depth == len(outer):
            self.body()
            return
        loop, f = outer[depth], self.f

        def round(i: Value) -> None:
            self.loops[loop] = i
            self.e.uniform.append({})
            self.uniform_at(outer[:depth + 1])
            self.nested(outer, depth + 1)
            self.e.uniform.pop()

        if depth == 0:
            f.loop(f["first"], f["last"], round)
        else:
            f.loop(0, self.nest.extents[loop], round)

    def uniform_at(self, open_loops: Sequence[int]) -> None:
        """Values of stage 0 that the open loops determine."""
        open_set = set(open_loops)
        numbers = [n for n, loops in enumerate(self.plan.loops)
                   if loops <= open_set and not self.plan.stage[n]
                   and not isinstance(self.nest.values[n], (Reduce, Given))]
        self.e.compute(numbers, Block(self.loops, 1), self.plan.depends)

    def body(self) -> None:
        """Inside all kept loops (but the lane loop, if that is kept)."""
        if self.kernel.by_columns:
            self.columns()
        elif self.nest.reduced:
            self.rows()
        else:
            self.point()

    # ---- no lane loop at all

    def point(self) -> None:
        block = Block(self.loops, 1)
        self.e.compute(range(len(self.nest.values)), block, self.plan.depends)
        for store in self.nest.stores:
            self.e.store(store.value, store.buffer, store.at, block, 1)

    # ---- the lane loop is kept: blocks of columns, the reduced loops inside

    def columns(self) -> None:
        f, lanes, kernel = self.f, self.lanes, self.kernel
        if kernel.split_lane:
            start: Value | int = f["first"]
            stop: Value | int = f["last"]
        else:
            start, stop = 0, self.nest.extents[kernel.lane]  # type: ignore[index]
        many = lanes * self.unroll()
        if isinstance(start, int) and isinstance(stop, int):
            self.static_columns(stop, many)
            return
        count = f.sub(stop, start)
        after_many = f.sub(stop, f.binary("srem", count, many))
        after_whole = f.sub(stop, f.binary("srem", count, lanes))
        f.loop(start, after_many, lambda i: self.column_blocks(i, self.unroll(), None), step=many)
        if many > lanes:
            f.loop(after_many, after_whole, lambda i: self.column_blocks(i, 1, None), step=lanes)
        if lanes > 1:
            rest = f.sub(stop, after_whole)
            f.if_(f.compare("sgt", rest, 0), lambda: self.column_blocks(
                after_whole, 1, f.first_lanes(rest, lanes)))

    def static_columns(self, stop: int, many: int) -> None:
        f, lanes = self.f, self.lanes
        whole = stop // many * many
        f.loop(0, whole, lambda i: self.column_blocks(i, self.unroll(), None), step=many)
        at = whole
        if stop - at >= lanes:
            count = (stop - at) // lanes
            self.column_blocks(f.index(at), count, None)
            at += count * lanes
        if at < stop:
            self.column_blocks(f.index(at), 1, f.first_lanes(stop - at, lanes))

    def unroll(self) -> int:
        """Vectors of columns side by side."""
        size = sum(isinstance(v, Apply) for v in self.nest.values)
        if self.nest.reduced and size <= 8:
            # Rows lie apart, on other pages even: the more of each is read at once the better.
            return self.kernel.target.vector_registers // 4
        return _UNROLL if size <= 12 else 2 if size <= 30 else 1

    def column_blocks(self, start: Value, count: int, mask: Value | None) -> None:
        """Several vectors of columns side by side."""
        f, lane = self.f, self.kernel.lane
        assert lane is not None
        self.e.uniform.append({})
        with f.scope():
            blocks = [Block({**self.loops, lane: f.add(start, u * self.lanes)}, self.lanes, mask)
                      for u in range(count)]
            early = [n for n in range(len(self.nest.values))
                     if not self.plan.inner[n] and not self.plan.stage[n]
                     and not isinstance(self.nest.values[n], Reduce)]
            for block in blocks:
                self.e.compute(early, block, self.plan.depends)
            if self.nest.reduced:
                self.reduce_columns(blocks)
            late = [n for n in range(len(self.nest.values)) if not self.plan.inner[n]]
            for block in blocks:
                self.e.compute(late, block, self.plan.depends)
            for block in blocks:
                for place in self.plan.outer_stores:
                    store = self.nest.stores[place]
                    self.e.store(store.value, store.buffer, store.at, block, self.lanes)
        self.e.uniform.pop()

    def reduce_columns(self, blocks: Sequence[Block]) -> None:
        numbers = self.plan.reductions.get(0, [])
        starts = [self.neutral(n, self.lanes) for n in numbers] * len(blocks)

        self.e.rows = self.nest.reduced[-1] if self.kernel.reads_beyond_caches else None

        def round(*sums: Value) -> list[Value]:
            inside = [Block(dict(self.loops) | b.loops, b.lanes, b.mask, dict(b.here))
                      for b in blocks]
            for block in inside:
                self.e.compute(self.plan.needs[0], block, self.plan.depends)
            results = []
            for k, block in enumerate(inside):
                for j, number in enumerate(numbers):
                    results.append(self.combine(number, sums[k * len(numbers) + j], block))
            for block in inside:
                for place in self.plan.inner_stores.get(0, ()):
                    store = self.nest.stores[place]
                    self.e.store(store.value, store.buffer, store.at, block, self.lanes)
            return results

        ends = self.over(list(self.nest.reduced), starts, round, blocks)
        self.e.rows = None
        for k, block in enumerate(blocks):
            for j, number in enumerate(numbers):
                block.here[number] = self.finished(number, ends[k * len(numbers) + j])

    def over(self, loops: Sequence[int], carried: Sequence[Value],
             round: Callable[..., list[Value]], blocks: Sequence[Block] = ()) -> list[Value]:
        """Loops one inside the other, as many as a tensor has axes."""
        if not loops:
            return round(*carried)
        loop, f = loops[0], self.f

        def inner(i: Value, *values: Value) -> list[Value]:
            self.loops[loop] = i
            for block in blocks:
                block.loops[loop] = i
            self.e.uniform.append({})
            result = self.over(loops[1:], values, round, blocks)
            self.e.uniform.pop()
            return result

        return f.loop(0, self.nest.extents[loop], inner, carried=carried)

    # ---- the lane loop is reduced: passes over a row

    def rows(self) -> None:
        for stage in range(self.plan.count):
            self.kept_values(stage)
            self.row(stage)
        self.kept_values(self.plan.count)
        block = Block(self.loops, 1)
        for place in self.plan.outer_stores:
            store = self.nest.stores[place]
            self.e.store(store.value, store.buffer, store.at, block, 1)

    def kept_values(self, stage: int) -> None:
        numbers = [n for n in range(len(self.nest.values))
                   if not self.plan.inner[n] and self.plan.stage[n] <= stage
                   and not isinstance(self.nest.values[n], (Reduce, Given))]
        self.e.compute(numbers, Block(self.loops, 1), self.plan.depends)

    def row(self, stage: int) -> None:
        """One pass: all reductions and stores of a stage."""
        f, lanes, lane = self.f, self.lanes, self.kernel.lane
        assert lane is not None
        numbers = self.plan.reductions.get(stage, [])
        extent = self.nest.extents[lane]
        ways = min(_UNROLL, max(extent // lanes, 1))
        starts = [self.neutral(n, lanes) for n in numbers for _ in range(ways)]

        def pieces(*sums: Value) -> list[Value]:
            """The lane loop: blocks side by side, then single ones, then the rest."""
            whole = extent // (lanes * ways) * (lanes * ways)

            def side_by_side(i: Value, *values: Value) -> list[Value]:
                return self.row_blocks(stage, numbers, [
                    (f.add(i, u * lanes), u, None) for u in range(ways)], ways, values)

            values = f.loop(0, whole, side_by_side, step=lanes * ways, carried=sums)
            rest = [(f.index(at), u, None) for u, at in enumerate(
                range(whole, extent - lanes + 1, lanes))]
            at = whole + len(rest) * lanes
            if at < extent:
                mask = f.first_lanes(extent - at, lanes)
                rest.append((f.index(at), len(rest) % ways, mask))  # type: ignore[arg-type]
            return self.row_blocks(stage, numbers, rest, ways, values) if rest else values

        ends = self.over([r for r in self.nest.reduced if r != lane], starts, pieces)
        for j, number in enumerate(numbers):
            total = _tree(ends[j * ways:(j + 1) * ways], lambda a, b, n=number: self.merge(n, a, b))
            total = f.fold_lanes(total, lambda a, b, n=number: self.merge(n, a, b))
            self.e.uniform[-1][number] = self.finished(number, total)

    def row_blocks(self, stage: int, numbers: Sequence[int],
                   places: Sequence[tuple[Value, int, Value | None]], ways: int,
                   sums: Sequence[Value]) -> list[Value]:
        lane = self.kernel.lane
        assert lane is not None
        results = list(sums)
        self.e.uniform.append({})
        blocks = []
        for at, _, mask in places:
            block = Block({**self.loops, lane: at}, self.lanes, mask)
            self.fetch_kept(stage, block)
            blocks.append(block)
        for block in blocks:
            self.e.compute(self.plan.needs[stage], block, self.plan.depends)
        for block, (_, way, _) in zip(blocks, places, strict=True):
            for j, number in enumerate(numbers):
                k = j * ways + way
                results[k] = self.combine(number, results[k], block)
        for block in blocks:
            for place in self.plan.inner_stores.get(stage, ()):
                store = self.nest.stores[place]
                self.e.store(store.value, store.buffer, store.at, block, self.lanes)
            for number, (made, offset) in self.plan.kept_values.items():
                if made == stage:
                    self.keep(number, offset, block)
        self.e.uniform.pop()
        return results

    def row_place(self, offset: int, dtype: DType, block: Block) -> Value:
        f = self.f
        at, stride = f.index(0), 1
        for loop in reversed(self.nest.reduced):
            at = f.add(at, f.mul(block.loops[loop], stride))
            stride *= self.nest.extents[loop]
        base = f.offset(f["scratch"], offset, "i8")
        return f.offset(base, at, scalars.memory_of(dtype))

    def keep(self, number: int, offset: int, block: Block) -> None:
        dtype = self.nest.values[number].dtype
        value = self.e.operand(number, block)
        if dtype is bool_:
            value = self.f.convert(value, "i8")
        if self.lanes > 1 and value.type[0] != "<":
            value = self.f.splat(value, self.lanes)
        # Scratch has room behind a row, so no mask is needed.
        self.f.store(value, self.row_place(offset, dtype, block))

    def fetch_kept(self, stage: int, block: Block) -> None:
        for number, (made, offset) in self.plan.kept_values.items():
            if made < stage and number in self.plan.needs[stage]:
                dtype = self.nest.values[number].dtype
                type = vector(self.lanes, scalars.memory_of(dtype))
                got = self.f.load(self.row_place(offset, dtype, block), type)
                block.here[number] = (self.f.compare("ne", got, 0) if dtype is bool_ else got)

    # ---- reductions

    def accumulator(self, dtype: DType) -> DType:
        """Narrow floats are summed in float32 and rounded once."""
        return float32 if dtype.kind == "f" and dtype.itemsize < 4 else dtype

    def neutral(self, number: int, lanes: int) -> Value:
        value = self.nest.values[number]
        assert isinstance(value, Reduce)
        dtype = self.accumulator(value.dtype)
        return self.f.constant(_neutral(value.combine, dtype),
                               vector(lanes, scalars.register_of(dtype)))

    def merge(self, number: int, a: Value, b: Value) -> Value:
        value = self.nest.values[number]
        assert isinstance(value, Reduce)
        dtype = self.accumulator(value.dtype)
        return scalars.apply(self.f, value.combine, None, [a, b], [dtype, dtype], dtype)

    def combine(self, number: int, total: Value, block: Block) -> Value:
        f = self.f
        value = self.nest.values[number]
        assert isinstance(value, Reduce)
        new = self.e.operand(value.operand, block)
        dtype = self.accumulator(value.dtype)
        if dtype is not value.dtype:
            new = scalars.apply(f, "cast", _Cast(dtype), [new], [value.dtype], dtype)
        lanes = self.lanes
        if lanes > 1 and new.type[0] != "<":
            new = f.splat(new, lanes)
        if block.mask is not None:
            new = f.select(block.mask, new, self.neutral(number, lanes))
        # In this order a maximum looks for NaN in the new value, not in the one it waits for.
        return self.merge(number, new, total)

    def finished(self, number: int, total: Value) -> Value:
        value = self.nest.values[number]
        dtype = self.accumulator(value.dtype)
        if dtype is value.dtype:
            return total
        return scalars.apply(self.f, "cast", _Cast(value.dtype), [total], [dtype], value.dtype)


@dataclass(frozen=True)
class _Cast:
    dtype: DType


def _neutral(combine: str, dtype: DType) -> Any:
    if combine == "add":
        return -0.0 if dtype.kind == "f" else 0
    if combine == "multiply":
        return 1
    if combine == "bitwise_and":
        return True
    if combine == "bitwise_or":
        return False
    if dtype.kind == "f":
        return float("-inf") if combine == "maximum" else float("inf")
    if dtype.kind == "b":
        return combine == "minimum"
    bits = dtype.itemsize * 8
    if dtype.kind == "u":
        return 0 if combine == "maximum" else 2**bits - 1
    return -2**(bits - 1) if combine == "maximum" else 2**(bits - 1) - 1


def _tree(values: Sequence[Value], combine: Callable[[Value, Value], Value]) -> Value:
    """Combined pairwise, in a fixed order."""
    values = list(values)
    while len(values) > 1:
        paired = [combine(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = paired + (values[-1:] if len(values) % 2 else [])
    return values[0]

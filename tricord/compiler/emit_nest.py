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
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

from ..ir.dtypes import DType, bool_, float32
from . import scalars
from .affine import Affine
from .llvm import Function, Module, Value, element_of, mangled, vector
from .loops import Apply, Given, Load, Nest, Number, Position, Reduce
from .target import Target

__all__ = ["Block", "NestEmitter", "NestKernel"]

#: Vectors in flight: enough chains to hide the latency of an addition.
_UNROLL = 4
#: A value cheaper than this is computed again rather than kept in memory between stages.
_WORTH_KEEPING = 8
_ALIGN = 64
#: Bytes that no cache holds; and how many rows ahead such memory is asked for, where each row is on
#: a page of its own, so that the processor does not foresee it.
_BEYOND_CACHES, _ROWS_AHEAD = 24 << 20, 4


@dataclass
class Block:
    """Where in the loops code is being written: one vector of lanes."""

    loops: dict[int, Value]
    lanes: int
    mask: Value | None = None
    #: values computed for these lanes
    here: dict[int, Value] = field(default_factory=dict)


class NestEmitter:
    """Writes the values of one nest into a function."""

    def __init__(self, f: Function, nest: Nest, pointers: Sequence[Value], lane: int | None):
        self.f = f
        self.nest = nest
        self.pointers = pointers
        self.lane = lane
        #: values that do not depend on the lane loop, good in the loops now open
        self.uniform: list[dict[int, Value]] = [{}]
        #: a loop over rows inside of the lane loop, if memory is to be asked for ahead
        self.rows: int | None = None
        self.given: Callable[[Block], Value] | None = None

    def find(self, number: int, block: Block | None) -> Value | None:
        if block is not None and number in block.here:
            return block.here[number]
        for scope in reversed(self.uniform):
            if number in scope:
                return scope[number]
        return None

    def operand(self, number: int, block: Block) -> Value:
        found = self.find(number, block)
        assert found is not None, f"value {number} is used before it is there"
        return found

    def compute(self, numbers: Sequence[int], block: Block, depends: Sequence[bool]) -> None:
        """Values in their order: those that depend on the lane loop for this block's lanes, the
        others once for the loops that are open."""
        for number in numbers:
            if self.find(number, block) is not None:
                continue
            if depends[number]:
                block.here[number] = self.one(number, block, block.lanes)
            else:
                self.uniform[-1][number] = self.one(number, block, 1)

    def one(self, number: int, block: Block, lanes: int) -> Value:
        value, f = self.nest.values[number], self.f
        if isinstance(value, Load):
            return self.load(value, block, lanes)
        if isinstance(value, Number):
            return scalars.constant(f, value.value, value.dtype)
        if isinstance(value, Position):
            return self.position(value, block, lanes)
        if isinstance(value, Given):
            assert self.given is not None
            return self.given(block)
        assert isinstance(value, Apply), value
        operands = [self.operand(o, block) for o in value.operands]
        if lanes > 1:
            operands = [f.splat(o, lanes) if o.type[0] != "<" else o for o in operands]
        dtypes = [self.nest.values[o].dtype for o in value.operands]
        return scalars.apply(f, value.function, value.params, operands, dtypes, value.dtype)

    # ---- indices

    def index(self, at: Affine, block: Block) -> Value:
        """The index of the first lane."""
        total = self.f.index(at.constant)
        for loop, coefficient in at.terms:
            total = self.f.add(total, self.f.mul(block.loops[loop], coefficient))
        return total

    def stride(self, at: Affine) -> int:
        return 0 if self.lane is None else at.coefficient(self.lane)

    def position(self, value: Position, block: Block, lanes: int) -> Value:
        f, element = self.f, scalars.register_of(value.dtype)
        at = self.index(value.at, block)
        if lanes > 1:
            step = self.stride(value.at)
            narrow = value.dtype.itemsize < 8
            if narrow:  # indices of what fits in memory lane by lane fit in 32 bits mostly
                low, high = value.at.bounds(self.nest.extents)
                narrow = low >= -2**31 and high < 2**31
            kind = "i32" if narrow else "i64"
            ramp = f.lanes_constant([i * step for i in range(lanes)], kind)
            at = f.add(f.splat(f.convert(at, kind), lanes), ramp)
        if value.dtype is bool_:
            return f.compare("ne", at, 0)
        if value.dtype.kind == "f" and value.dtype.itemsize == 2:
            return scalars.narrow(f, f.convert(at, "float"), element)
        return f.convert(at, element)

    # ---- memory

    def address(self, buffer: int, at: Affine, block: Block) -> Value:
        element = scalars.memory_of(self.nest.buffers[buffer])
        return self.f.offset(self.pointers[buffer], self.index(at, block), element)

    def load(self, value: Load, block: Block, lanes: int) -> Value:
        f, element = self.f, scalars.memory_of(value.dtype)
        stride = self.stride(value.at) if lanes > 1 else 0
        if stride == 0:
            got = f.load(self.address(value.buffer, value.at, block), element)
        elif stride == 1:
            self.ask(value, block, element)
            got = f.load(self.address(value.buffer, value.at, block), vector(lanes, element),
                         mask=block.mask)
        else:
            got = self._gather(value, block, lanes, stride, element)
        return f.compare("ne", got, 0) if value.dtype is bool_ else got

    def ask(self, value: Load, block: Block, element: str) -> None:
        """Ask for the same columns some rows ahead."""
        apart = 0 if self.rows is None else value.at.coefficient(self.rows)
        if apart:
            at = self.address(value.buffer, value.at, block)
            self.f.prefetch(self.f.offset(at, _ROWS_AHEAD * apart, element))

    def _gather(self, value: Load, block: Block, lanes: int, stride: int, element: str) -> Value:
        f = self.f
        base = self.address(value.buffer, value.at, block)
        offsets = f.lanes_constant([i * stride for i in range(lanes)], "i64")
        type, pointers = vector(lanes, element), vector(lanes, "ptr")
        places = f.pure(f"getelementptr {element}, {base}, {offsets}", pointers)
        mask = block.mask or f.constant(True, vector(lanes, "i1"))
        name = f"llvm.masked.gather.{mangled(type)}.v{lanes}p0"
        f.module.declare(name, type, [pointers, mask.type, type])
        align = value.dtype.itemsize
        return f.emit(f"call {type} @{name}({pointers} align {align} {places.text}, {mask}, "
                      f"{type} zeroinitializer)", type)

    def store(self, number: int, buffer: int, at: Affine, block: Block, lanes: int) -> None:
        f, dtype = self.f, self.nest.buffers[buffer]
        value = self.operand(number, block)
        if dtype is bool_:
            value = f.convert(value, "i8")
        if lanes == 1:
            f.store(value, self.address(buffer, at, block))
            return
        value = f.splat(value, lanes) if value.type[0] != "<" else value
        base, stride = self.address(buffer, at, block), self.stride(at)
        if stride == 1:
            f.store(value, base, mask=block.mask)
        else:
            self._scatter(value, base, stride, block, lanes, dtype.itemsize)

    def _scatter(self, value: Value, base: Value, stride: int, block: Block, lanes: int,
                 align: int) -> None:
        f = self.f
        pointers = vector(lanes, "ptr")
        offsets = f.lanes_constant([i * stride for i in range(lanes)], "i64")
        places = f.pure(f"getelementptr {element_of(value.type)}, {base}, {offsets}", pointers)
        mask = block.mask or f.constant(True, vector(lanes, "i1"))
        name = f"llvm.masked.scatter.{mangled(value.type)}.v{lanes}p0"
        f.module.declare(name, "void", [value.type, pointers, mask.type])
        f.do(f"call void @{name}({value}, {pointers} align {align} {places.text}, {mask})")


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
        self.plan = _Stages(self)

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


class _Stages:
    """Which value is computed where: see the module's text."""

    def __init__(self, kernel: NestKernel):
        nest = kernel.nest
        self.nest, self.lane, self.lanes = nest, kernel.lane, kernel.lanes
        count = len(nest.values)
        reduced = set(nest.reduced)
        #: per value: loops it depends on; whether on the lane; whether on a reduced loop
        self.loops: list[frozenset[int]] = []
        self.depends = [False] * count
        self.inner = [False] * count
        self.stage = [0] * count
        kept = frozenset(nest.kept)
        for number, value in enumerate(nest.values):
            loops: frozenset[int] = frozenset()
            stage = 0
            if isinstance(value, (Load, Position)):
                loops = value.at.loops
            elif isinstance(value, Apply):
                for o in value.operands:
                    loops |= self.loops[o]
                    stage = max(stage, self.stage[o])
            elif isinstance(value, Reduce):
                loops = kept
                stage = self.stage[value.operand] + 1
            elif isinstance(value, Given):
                loops = frozenset(range(len(nest.extents)))
            self.loops.append(loops)
            self.stage[number] = stage
            self.depends[number] = self.lane in loops
            self.inner[number] = bool(loops & reduced)
        self.by_rows = bool(reduced) and self.lane in reduced
        self._roots()
        self._keep()

    def _roots(self) -> None:
        """Reductions and inner stores of each stage."""
        nest = self.nest
        self.reductions: dict[int, list[int]] = {}
        self.inner_stores: dict[int, list[int]] = {}
        self.outer_stores: list[int] = []
        for number, value in enumerate(nest.values):
            if isinstance(value, Reduce):
                self.reductions.setdefault(self.stage[value.operand], []).append(number)
        for place, store in enumerate(nest.stores):
            if store.at.loops & set(nest.reduced):
                stage = self.stage[store.value]
                self.inner_stores.setdefault(stage, []).append(place)
            else:
                self.outer_stores.append(place)
        stages = [*self.reductions, *self.inner_stores]
        self.count = max(stages, default=-1) + 1

    def _stage_roots(self, stage: int) -> list[int]:
        """Inner values that reductions and stores of a stage want."""
        values = [self.nest.values[r] for r in self.reductions.get(stage, ())]
        return ([v.operand for v in values if isinstance(v, Reduce)]
                + [self.nest.stores[s].value for s in self.inner_stores.get(stage, ())])

    def _closure(self, roots: Sequence[int], stage: int) -> list[int]:
        """Inner values that the roots need, in order, not looking behind what is kept."""
        found: set[int] = set()
        stack = [r for r in roots if self.inner[r]]
        while stack:
            number = stack.pop()
            if number in found:
                continue
            found.add(number)
            kept = self.kept_values.get(number)
            if kept is not None and kept[0] < stage:
                continue
            value = self.nest.values[number]
            if isinstance(value, Apply):
                stack += [o for o in value.operands if self.inner[o]]
        return sorted(found)

    def _keep(self) -> None:
        """A value wanted in several stages and dear is kept: (stage that makes it, offset)."""
        self.kept_values: dict[int, tuple[int, int]] = {}
        self.scratch = 0
        first: dict[int, int] = {}
        row = 1
        for loop in self.nest.reduced:
            row *= self.nest.extents[loop]
        for stage in range(self.count):
            for number in reversed(self._closure(self._stage_roots(stage), stage)):
                value = self.nest.values[number]
                made = first.setdefault(number, stage)
                if (made < stage and self.by_rows and number not in self.kept_values
                        and isinstance(value, Apply) and self._price(number) >= _WORTH_KEEPING):
                    size = (row + self.lanes) * value.dtype.itemsize
                    self.kept_values[number] = (made, self.scratch)
                    self.scratch += -(-size // _ALIGN) * _ALIGN
        self.needs: list[list[int]] = []
        for stage in range(self.count):
            roots = self._stage_roots(stage)
            roots += [k for k, (made, _) in self.kept_values.items() if made == stage]
            self.needs.append(self._closure(roots, stage))

    def _price(self, root: int) -> int:
        total, stack, seen = 0, [root], set()
        while stack:
            number = stack.pop()
            if number in seen or not self.inner[number]:
                continue
            seen.add(number)
            value = self.nest.values[number]
            if isinstance(value, Apply):
                total += scalars.cost(value.function, value.dtype)
                stack += value.operands
        return total


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

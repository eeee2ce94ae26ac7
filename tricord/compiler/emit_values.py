"""Values of a nest as LLVM assembly: loads, scalar functions and stores, for one vector of lanes.

What does not depend on the lane loop is computed once, in the innermost loop that it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..ir.dtypes import bool_
from . import scalars
from .affine import Affine
from .llvm import Function, Value, element_of, mangled, vector
from .loops import Apply, Given, Load, Nest, Number, Position

__all__ = ["Block", "NestEmitter"]

#: How many rows ahead memory is asked for, where each row is on a page of its own, so that the
#: processor does not foresee it.
_ROWS_AHEAD = 4


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

"""From steps of the schedule to kernels and the memory they work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ArgumentError
from ..ir.lowering import Kernel, Regions
from ..ir.node import Node
from .affine import Affine, domain_index, flat_index, row_major
from .emit_nest import NestKernel
from .emit_values import Block, NestEmitter
from .fusion import Fusion, squeezed
from .kernels import GENERATORS
from .kernels.kernel import KernelCode
from .kernels.matmul import Matrix, matmul
from .llvm import Function, Value
from .loops import Apply, Load, Nest, Reduce, Store
from .nests import GroupNest, nest_of
from .operands import in_memory
from .scalars import memory_of
from .schedule import Step
from .stages import stage_numbers
from .target import Target

__all__ = ["Call", "Place", "Scratch", "calls_of"]


@dataclass(frozen=True)
class Place:
    """Memory of a stored node, some elements in."""

    node: Node
    offset: int = 0


@dataclass(frozen=True, eq=False)
class Scratch:
    """Memory that a step needs between two of its kernels."""

    nbytes: int


@dataclass(frozen=True, eq=False)
class Call:
    """One kernel on its memory. ``reads`` and ``writes`` are the pointers, in order."""

    kernel: KernelCode
    reads: tuple[Place | Scratch, ...]
    writes: tuple[Place | Scratch, ...]
    #: the order of the pointers, where it is not reads, then writes
    pointers: tuple[Place | Scratch, ...]
    label: str
    #: (written, read): they may lie in the same memory
    in_place: frozenset[tuple[Node, Node]] = frozenset()
    reports: bool = False
    #: what a kernel of its own shape is for
    node: Node | None = None


def calls_of(fusion: Fusion, step: Step, target: Target) -> list[Call]:
    """The kernels of a step, one after another."""
    unit = step.unit
    if unit.opaque is None:
        if step.product is not None:
            return _product(fusion, step.product, target, step)
        return [_group(fusion, step, target)]
    node = unit.opaque
    if not any(t.size for t in node.types) and node.op.name != "check_bounds":
        return []
    way = node.op.lower
    if isinstance(way, Regions):
        return _REGIONS[way.kind](fusion, node, target)
    if node.op.name == "dot":
        return _product(fusion, node, target, None)
    if isinstance(way, Kernel):
        return [_generated(fusion, node, target)]
    raise ArgumentError(f"{node.op.name}: the compiler has no kernel for it",
                        hint='TRICORD_DEVICE=numpy runs it')


def _group(fusion: Fusion, step: Step, target: Target) -> Call:
    made = nest_of(fusion, step.unit, step.stored)
    kernel = NestKernel(made.nest, target)
    reads, writes = tuple(map(Place, made.reads)), tuple(map(Place, made.writes))
    return Call(kernel, reads, writes, (*reads, *writes), _label(step), _in_place(made))


def _label(step: Step) -> str:
    names = dict.fromkeys(m.op.name for m in step.unit.members)
    listed = list(names)
    text = "+".join(listed[:6]) + ("+..." if len(listed) > 6 else "")
    return text if step.product is None else f"dot+{text}"


def _in_place(made: GroupNest) -> frozenset[tuple[Node, Node]]:
    """Pairs of a result and an operand that is read at the very places where the result is
    written, and never after that: what a later stage (`stages`) reads must still be there."""
    nest = made.nest
    reduced = set(nest.reduced)
    stage = stage_numbers(nest)
    last = [-1] * len(stage)  # stages in which values are wanted
    for store in nest.stores:
        last[store.value] = max(last[store.value], stage[store.value])
    for number, value in reversed(list(enumerate(nest.values))):
        if isinstance(value, Reduce):
            last[value.operand] = max(last[value.operand], stage[value.operand])
        elif isinstance(value, Apply):
            for operand in value.operands:
                last[operand] = max(last[operand], last[number])
    loads: dict[int, list[tuple[Affine, int]]] = {}
    for number, value in enumerate(nest.values):
        if isinstance(value, Load):
            loads.setdefault(value.buffer, []).append((value.at, last[number]))
    # What is written per row is written when all of the row has been read.
    return frozenset(
        (result, made.reads[buffer]) for store, result in zip(nest.stores, made.writes, strict=True)
        for buffer, found in loads.items() if all(
            at == store.at and (not at.loops & reduced or wanted <= stage[store.value])
            for at, wanted in found))


def _generated(fusion: Fusion, node: Node, target: Target) -> Call:
    assert isinstance(node.op.lower, Kernel)
    kernel = GENERATORS[node.op.lower.name](node, target)
    reads = tuple(Place(fusion.memory_of(p)) for p in in_memory(node))
    writes = tuple(Place(o) for o in node.outputs)
    in_place = frozenset((node, fusion.memory_of(node.parents[i]))
                         for i in getattr(kernel, "in_place", ()))
    return Call(kernel, reads, writes, (*reads, *writes), node.op.name, in_place,
                getattr(kernel, "reports", False), node)


# ---- matrix products

def _strides(fusion: Fusion, node: Node, axes: Sequence[int]) -> tuple[Place, list[int]]:
    """Where an operand begins, and its strides along some of its axes."""
    source, flat = fusion.strided(node)
    loops = [None if part == Affine() else part.terms[0][0] for part in domain_index(node.shape)]
    found = []
    for axis in axes:
        loop = loops[axis]
        found.append(1 if loop is None else flat.coefficient(loop))
    return Place(source, flat.constant), found


def _product(fusion: Fusion, node: Node, target: Target, step: Step | None) -> list[Call]:
    p = node.params
    x, y = node.parents
    batch = p.left_batch
    left_free = next(a for a in range(x.ndim) if a not in (*p.left_contract, *batch))
    right_free = next(a for a in range(y.ndim) if a not in (*p.right_contract, *p.right_batch))
    m, n, k = x.shape[left_free], y.shape[right_free], x.shape[p.left_contract[0]]
    left, left_strides = _strides(fusion, x, (left_free, p.left_contract[0], *batch))
    right, right_strides = _strides(fusion, y, (p.right_contract[0], right_free, *p.right_batch))
    element = memory_of(node.dtype)
    epilogue = None if step is None else _Epilogue(fusion, step, node, (m, n))
    kernel = matmul(
        m, n, k, Matrix(element, *left_strides[:2]), Matrix(element, *right_strides[:2]), element,
        target, batch=x.shape[batch[0]] if batch else 1,
        batch_strides=(left_strides[2], right_strides[2], m * n) if batch else (0, 0, 0),
        epilogue=epilogue)
    if epilogue is None:
        more: tuple[Place, ...] = ()
        writes: tuple[Place, ...] = (Place(node),)
        label = "dot"
    else:
        assert step is not None
        more, writes, label = epilogue.reads, epilogue.writes, _label(step)
    return _with_packing(kernel, left, right, more, writes, label, epilogue is not None)


def _with_packing(kernel: Any, left: Place, right: Place, more: tuple[Place, ...],
                  writes: tuple[Place, ...], label: str, fused: bool) -> list[Call]:
    # The order of pointers is left, right, out, what the epilogue wants; a product with an
    # epilogue has no result of its own, and gets the first of the epilogue's for it.
    pointers: tuple[Place | Scratch, ...] = (left, right, writes[0])
    if fused:
        pointers = (*pointers, *more, *writes)
    reads: tuple[Place | Scratch, ...] = (left, right, *more)
    calls = []
    prepare = getattr(kernel, "prepare", None)
    if prepare is not None:
        packed = Scratch(kernel.packed_bytes)
        read = tuple(place for place, packs in zip((left, right), prepare.packs, strict=True)
                     if packs)
        calls.append(Call(prepare, read, (packed,), (*read, packed), "pack"))
        pointers, reads = (*pointers, packed), (*reads, packed)
    calls.append(Call(kernel, reads, writes, pointers, label))
    return calls


class _Epilogue:
    """A group computed on the tiles of a matrix product: see `kernels.matmul.Epilogue`."""

    def __init__(self, fusion: Fusion, step: Step, product: Node, size: tuple[int, int]):
        made = nest_of(fusion, step.unit, step.stored, given=product)
        self.nest = made.nest
        self.size = size
        self.reads = tuple(map(Place, made.reads))
        self.writes = tuple(map(Place, made.writes))
        self.operands = len(self.reads) + len(self.writes)
        params = ";".join(repr(getattr(v, "params", "")) for v in self.nest.values)
        self.key = f"{self.nest.text()}|{params}|{size}"
        # Loops of the nest for rows and columns; an axis of one has none.
        rows, columns = size
        self.row = 0 if rows != 1 else None
        self.column = None if columns == 1 else len(squeezed(size)) - 1
        self.numbers = range(len(self.nest.values))
        self.depends = self._depends()

    def _depends(self) -> list[bool]:
        depends: list[bool] = []
        for value in self.nest.values:
            if isinstance(value, Load) or hasattr(value, "at"):
                depends.append(self.column is not None and self.column in value.at.loops)
            elif hasattr(value, "operands"):
                depends.append(any(depends[o] for o in value.operands))
            else:
                depends.append(not hasattr(value, "text"))  # what is given
        return depends

    def apply(self, f: Function, value: Value, row: Value, column: Value, lanes: int,
              mask: Value | None, pointers: Sequence[Value]) -> None:
        emitter = NestEmitter(f, self.nest, pointers, self.column)
        emitter.given = lambda block: value
        loops = {}
        if self.row is not None:
            loops[self.row] = row
        if self.column is not None:
            loops[self.column] = column
        block = Block(loops, lanes, mask)
        emitter.compute(self.numbers, block, self.depends)
        for store in self.nest.stores:
            emitter.store(store.value, store.buffer, store.at, block, lanes)


# ---- results put together from regions

def _copy(source: Node, reads: Place, result: Node, domain: tuple[int, ...], at: Affine,
          to: Affine, target: Target, label: str) -> Call:
    values = (Load(0, at, source.dtype),)
    nest = Nest(domain, (), (source.dtype, result.dtype), 1, values, (Store(0, 1, to),))
    place = Place(result)
    return Call(NestKernel(nest, target), (reads,), (place,), (reads, place), label)


def _concatenate(fusion: Fusion, node: Node, target: Target) -> list[Call]:
    calls, offset, axis = [], 0, node.params.axis
    for part in node.parents:
        if part.size:
            index = list(domain_index(part.shape))
            at = flat_index(index, part.shape)
            index[axis] = index[axis].shifted(offset)
            calls.append(_copy(part, Place(fusion.memory_of(part)), node, squeezed(part.shape), at,
                               flat_index(index, node.shape), target, "concatenate"))
        offset += part.shape[axis]
    return calls


def _pad(fusion: Fusion, node: Node, target: Target) -> list[Call]:
    x, value = node.parents
    p = node.params
    everywhere = flat_index(domain_index(node.shape), node.shape)
    fill = _copy(value, Place(fusion.memory_of(value)), node, squeezed(node.shape), Affine(),
                 everywhere, target, "pad")
    sizes, starts = [], []
    for size, low, inner, out in zip(x.shape, p.low, p.interior, node.shape, strict=True):
        step = inner + 1
        first = max(0, -(low // step))  # the first element that lands inside
        last = min(size - 1, (out - 1 - low) // step)
        sizes.append(max(last - first + 1, 0))
        starts.append(first)
    if 0 in sizes:
        return [fill]
    index = domain_index(sizes)
    at = to = Affine()
    for part, start, low, inner, mine, its in zip(
            index, starts, p.low, p.interior, row_major(x.shape), row_major(node.shape),
            strict=True):
        at = at + part.shifted(start).scaled(mine)
        to = to + part.shifted(start).scaled(inner + 1).shifted(low).scaled(its)
    inside = _copy(x, Place(fusion.memory_of(x)), node, squeezed(sizes), at, to, target, "pad")
    whole = sizes == list(node.shape)
    return [inside] if whole else [fill, inside]


_REGIONS: Mapping[str, Callable[[Fusion, Node, Target], list[Call]]] = {
    "concatenate": _concatenate, "pad": _pad}

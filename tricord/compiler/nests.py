"""From a group of nodes to a nest of loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ir.lowering import Reduction, Scalar, View
from ..ir.node import Node
from ..ir.ops.structural import constant_value
from .affine import Affine, Index, domain_index, flat_index, through_view
from .fusion import Fusion, Unit
from .loops import Apply, Given, Load, Nest, Number, Position, Reduce, Store, Value

__all__ = ["GroupNest", "nest_of"]


@dataclass(frozen=True)
class GroupNest:
    """A nest and what its pointers point to."""

    nest: Nest
    reads: tuple[Node, ...]
    writes: tuple[Node, ...]


class _Builder:
    def __init__(self, fusion: Fusion, unit: Unit, given: Node | None):
        self.fusion = fusion
        self.unit = unit
        self.given = given
        self.domain = unit.shape
        self.members = set(unit.members)
        self.values: list[Value] = []
        self.numbers: dict[Value, int] = {}
        self.member_value: dict[Node, int] = {}
        self.reads: dict[Node, int] = {}
        self.memo: dict[tuple[Node, Index | None, Affine], int] = {}

    def add(self, value: Value) -> int:
        """The number of a value; equal ones are one. Buffers are numbered provisionally."""
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = len(self.values)
            self.values.append(value)
        return number

    def index_of(self, node: Node) -> Index:
        """Where a member is computed."""
        if node not in self.unit.kept_members:
            return domain_index(node.shape)
        kept = [k for k in range(len(self.domain)) if k not in (self.unit.axes or ())]
        loops = iter(kept)
        return tuple(Affine() if s == 1 else Affine(0, ((next(loops), 1),)) for s in node.shape)

    def member(self, node: Node) -> None:
        way = node.op.lower
        if isinstance(way, Reduction):
            over = node.parents[0]
            index = domain_index(over.shape)
            operand = self.read(over, index, flat_index(index, over.shape))
            number = self.add(Reduce(way.combine, operand, node.dtype))
        elif isinstance(way, View):
            number = self.view(node, self.index_of(node))
        else:
            number = self.scalar(node, self.index_of(node))
        self.member_value[node] = number

    def scalar(self, node: Node, index: Index) -> int:
        assert isinstance(node.op.lower, Scalar)
        flat = flat_index(index, node.shape)
        operands = tuple(self.read(p, index, flat) for p in node.parents)
        return self.add(Apply(node.op.lower.name, node.params, operands, node.dtype))

    def view(self, node: Node, index: Index) -> int:
        if not node.parents:
            return self.add(Position(index[node.params.axis], node.dtype))
        flat = flat_index(index, node.shape)
        inner = through_view(node, index, self.domain)
        parent = node.parents[0]
        return self.read(parent, inner, flat if inner is None else flat_index(inner, parent.shape))

    def read(self, node: Node, index: Index | None, flat: Affine) -> int:
        """The number of a value read at an index. Bounded recursion: views are walked in a loop,
        and what is free is never deep."""
        key = (node, index, flat)
        found = self.memo.get(key)
        if found is not None:
            return found
        place, at = index, flat
        while True:
            if node in self.members:
                number = self.member_value[node]
                break
            if self.fusion.is_stored(node):
                number = self.stored(node, at)
                break
            way = node.op.lower
            if isinstance(way, Scalar):
                assert place is not None
                number = self.scalar(node, place)
                break
            assert isinstance(way, View), node
            if not node.parents:
                assert place is not None
                number = self.view(node, place)
                break
            inner = None if place is None else through_view(node, place, self.domain)
            assert inner is not None or way.kind == "reshape"
            node = node.parents[0]
            place = inner
            at = at if inner is None else flat_index(inner, node.shape)
        self.memo[key] = number
        return number

    def stored(self, node: Node, at: Affine) -> int:
        if node is self.given:
            return self.add(Given(node.dtype))
        value = constant_value(node)
        if value is not None and value.size == 1:
            return self.add(Number(_written(value), node.dtype))
        buffer = self.reads.setdefault(node, len(self.reads))
        return self.add(Load(buffer, at, node.dtype))


def _written(value: Any) -> str:
    number = value.reshape(-1)[0]
    return repr(float(number) if value.dtype.kind in "fV" else number.item())


def nest_of(fusion: Fusion, unit: Unit, stored: Sequence[Node],
            given: Node | None = None) -> GroupNest:
    """The loops that compute a group and store these members of it.

    ``given``: a value that the kernel around the nest hands in.
    """
    builder = _Builder(fusion, unit, given)
    for node in unit.members:
        builder.member(node)
    reads = len(builder.reads)
    stores = tuple(Store(builder.member_value[node], reads + i,
                         flat_index(builder.index_of(node), node.shape))
                   for i, node in enumerate(stored))
    dtypes = (*(n.dtype for n in builder.reads), *(n.dtype for n in stored))
    values, stores = _used(builder.values, stores)
    nest = Nest(unit.shape, unit.axes or (), dtypes, reads, values, stores)
    return GroupNest(nest, tuple(builder.reads), tuple(stored))


def _used(values: Sequence[Value], stores: tuple[Store, ...],
          ) -> tuple[tuple[Value, ...], tuple[Store, ...]]:
    """Without values that no store needs, renumbered."""
    needed = {s.value for s in stores}
    for number in range(len(values) - 1, -1, -1):
        if number in needed:
            value = values[number]
            if isinstance(value, Apply):
                needed.update(value.operands)
            elif isinstance(value, Reduce):
                needed.add(value.operand)
    new = {old: i for i, old in enumerate(sorted(needed))}
    kept: list[Value] = []
    for number in sorted(needed):
        value = values[number]
        if isinstance(value, Apply):
            value = Apply(value.function, value.params, tuple(new[o] for o in value.operands),
                          value.dtype)
        elif isinstance(value, Reduce):
            value = Reduce(value.combine, new[value.operand], value.dtype)
        kept.append(value)
    return tuple(kept), tuple(Store(new[s.value], s.buffer, s.at) for s in stores)

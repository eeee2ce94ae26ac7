"""The order of the steps, the epilogues of matrix products, and what is stored.

An elementwise group that alone reads the result of a matrix product becomes its epilogue: the
result never goes to memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from ..ir.graph import is_input
from ..ir.lowering import Kernel, Leaf, Scalar
from ..ir.node import Node
from .affine import domain_index
from .fusion import Fusion, Unit, operand_reads, squeezed
from .scalars import cost

__all__ = ["Schedule", "Step", "schedule"]

#: Work per element, in operations, and members that an epilogue may have.
_EPILOGUE_COST = 120
_EPILOGUE_MEMBERS = 40


@dataclass(eq=False)
class Step:
    """A unit in its place; ``product``: the matrix product whose epilogue the group is."""

    unit: Unit
    product: Node | None
    stored: tuple[Node, ...]


@dataclass(eq=False)
class Schedule:
    """Steps in order. Those up to ``checks`` hold all that may refuse its values."""

    fusion: Fusion
    steps: list[Step]
    checks: int


def schedule(fusion: Fusion) -> Schedule:
    """An order in which every step comes after what it reads, and checks come first."""
    readers = fusion.readers()
    products = _epilogues(fusion, readers)
    taken = {fusion.unit_of[p].number: unit for unit, p in products.items()}
    units = [u for u in fusion.units if u.members and u.number not in taken]
    before = {u: _before(fusion, u, products.get(u), taken) for u in units}
    checks = [u for u in units if _may_refuse(u)]
    early = 0
    for unit in checks:
        early |= before[unit] | 1 << unit.number
    order = _topological(units, before, early)
    steps = [Step(u, products.get(u), _stored(fusion, u, readers)) for u in order]
    last = max((i for i, u in enumerate(order) if u in checks), default=-1)
    return Schedule(fusion, steps, last + 1)


def _may_refuse(unit: Unit) -> bool:
    way = None if unit.opaque is None else unit.opaque.op.lower
    return isinstance(way, Kernel) and way.refusal is not None


def _stored(fusion: Fusion, unit: Unit, readers: dict[Node, set[int]]) -> tuple[Node, ...]:
    if unit.opaque is not None:
        return tuple(unit.opaque.outputs)
    return tuple(m for m in unit.members if m in readers)


def _epilogues(fusion: Fusion, readers: dict[Node, set[int]]) -> dict[Unit, Node]:
    """Which group takes which product in."""
    found: dict[Unit, Node] = {}
    used: set[Node] = set()
    for unit in fusion.units:
        if unit.opaque is not None or unit.axes is not None or not unit.members:
            continue
        products = [n for n in unit.leaves if n.op.name == "dot" and n not in used
                    and readers.get(n) == {unit.number} and _fits(fusion, unit, n)]
        if not products:
            continue
        best = max(products, key=lambda n: (n.parents[0].size * n.parents[1].size,
                                            -fusion.unit_of[n].number))
        others = unit.leaves - {best}
        bit = 1 << fusion.unit_of[best].number
        if any(o in fusion.unit_of and fusion.unit_of[o] is not unit
               and fusion.unit_of[o].before & bit for o in others):
            continue
        found[unit] = best
        used.add(best)
    return found


def _fits(fusion: Fusion, unit: Unit, product: Node) -> bool:
    """Whether a group can run on the registers that hold a tile of the product."""
    if fusion.unit_of[product].opaque is not product or product.dtype.kind != "f":
        return False
    if squeezed(product.shape) != unit.shape or product.params.left_batch:
        return False
    if len(unit.members) > _EPILOGUE_MEMBERS or product.dtype.itemsize < 4:
        return False
    work = sum(cost(m.op.lower.name, m.dtype) for m in unit.members
               if isinstance(m.op.lower, Scalar))
    if work > _EPILOGUE_COST:
        return False
    # Read at the point where it is made, and nowhere else.
    domain = unit.shape
    for member in unit.members:
        for read in operand_reads(fusion, member, domain_index(member.shape), domain):
            if read.node is product and read.index != domain_index(product.shape):
                return False
    return True


def _before(fusion: Fusion, unit: Unit, product: Node | None,
            taken: dict[int, Unit]) -> int:
    """What must have run, in terms of units that are steps."""
    mask = unit.before
    if product is not None:
        own = fusion.unit_of[product]
        mask = (mask | own.before) & ~(1 << own.number)
    result = 0
    number = 0
    while mask >> number:
        if mask >> number & 1:
            stands = taken.get(number)
            if stands is not unit:
                result |= 1 << (number if stands is None else stands.number)
        number += 1
    return result & ~(1 << unit.number)


def _topological(units: Sequence[Unit], before: dict[Unit, int], early: int) -> list[Unit]:
    """Units one after another; among those that may run, checks and what they need, then the one
    made first."""
    present = 0
    for unit in units:
        present |= 1 << unit.number
    waiting = {u.number: u for u in units}
    needs = {u.number: before[u] & present for u in units}
    done = 0
    order: list[Unit] = []
    ready = [(not early >> n & 1, n) for n in waiting if not needs[n]]
    heapq.heapify(ready)
    queued = {n for _, n in ready}
    followers: dict[int, list[int]] = {}
    for number, mask in needs.items():
        place = mask.bit_length() - 1
        while place >= 0:
            if mask >> place & 1:
                followers.setdefault(place, []).append(number)
            place -= 1
    while ready:
        _, number = heapq.heappop(ready)
        order.append(waiting[number])
        done |= 1 << number
        for after in followers.get(number, ()):
            if after not in queued and not needs[after] & ~done:
                queued.add(after)
                heapq.heappush(ready, (not early >> after & 1, after))
    assert len(order) == len(units), "the steps depend on each other in a circle"
    return order


def is_leaf(node: Node) -> bool:
    return is_input(node) or isinstance(node.op.lower, Leaf)

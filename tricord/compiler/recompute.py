"""What is computed again where it is read, instead of being kept in memory.

A value that one group computes at every point, and only the reductions of other groups read, costs
a write and a read of all its elements. Where a few operations make it from what is in memory
anyway, and from the numbers per row that its group keeps, its readers repeat those operations.
Reductions over the same axes that then read the same memory become one group.

An example is the gradient of a layer's scale: the sum over all rows of ``g * (x - mean) / sigma``.
"""

from __future__ import annotations

from ..ir.lowering import Leaf, Scalar
from ..ir.node import Node
from .affine import domain_index
from .fusion import (
    LARGEST_GROUP,
    Fusion,
    Unit,
    independent,
    merge_units,
    operand_reads,
    squeezed,
)
from .scalars import cost

__all__ = ["recompute"]

#: Operations per element that are repeated at most, an addition being 1.
_MOST = 8
#: What has fewer elements than the value by this factor is read for free.
_SMALL = 8


def recompute(fusion: Fusion) -> Fusion:
    """Free values of groups, and merge groups that read them."""
    readers = fusion.readers()
    changed: dict[Unit, None] = {}
    for unit in fusion.units:
        if unit.opaque is not None:
            continue
        for member in list(unit.members):
            others = readers.get(member, set()) - {unit.number}
            if not others or not _is_full(fusion, unit, member):
                continue
            users = [fusion.units[n] for n in others]
            chain = _chain(fusion, unit, member, users, readers)
            if chain is not None:
                _free(fusion, unit, *chain)
                changed.update(dict.fromkeys(users))
                readers = fusion.readers()
    for unit in changed:
        _merge_siblings(fusion, unit)
    return fusion


def _is_full(fusion: Fusion, unit: Unit, node: Node) -> bool:
    """Whether a node is computed at every point of its group, and only for readers of its value."""
    return (fusion.unit_of.get(node) is unit and node not in unit.kept_members
            and node not in fusion.wanted and isinstance(node.op.lower, Scalar))


def _chain(fusion: Fusion, unit: Unit, value: Node, users: list[Unit],
           readers: dict[Node, set[int]]) -> tuple[set[Node], set[Node]] | None:
    """What is to be repeated for a value, and what that reads; None if it is not worth it."""
    if any(u.axes is None for u in users):
        return None
    chain: set[Node] = set()
    leaves: set[Node] = set()
    work, stack = 0, [value]
    while stack:
        node = stack.pop()
        if node in chain:
            continue
        chain.add(node)
        assert isinstance(node.op.lower, Scalar)
        work += cost(node.op.lower.name, node.dtype)
        if work > _MOST:
            return None
        domain = squeezed(node.shape)
        for read in operand_reads(fusion, node, domain_index(node.shape), domain):
            inner = read.node
            elsewhere = readers.get(inner, set()) - {unit.number}
            if _is_full(fusion, unit, inner) and not elsewhere:
                stack.append(inner)
                continue
            leaves.add(inner)
            small = inner.size * _SMALL <= value.size
            if not small and not isinstance(inner.op.lower, Leaf) and not elsewhere:
                return None  # it is not in memory, or need not be
    large = {n for n in leaves if n.size * _SMALL > value.size}
    added = sum(n.type.nbytes for u in users for n in large - u.leaves)
    saved = (1 + len(users)) * value.type.nbytes
    return (chain, leaves) if added <= saved else None


def _free(fusion: Fusion, unit: Unit, chain: set[Node], leaves: set[Node]) -> None:
    """Nodes of a group are from now on computed wherever they are read."""
    for node in chain:
        del fusion.unit_of[node]
    fusion.free |= chain
    unit.members = [m for m in unit.members if m not in chain]
    for other in fusion.units:
        if other.members and other.leaves & chain:
            other.leaves = (other.leaves - chain) | leaves


def _merge_siblings(fusion: Fusion, unit: Unit) -> None:
    """Reductions over the same axes of the same large memory, neither before the other."""
    for other in fusion.units:
        if (unit.members and other.members and other is not unit and other.axes == unit.axes
                and other.shape == unit.shape and independent(unit, other)
                and len(unit.members) + len(other.members) < LARGEST_GROUP
                and any(n.size > 1 for n in unit.leaves & other.leaves)):
            merge_units(fusion, unit, other)

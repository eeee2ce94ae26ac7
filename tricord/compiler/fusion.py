"""Which nodes are computed together.

A *unit* is one step of the program: an opaque node (a kernel of its own shape, a control
primitive, a library call), or a *group* of scalar functions and reductions over one domain of
loops. Nodes join the group of an operand when they read it at the very place where it is
computed:

- *full* members are computed at every point of the domain;
- *kept* members once per round of the kept loops: reductions, and what follows from them alone.

If the reduced axes are the last ones, full members may also follow reductions (softmax, layer
norm): the kernel then goes over each row several times, while it is in the cache.

Views, constants, counters and what is cheap to compute from numbers belong to no unit: they are
computed wherever they are read.

A set of bits per unit says which units come before it; joining never makes a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..ir.graph import is_input, toposort
from ..ir.lowering import Alias, Leaf, Reduction, Scalar, View
from ..ir.node import Node
from ..ir.record import pick
from .affine import Affine, Index, domain_index, flat_index, through_view
from .operands import in_memory
from .scalars import cost, supports

__all__ = ["LARGEST_GROUP", "Fusion", "Read", "Unit", "fuse", "independent", "is_opaque",
           "merge_units", "operand_reads", "squeezed"]

#: Members of one group at most, so that registers and compile time suffice.
LARGEST_GROUP = 150
#: Operations that a node may take to be computed anew at each use instead of being stored.
_CHEAP = 2


def squeezed(shape: Iterable[int]) -> tuple[int, ...]:
    """The shape without axes of size one."""
    return tuple(s for s in shape if s != 1)


@dataclass(eq=False)
class Unit:
    """One step. ``opaque``: the node, for a step that is no group."""

    number: int
    before: int = 0
    opaque: Node | None = None
    shape: tuple[int, ...] = ()
    #: reduced axes of the squeezed shape; None while there is no reduction
    axes: tuple[int, ...] | None = None
    members: list[Node] = field(default_factory=list)
    kept_members: set[Node] = field(default_factory=set)
    #: what is read from outside of any unit: inputs and constants
    leaves: set[Node] = field(default_factory=set)
    reads_dot: bool = False

    @property
    def kept_shape(self) -> tuple[int, ...]:
        return tuple(s for a, s in enumerate(self.shape) if a not in (self.axes or ()))

    @property
    def by_rows(self) -> bool:
        """Whether the reduced axes are the last ones."""
        axes = self.axes or ()
        return axes == tuple(range(len(self.shape) - len(axes), len(self.shape)))


@dataclass(frozen=True)
class Read:
    """A stored value, and where it is read: per axis, or only as a place in dense memory."""

    node: Node
    index: Index | None
    flat: Affine


class Fusion:
    """The outcome: units in the order of their making, and who computes what."""

    def __init__(self, outputs: Sequence[Node]):
        self.outputs = list(outputs)
        self.units: list[Unit] = []
        self.unit_of: dict[Node, Unit] = {}
        self.free: set[Node] = set()
        self.order = toposort(outputs)
        #: nodes that somebody wants to find in memory of their own
        self.wanted = self._wanted()

    # ---- what is what

    def _wanted(self) -> set[Node]:
        wanted = {o for o in self.outputs if not is_input(o)}
        for node in self.order:
            if is_opaque(node):
                wanted.update(self.memory_of(p, node) for p in in_memory(node))
            elif node.op.lower == View("reshape") and node.size and through_view(
                    node, domain_index(node.shape), squeezed(node.shape)) is None:
                wanted.add(self.memory_of(node.parents[0]))  # read by its place in memory alone
        return wanted

    def memory_of(self, node: Node, user: Node | None = None) -> Node:
        """What must be in memory for an opaque step to read ``node``: reshaping is for free, and
        a matrix product also takes operands with strides."""
        if user is not None and user.op.name == "dot":
            return self.strided(node)[0]
        while node.op.lower == View("reshape"):
            node = node.parents[0]
        return node

    def strided(self, node: Node) -> tuple[Node, Affine]:
        """The memory behind a view, and the place in it by loops over the view's axes."""
        index: Index | None = domain_index(node.shape)
        extents = squeezed(node.shape)
        here, flat = node, flat_index(domain_index(node.shape), node.shape)
        while index is not None and isinstance(here.op.lower, View) and (
                here.op.lower.kind in ("reshape", "transpose", "slice")) and here.dtype.kind != "c":
            index = through_view(here, index, extents)
            if index is not None:
                here = here.parents[0]
                flat = flat_index(index, here.shape)
        while here.op.lower == View("reshape"):
            here = here.parents[0]
        return here, flat

    def is_stored(self, node: Node) -> bool:
        """Whether readers find the value in memory, or in the unit they are part of."""
        return isinstance(node.op.lower, Leaf) or node in self.unit_of

    def reads(self, node: Node, index: Index, extents: Sequence[int]) -> list[Read]:
        """The stored values that computing ``node`` at ``index`` reads, through views and what is
        free; each once."""
        found: dict[Read, None] = {}
        stack: list[tuple[Node, Index | None, Affine]] = [
            (node, index, flat_index(index, node.shape))]
        seen = set()
        while stack:
            at = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            here, place, flat = at
            if self.is_stored(here):
                found[Read(here, place, flat)] = None
                continue
            way = here.op.lower
            if isinstance(way, View):
                if not here.parents:  # a counter
                    continue
                parent = here.parents[0]
                if way.kind == "reshape":
                    inner = None if place is None else through_view(here, place, extents)
                    stack.append((parent, inner, flat))
                else:
                    assert place is not None
                    inner = through_view(here, place, extents)
                    assert inner is not None
                    stack.append((parent, inner, flat_index(inner, parent.shape)))
            else:
                stack += [(p, place, flat) for p in reversed(here.parents)]
        return list(found)

    def readable(self, node: Node, index: Index, extents: Sequence[int]) -> bool:
        """Whether a view chain is affine all the way to what is stored."""
        stack: list[tuple[Node, Index | None]] = [(node, index)]
        while stack:
            here, place = stack.pop()
            if self.is_stored(here):
                continue
            if place is None:
                return False
            way = here.op.lower
            if isinstance(way, View):
                if here.parents:
                    stack.append((here.parents[0], through_view(here, place, extents)))
            else:
                stack += [(p, place) for p in here.parents]
        return True

    def readers(self) -> dict[Node, set[int]]:
        """For each stored node, the numbers of the units that read it from memory; -1 is the
        caller."""
        readers: dict[Node, set[int]] = {o: {-1} for o in self.outputs}
        for unit in self.units:
            if not unit.members:
                continue
            if unit.opaque is not None:
                read = {self.memory_of(p, unit.opaque) for p in in_memory(unit.opaque)}
            else:
                read = unit.leaves - set(unit.members)
            for node in read:
                readers.setdefault(node, set()).add(unit.number)
        return readers

    # ---- making units

    def new_unit(self, before: int, **facts: object) -> Unit:
        unit = Unit(len(self.units), before, **facts)  # type: ignore[arg-type]
        self.units.append(unit)
        return unit

    def add_before(self, unit: Unit, before: int) -> None:
        """``unit`` now also comes after ``before``; so does what comes after it."""
        new = before & ~unit.before
        if not new:
            return
        bit = 1 << unit.number
        unit.before |= new
        for other in self.units:
            if other.before & bit:
                other.before |= new


def is_opaque(node: Node) -> bool:
    """Whether a node is a step of its own."""
    if node.op is pick or isinstance(node.op.lower, (Leaf, Alias)):
        return False
    way = node.op.lower
    if isinstance(way, Scalar):
        return not supports(way.name, [p.dtype for p in node.parents], node.dtype)
    if isinstance(way, (Reduction, View)):
        return node.dtype.kind == "c" or any(p.dtype.kind == "c" for p in node.parents)
    return True


def fuse(outputs: Sequence[Node]) -> Fusion:
    """Assign every node that must be computed to a unit."""
    fusion = Fusion(outputs)
    for node in fusion.order:
        way = node.op.lower
        if isinstance(way, Leaf):
            continue
        if node.op is pick:
            fusion.unit_of[node] = fusion.unit_of[node.parents[0]]
        elif is_opaque(node):
            _opaque(fusion, node)
        elif not node.size or (node not in fusion.wanted and _is_free(fusion, node)):
            fusion.free.add(node)
        elif isinstance(way, View):
            if not _view_is_free(fusion, node):
                _assign(fusion, node)
        else:
            _assign(fusion, node)
    return fusion


def _opaque(fusion: Fusion, node: Node) -> None:
    before = 0
    for parent in in_memory(node):
        source = fusion.memory_of(parent, node)
        unit = fusion.unit_of.get(source)
        if unit is not None:
            before |= unit.before | 1 << unit.number
    fusion.unit_of[node] = fusion.new_unit(before, opaque=node, members=[node])


def _view_is_free(fusion: Fusion, node: Node) -> bool:
    if node in fusion.wanted:
        return False
    if not node.parents:
        return True
    shape = squeezed(node.shape)
    return fusion.readable(node, domain_index(node.shape), shape)


def _is_free(fusion: Fusion, node: Node) -> bool:
    """Cheap, and made of nothing that had to be computed first: inputs, constants, counters."""
    way = node.op.lower
    if not isinstance(way, Scalar):
        return False
    total = 0
    stack, seen = [node], set()
    while stack:
        here = stack.pop()
        if here in seen:
            continue
        seen.add(here)
        if isinstance(here.op.lower, Leaf):
            continue
        if here in fusion.unit_of:
            return False
        if isinstance(here.op.lower, Scalar):
            # What is computed from single numbers is computed once, outside of the loops.
            total += cost(here.op.lower.name, here.dtype) if here.size > 1 else 0
        if total > _CHEAP or len(seen) > 40:
            return False
        stack += here.parents
    index = domain_index(node.shape)
    return fusion.readable(node, index, squeezed(node.shape))


def _assign(fusion: Fusion, node: Node) -> None:
    """Put a scalar function, a reduction or a copy into a group."""
    way = node.op.lower
    reduction = isinstance(way, Reduction)
    over = node.parents[0] if reduction else node
    domain = squeezed(over.shape)
    axes = _squeezed_axes(over.shape, node.params.axes) if reduction else None
    index = domain_index(over.shape)
    reads = operand_reads(fusion, node, index, domain)
    edges: dict[Unit, list[Read]] = {}
    leaves = set()
    for read in reads:
        unit = fusion.unit_of.get(read.node)
        if unit is None:
            leaves.add(read.node)
        else:
            edges.setdefault(unit, []).append(read)
    before = 0
    for unit in edges:
        before |= unit.before | 1 << unit.number

    joined = None
    for unit in sorted(edges, key=lambda u: (len(u.shape) < len(domain), -u.number)):
        if _may_join(unit, node, domain, axes, edges) and _no_circle(unit, edges):
            joined = unit
            break
    if joined is None:
        joined = _sibling(fusion, domain, axes, leaves, edges, before)
    if joined is None:
        joined = fusion.new_unit(before, shape=domain)
    elif domain == joined.shape:
        for unit in list(edges):
            if (unit is not joined and unit.axes is None and independent(joined, unit)
                    and _no_circle(unit, edges)
                    and _may_join(unit, node, domain, axes, edges)
                    and len(joined.members) + len(unit.members) < LARGEST_GROUP):
                merge_units(fusion, joined, unit)
                edges.setdefault(joined, []).extend(edges.pop(unit))
    _join(fusion, joined, node, domain, axes, leaves, edges)


def operand_reads(fusion: Fusion, node: Node, index: Index, domain: Sequence[int]) -> list[Read]:
    """The stored values that a member of a group reads, computed at an index."""
    if isinstance(node.op.lower, View):  # a copy
        parent = node.parents[0] if node.parents else None
        if parent is None:
            return []
        inner = through_view(node, index, domain)
        flat = (flat_index(index, node.shape) if inner is None
                else flat_index(inner, parent.shape))
        if inner is None:
            source = fusion.memory_of(parent)
            return [Read(source, None, flat)]
        return fusion.reads(parent, inner, domain)
    found: dict[Read, None] = {}
    for parent in node.parents:
        found.update(dict.fromkeys(fusion.reads(parent, index, domain)))
    return list(found)


def _squeezed_axes(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(sum(s != 1 for s in shape[:a]) for a in axes if shape[a] != 1)


def _no_circle(unit: Unit, edges: Iterable[Unit]) -> bool:
    """Whether nothing that the node reads comes after the unit."""
    bit = 1 << unit.number
    return not any(other.before & bit for other in edges if other is not unit)


def _may_join(unit: Unit, node: Node, domain: tuple[int, ...], axes: tuple[int, ...] | None,
              edges: dict[Unit, list[Read]]) -> bool:
    if unit.opaque is not None or len(unit.members) >= LARGEST_GROUP:
        return False
    if axes is not None:
        if domain != unit.shape or unit.axes not in (None, axes):
            return False
        by_rows = axes == tuple(range(len(domain) - len(axes), len(domain)))
        if not by_rows and unit.axes is None and unit.reads_dot:
            return False  # better the epilogue of the product
        return all(_read_where_made(unit, r, domain, True, axes) for r in edges[unit])
    if domain == unit.shape:
        return all(_read_where_made(unit, r, domain, True, unit.axes) for r in edges[unit])
    if unit.axes is not None and domain == unit.kept_shape:
        return all(_read_where_made(unit, r, domain, False, unit.axes) for r in edges[unit])
    return False


def _read_where_made(unit: Unit, read: Read, domain: tuple[int, ...], full: bool,
                     axes: tuple[int, ...] | None) -> bool:
    """Whether a member of the unit is read at the point of the domain that computes it."""
    if read.index is None:
        return False
    made_kept = read.node in unit.kept_members
    if not full:
        return made_kept and read.index == domain_index(read.node.shape)
    if not made_kept:
        return squeezed(read.node.shape) == domain and read.index == domain_index(read.node.shape)
    if unit.axes is None or not unit.by_rows:
        return False
    kept = [k for k in range(len(domain)) if k not in unit.axes]
    parts = [p for p, s in zip(read.index, read.node.shape, strict=True) if s != 1]
    return parts == [Affine(0, ((k, 1),)) for k in kept]


def _sibling(fusion: Fusion, domain: tuple[int, ...], axes: tuple[int, ...] | None,
             leaves: set[Node], edges: dict[Unit, list[Read]], before: int) -> Unit | None:
    """A group over the same domain that reads some of the same memory, and comes neither before
    nor after."""
    shared = {r.node for reads in edges.values() for r in reads} | leaves
    large = {n for n in shared if n.size > 1}
    for unit in reversed(fusion.units[-64:]):
        if unit.opaque is not None or unit.shape != domain or len(unit.members) > 60:
            continue
        if before >> unit.number & 1 or unit in edges:
            continue
        if axes is not None and unit.axes != axes:
            continue
        if large & unit.leaves:
            return unit
    return None


def _join(fusion: Fusion, unit: Unit, node: Node, domain: tuple[int, ...],
          axes: tuple[int, ...] | None, leaves: set[Node], edges: dict[Unit, list[Read]]) -> None:
    unit.members.append(node)
    fusion.unit_of[node] = unit
    if axes is not None:
        unit.axes = axes
        unit.kept_members.add(node)
    elif unit.axes is not None and domain != unit.shape:
        unit.kept_members.add(node)
    unit.leaves |= leaves
    before = 0
    for other, reads in edges.items():
        if other is unit:
            continue
        before |= other.before | 1 << other.number
        unit.leaves.update(r.node for r in reads)
        if other.opaque is not None and other.opaque.op.name == "dot":
            unit.reads_dot = True
    fusion.add_before(unit, before)


def independent(one: Unit, other: Unit) -> bool:
    """Whether neither comes before the other."""
    return not (one.before >> other.number & 1 or other.before >> one.number & 1)


def merge_units(fusion: Fusion, unit: Unit, other: Unit) -> None:
    """All members of ``other``, which is independent of it, become members of ``unit``."""
    for member in other.members:
        fusion.unit_of[member] = unit
    unit.members += other.members
    unit.kept_members |= other.kept_members
    unit.leaves |= other.leaves
    unit.reads_dot |= other.reads_dot
    bit = 1 << other.number
    fusion.add_before(unit, other.before)
    after = unit.before | 1 << unit.number
    for third in fusion.units:
        if third.before & bit:
            fusion.add_before(third, after)
    other.members = []
    other.shape = (-1,)  # nothing joins it any more

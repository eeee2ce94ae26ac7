"""What each pass promises to the next one, checked: `pipeline` asks after every pass.

The checks take nothing from the pass that they check: what is read and when is found out anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..errors import VerifierError
from ..ir.lowering import Kernel, Leaf, Reduction, Scalar
from ..ir.node import Node
from ..ir.record import pick
from .affine import domain_index
from .fusion import Fusion, Unit, is_opaque, operand_reads, squeezed
from .loops import Apply, Load, Nest, Reduce
from .memory import ALIGN, Kernels, Layout
from .operands import in_memory
from .program import NativePlan
from .schedule import Schedule
from .steps import Call, Place, Scratch

__all__ = ["verify_fusion", "verify_kernels", "verify_memory", "verify_program",
           "verify_schedule"]


def _require(fact: bool, after: str, message: str) -> None:
    if not fact:
        raise VerifierError(f"after {after}: {message}")


# ---- fuse

def verify_fusion(fusion: Fusion) -> None:
    """Every node has its place, and every read is of something computed before."""
    for node in fusion.order:
        if isinstance(node.op.lower, Leaf):
            continue
        unit = fusion.unit_of.get(node)
        if node.op is pick:
            _require(unit is not None and unit is fusion.unit_of.get(node.parents[0]), "fuse",
                     f"{node} is apart from what it is a part of")
        elif is_opaque(node):
            _require(unit is not None and unit.opaque is node, "fuse",
                     f"{node} is no step of its own")
        elif unit is None:
            computed = isinstance(node.op.lower, (Scalar, Reduction))
            _require(not computed or node in fusion.free, "fuse", f"{node} is computed nowhere")
        else:
            _require(unit.opaque is None and unit.members.count(node) == 1, "fuse",
                     f"{node} is not once in its group")
    for unit in fusion.units:
        if unit.members:
            _verify_unit(fusion, unit)


def _verify_unit(fusion: Fusion, unit: Unit) -> None:
    before = unit.before
    _require(not before >> unit.number & 1, "fuse", f"unit {unit.number} comes before itself")
    for other in fusion.units:
        if other.members and before >> other.number & 1:
            _require(not other.before & ~before, "fuse", f"unit {unit.number} comes after "
                     f"{other.number}, but not after all that {other.number} does")
    place = {member: i for i, member in enumerate(unit.members)}
    for member, read in _unit_reads(fusion, unit):
        source = fusion.unit_of.get(read)
        if source is unit:
            _require(place[read] < place[member], "fuse", f"{member} reads {read}, which its group "
                     "computes later")
        elif source is not None:
            _require(bool(before >> source.number & 1), "fuse",
                     f"{member} reads {read} of unit {source.number}, which unit {unit.number} "
                     "does not come after")
        else:
            _require(isinstance(read.op.lower, Leaf), "fuse", f"{member} reads {read}, which "
                     "nobody computes")


def _unit_reads(fusion: Fusion, unit: Unit) -> Iterator[tuple[Node, Node]]:
    """Pairs of a member and a stored value or another member that it reads."""
    if unit.opaque is not None:
        for operand in in_memory(unit.opaque):
            source = fusion.memory_of(operand, unit.opaque)
            if source.size:
                yield unit.opaque, source
        return
    for member in unit.members:
        shape = (member.parents[0] if isinstance(member.op.lower, Reduction) else member).shape
        for read in operand_reads(fusion, member, domain_index(shape), squeezed(shape)):
            yield member, read.node


# ---- schedule

def verify_schedule(schedule: Schedule) -> None:
    """Each step reads only what is stored before it; all outputs are stored; all that may refuse
    comes first."""
    fusion = schedule.fusion
    stored: set[Node] = set()
    products = {s.product for s in schedule.steps if s.product is not None}
    for number, step in enumerate(schedule.steps):
        own = set(step.unit.members)
        reads = [r for _, r in _unit_reads(fusion, step.unit) if r not in own]
        if step.product is not None:
            _require(step.product in reads, "schedule",
                     f"step {number} does not read the product it is the epilogue of")
            reads = [r for r in reads if r is not step.product]
            reads += [r for _, r in _unit_reads(fusion, fusion.unit_of[step.product])]
        for read in reads:
            _require(read not in products, "schedule",
                     f"step {number} reads {read}, which goes into another step's epilogue")
            _require(isinstance(read.op.lower, Leaf) or read in stored, "schedule",
                     f"step {number} reads {read}, which is not stored before")
        stored.update(step.stored)
        way = None if step.unit.opaque is None else step.unit.opaque.op.lower
        if isinstance(way, Kernel) and way.refusal is not None:
            _require(number < schedule.checks, "schedule", f"step {number} may refuse, but is not "
                     "among the checks")
    for output in fusion.outputs:
        _require(isinstance(output.op.lower, Leaf) or output in stored or not output.size,
                 "schedule", f"the output {output} is not stored")


# ---- kernels

def verify_kernels(kernels: Kernels) -> None:
    """Memory is written before it is read and never after; indices stay inside of it."""
    written: set[Node | Scratch] = set()
    read: set[Node | Scratch] = set()
    for number, call in enumerate(kernels.calls):
        name = f"kernel {number} ({call.label})"
        for place in call.reads:
            key = _key(place)
            _require(_is_given(key) or key in written, "kernels",
                     f"{name} reads {key}, which is not written before")
            read.add(key)
        for place in call.writes:
            key = _key(place)
            _require(key not in read or key in map(_key, call.reads), "kernels",
                     f"{name} writes {key}, which was read before")
            _require(not isinstance(key, Node) or not isinstance(key.op.lower, Leaf), "kernels",
                     f"{name} writes to {key}, which is given")
            written.add(key)
        _require(set(map(_key, call.pointers)) <= {*map(_key, call.reads),
                                                   *map(_key, call.writes)},
                 "kernels", f"{name} has a pointer that it neither reads nor writes")
        _require(call.kernel.tasks >= 1, "kernels", f"{name} has no tasks")
        for nest, pointers in _nests(call):
            _verify_nest(nest, pointers, name)
    for output in kernels.outputs:
        _require(_is_given(output) or output in written, "kernels",
                 f"the output {output} is not written")


def _key(place: Place | Scratch) -> Node | Scratch:
    return place if isinstance(place, Scratch) else place.node


def _is_given(key: Node | Scratch) -> bool:
    return isinstance(key, Node) and (isinstance(key.op.lower, Leaf) or not key.size)


def _nests(call: Call) -> Iterable[tuple[Nest, Sequence[Place | Scratch]]]:
    """Loops of a kernel, and what their buffers are."""
    nest = getattr(call.kernel, "nest", None)
    if nest is not None:
        yield nest, call.pointers
    epilogue = getattr(call.kernel, "epilogue", None)
    if epilogue is not None:
        yield epilogue.nest, call.pointers[3:]


def _verify_nest(nest: Nest, pointers: Sequence[Place | Scratch], name: str) -> None:
    for number, value in enumerate(nest.values):
        operands = (value.operands if isinstance(value, Apply) else
                    (value.operand,) if isinstance(value, Reduce) else ())
        _require(all(o < number for o in operands), "kernels",
                 f"{name}: value %{number} uses a later one")
    places = [(v.buffer, v.at) for v in nest.values if isinstance(v, Load)]
    places += [(s.buffer, s.at) for s in nest.stores]
    for buffer, at in places:
        place = pointers[buffer]
        assert isinstance(place, Place)
        _require(nest.buffers[buffer] is place.node.dtype, "kernels",
                 f"{name}: buffer {buffer} is {nest.buffers[buffer]}, not {place.node.dtype}")
        low, high = at.bounds(nest.extents)
        _require(low + place.offset >= 0 and high + place.offset < place.node.size, "kernels",
                 f"{name}: index {at.text([f'i{k}' for k in range(len(nest.extents))])} of "
                 f"{place.node} runs from {low} to {high}")


# ---- memory

def verify_memory(layout: Layout) -> None:
    """Values that live at the same time lie apart, and inside of the arena."""
    calls = layout.kernels.calls
    lives: dict[Node | Scratch, tuple[int, int]] = {}
    for number, call in enumerate(calls):
        for key in map(_key, (*call.reads, *call.writes)):
            lives[key] = (lives.get(key, (number, number))[0], number)
    placed = []
    for key, (first, last) in lives.items():
        nbytes = key.nbytes if isinstance(key, Scratch) else key.type.nbytes
        if key in layout.entries or not nbytes:
            continue
        _require(key in layout.arena, "memory", f"{key} has no place")
        at = layout.arena[key]
        _require(at % ALIGN == 0 and at >= 0 and at + nbytes <= layout.arena_bytes, "memory",
                 f"{key} at {at} is not in the arena of {layout.arena_bytes}, or not aligned")
        placed.append((at, at + nbytes, first, last, key))
    placed.sort(key=lambda p: p[0])
    for i, (_, stop, first, last, key) in enumerate(placed):
        for at, _, other_first, other_last, other in placed[i + 1:]:
            if at >= stop:
                break
            _require(last < other_first or other_last < first, "memory",
                     f"{key} and {other} overlap, and live at the same time")
    _require(len(set(layout.entries.values())) == len(layout.entries), "memory",
             "two values have one entry of the context")
    _verify_donations(layout)


def _verify_donations(layout: Layout) -> None:
    """A result over an argument: written once, when nobody reads the argument any more."""
    slots = {n.params.slot: n for n in layout.slots}
    calls, checked = layout.kernels.calls, layout.kernels.checked
    written: dict[Node | Scratch, list[int]] = {}
    last_read: dict[Node | Scratch, int] = {}
    for number, call in enumerate(calls):
        for key in set(map(_key, call.writes)):
            written.setdefault(key, []).append(number)
        for key in map(_key, call.reads):
            last_read[key] = number
    for output, slot in layout.may_donate:
        result, argument = layout.kernels.outputs[output], slots[slot]
        when, last = written[result], last_read.get(argument, -1)
        if result.type == argument.type and len(when) == 1 and when[0] >= checked and (
                last < when[0] or (last == when[0] and (result, argument) in calls[last].in_place)):
            continue  # there are many; text is made for those that are wrong
        raise VerifierError(f"after memory: {result} is written over {argument}, which is still "
                            "wanted, or of another type")


# ---- program

def verify_program(plan: NativePlan) -> None:
    """Outputs name results or arguments that there are."""
    for kind, index in plan.outputs:
        _require(kind == "argument" or (kind == "result" and index < plan.results), "program",
                 f"an output is {kind} {index}, which there is not")
    _require("define  i64 @program(" in plan.text or "define i64 @program(" in plan.text,
             "program", "there is no function to call")

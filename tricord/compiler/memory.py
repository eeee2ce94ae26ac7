"""Where every value is.

Every value that kernels hand on gets a place: an argument, a result, a constant, or part of the
*arena*, one block of memory in which places are used again as soon as nobody reads them any more.
The program finds them through its *context*, an array of addresses: arguments, results, constants,
then the arena, the status block and the threads' scratch memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..ir.graph import is_input
from ..ir.node import Node
from ..ir.ops.structural import constant_value
from ..ir.shapes import TensorType
from .schedule import Schedule
from .steps import Call, Place, Scratch, calls_of
from .target import Target

__all__ = ["ALIGN", "Kernels", "Layout", "kernels", "memory"]

#: What every place in the arena begins at a multiple of.
ALIGN = 64


@dataclass(frozen=True, eq=False)
class Kernels:
    """All kernels of a program, in order. The first ``checked`` hold all that may refuse values."""

    outputs: tuple[Node, ...]
    calls: tuple[Call, ...]
    checked: int


@dataclass(eq=False)
class Layout:
    """Where every place is: which entry of the context, and how many bytes into the arena."""

    kernels: Kernels
    slots: list[Node]
    results: list[Node]
    #: output number -> result number, or argument slot for an output that is an input
    outputs: tuple[tuple[str, int], ...]
    constants: list[Node]
    entries: dict[Node, int] = field(default_factory=dict)
    arena: dict[Node | Scratch, int] = field(default_factory=dict)
    arena_bytes: int = 0
    #: pairs (output, argument slot) whose memory may be one
    may_donate: frozenset[tuple[int, int]] = frozenset()

    @property
    def arena_entry(self) -> int:
        return len(self.entries)


def kernels(schedule: Schedule, target: Target) -> Kernels:
    """The kernels of all steps of a schedule."""
    calls: list[Call] = []
    checked = 0
    for number, step in enumerate(schedule.steps):
        calls += calls_of(schedule.fusion, step, target)
        if number + 1 == schedule.checks:
            checked = len(calls)
    return Kernels(tuple(schedule.fusion.outputs), tuple(calls), checked)


def memory(kernels: Kernels) -> Layout:
    """A place for everything that the kernels touch."""
    results, outputs = _results(kernels.outputs)
    slots, constants = _leaves(kernels.calls)
    layout = Layout(kernels, slots, results, outputs, constants)
    for i, node in enumerate([*slots, *results, *constants]):
        layout.entries[node] = i
    layout.arena_bytes = _arena(kernels.calls, layout)
    layout.may_donate = _donations(kernels.calls, results, outputs, kernels.checked)
    return layout


def _results(outputs: Sequence[Node]) -> tuple[list[Node], tuple[tuple[str, int], ...]]:
    """Distinct results, and for each output which one it is."""
    results: dict[Node, int] = {}
    found = []
    for node in outputs:
        if is_input(node):
            found.append(("argument", node.params.slot))
        else:
            found.append(("result", results.setdefault(node, len(results))))
    return list(results), tuple(found)


def _leaves(calls: Sequence[Call]) -> tuple[list[Node], list[Node]]:
    """Inputs in order of slot, and constants, that kernels read."""
    inputs: dict[Node, None] = {}
    constants: dict[Node, None] = {}
    for call in calls:
        for place in call.pointers:
            if isinstance(place, Place) and not place.node.parents:
                if is_input(place.node):
                    inputs[place.node] = None
                elif constant_value(place.node) is not None:
                    constants[place.node] = None
    return sorted(inputs, key=lambda n: n.params.slot), list(constants)


# ---- the arena

@dataclass(eq=False)
class _Lifetime:
    nbytes: int
    first: int
    last: int
    offset: int = -1


def _arena(calls: Sequence[Call], layout: Layout) -> int:
    """Offsets of everything that lives between kernels: the largest first, each in the lowest gap
    that is free during its life."""
    lives: dict[Node | Scratch, _Lifetime] = {}
    for number, call in enumerate(calls):
        for place in call.pointers:
            key: Node | Scratch = place if isinstance(place, Scratch) else place.node
            if isinstance(key, Node) and (key in layout.entries or not key.size):
                continue
            nbytes = key.nbytes if isinstance(key, Scratch) else key.type.nbytes
            life = lives.setdefault(key, _Lifetime(nbytes, number, number))
            life.last = number
    total = 0
    placed: list[_Lifetime] = []
    for key, life in sorted(lives.items(), key=lambda kv: (-kv[1].nbytes, kv[1].first)):
        size = -(-life.nbytes // ALIGN) * ALIGN
        busy = sorted((o.offset, o.offset + -(-o.nbytes // ALIGN) * ALIGN) for o in placed
                      if o.first <= life.last and life.first <= o.last)
        at = 0
        for start, stop in busy:
            if at + size <= start:
                break
            at = max(at, stop)
        life.offset = at
        layout.arena[key] = at
        placed.append(life)
        total = max(total, at + size)
    return total


# ---- results in the memory of arguments

def _donations(calls: Sequence[Call], results: Sequence[Node],
               outputs: Sequence[tuple[str, int]], checked: int) -> frozenset[tuple[int, int]]:
    """Results that may be written over an argument: it is of the same type, is read last by the
    kernel that writes the result, there only at the place it writes, and all checks are done."""
    last_read: dict[Node, int] = {}
    reads_of: list[list[Node]] = []
    writers: dict[Node, int] = {}
    for number, call in enumerate(calls):
        nodes = [p.node for p in call.reads if isinstance(p, Place)]
        reads_of.append(nodes)
        for node in nodes:
            last_read[node] = number
        for node in {w.node for w in call.writes if isinstance(w, Place)}:
            writers[node] = writers.get(node, 0) + 1
    returned = {slot for kind, slot in outputs if kind == "argument"}
    output_of = {results[r]: o for o, (kind, r) in reversed(list(enumerate(outputs)))
                 if kind == "result"}
    #: arguments that may be written over, by type
    arguments: dict[TensorType, list[Node]] = {}
    for node in last_read:
        if is_input(node) and node.params.slot not in returned:
            arguments.setdefault(node.type, []).append(node)
    found = set()
    for number, call in enumerate(calls[checked:], start=checked):
        for node in {w.node for w in call.writes if isinstance(w, Place)}:
            if node not in output_of or writers[node] != 1:
                continue
            for other in arguments.get(node.type, ()):
                when = last_read[other]
                if when < number or (when == number and (node, other) in call.in_place
                                     and reads_of[number].count(other) == 1):
                    found.add((output_of[node], other.params.slot))
    return frozenset(found)

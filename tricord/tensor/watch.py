"""What happens during a call that may be replayed later, and the plan that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from ..ir.node import Node
from .guards import Guard
from .handle import Handle
from .plan import Plan
from .recorder import Segment
from .views import Detach

__all__ = ["LOOKED_AT", "Watch", "plan_of"]

LOOKED_AT = "a value that it computes is looked at before it ends (item, print, if, ...)"
#: References to a handle that only the list of live ones, the loop and the question know.
_UNHELD = 3


class Watch:
    """What happens during one watched call."""

    def __init__(self) -> None:
        self.refused: str | None = None
        self.cuts = 0
        self.values: list[Any] = []
        self.owners: list[Handle | None] = []
        #: handles that were written to, from outside or not
        self.written: list[Handle] = []
        self.live: list[tuple[Handle, Node]] = []
        self.carrying: set[int] = set()
        self.steps: list[tuple[Any, int]] = []
        self.keys: list[tuple[Any, Handle, int]] = []
        #: tensors whose values Python has seen, and those
        self.looked: list[tuple[Handle, Any]] = []
        #: outputs of the program that was run, and the program
        self.program: tuple[tuple[Node, ...], Any] | None = None

    def refuse(self, reason: str) -> None:
        """This call cannot be replayed."""
        self.refused = self.refused or reason

    def cut(self, segment: Segment, live: Sequence[Handle], nodes: Sequence[Node],
            program: Any) -> None:
        """The segment is evaluated; this is the last moment to look at it."""
        self.cuts += 1
        if self.cuts > 1:
            self.refuse(LOOKED_AT)
            return
        self.values, self.owners = list(segment.values), list(segment.owners)
        self.written = [h for h, _, _ in segment.before]
        self.live = list(zip(live, nodes, strict=True))
        self.carrying = {i for i, _ in program.history.carrying}
        if not program.history.residuals and program.waiting is None:
            self.program = (tuple(nodes), program.run)

    def stepped(self, update: Any, first: int) -> None:
        """An optimizer's update was recorded; its numbers are operands from ``first`` on."""
        self.steps.append((update, first))

    def drew(self, generator: Any, key: Handle, draws: int) -> None:
        """A generator began to draw, after so many draws before."""
        self.keys.append((generator, key, draws))


def plan_of(watch: Watch, arguments: Sequence[Handle], leaves: Sequence[Any],
            structure: Any) -> Plan | None:
    """A plan from what was seen; None, with the reason in the watch, if there can be none."""
    place = {id(a): i for i, a in enumerate(arguments)}
    plan = Plan(_sources(watch, place), structure)
    plan.guards = _guards_of_looks(watch, arguments)
    for update, _ in watch.steps:
        if not update.may_repeat():
            watch.refuse("the optimizer has hooks, or guards against gradients that are not finite")
    nodes: list[Node] = []
    live = {id(handle) for handle, _ in watch.live}
    sources = [leaf if id(leaf) in live else _undetached(leaf) for leaf in leaves]
    numbers = _outputs(plan, watch, sources, nodes, place)
    if watch.refused:
        return None
    plan.nodes = tuple(nodes)
    for leaf, source in zip(leaves, sources, strict=True):
        if not isinstance(leaf, Handle):
            plan.leaves.append(("value", leaf, None))
        elif id(leaf) in place:
            plan.leaves.append(("argument", place[id(leaf)], None))
        elif leaf._link is not None and (id(leaf._link.base) in place
                                         or any(leaf._link.base is o for o in plan.outside())):
            watch.refuse("it returns a view of a tensor from outside")
            return None
        elif id(source) in numbers:
            shared = _undetached(leaf)
            if shared is not leaf and any(other is not leaf and _undetached(other) is shared
                                          for other in leaves):
                watch.refuse("it returns a tensor and another that shares its memory")
                return None
            plan.leaves.append(("result", numbers[id(source)], (type(leaf), leaf._graph_freed)))
        else:
            plan.leaves.append(("value", leaf, None))
    return plan


def _guards_of_looks(watch: Watch, arguments: Sequence[Handle]) -> list[Guard]:
    """What was looked at must be what it was: tensors from outside, that is. What is given and what
    is computed is not the same each time."""
    given = {id(_owner(a._value)) for a in arguments}
    computed = {id(_owner(h._value)) for h, _ in watch.live}
    guards = []
    # Python may look at one value many times.
    for handle, value in {(id(h), id(v)): (h, v) for h, v in watch.looked}.values():
        owner = id(_owner(value))
        if owner in computed:
            watch.refuse(LOOKED_AT)
        elif owner in given:
            watch.refuse("the value of an argument is looked at (item, print, if, ...)")
        else:
            guards.append(Guard(
                f"whether a tensor that it looks at, {value.dtype} of shape {value.shape}, has its "
                "old value", lambda h=handle, v=value: h._value is v, True))
    return guards


def _owner(value: Any) -> Any:
    """The array that a view is of."""
    while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        value = value.base
    return value


def _undetached(leaf: Any) -> Any:
    """What a result of `detach` was made from; anything else as it is."""
    if isinstance(leaf, Handle) and leaf._link is not None and all(
            isinstance(step, Detach) for step in leaf._link.steps):
        return leaf._link.base
    return leaf


def _sources(watch: Watch, place: dict[int, int]) -> list[tuple[Any, ...]]:
    """Where each operand came from."""
    sources: list[tuple[Any, ...]] = [()] * len(watch.values)
    for update, first in watch.steps:
        for slot, source in update.operands(first):
            sources[slot] = source
    generators = {id(key): (generator, draws) for generator, key, draws in watch.keys}
    for slot, owner in enumerate(watch.owners):
        if sources[slot]:
            continue
        if id(owner) in place:
            sources[slot] = ("argument", place[id(owner)])
        elif id(owner) in generators:
            generator, draws = generators[id(owner)]
            sources[slot] = ("key", (generator, generator.draws - draws))
        else:
            sources[slot] = ("tensor", owner, watch.values[slot])
    return sources


def _outputs(plan: Plan, watch: Watch, leaves: Sequence[Any], nodes: list[Node],
             place: dict[int, int]) -> dict[int, int]:
    """Which results are wanted, and by whom; by handle, their numbers."""
    written = {id(h) for h in watch.written}
    returned = {id(v) for v in leaves if isinstance(v, Handle)}
    #: what results of `detach` hold on to
    behind = {id(_undetached(v)) for v in leaves if isinstance(v, Handle)} - returned
    gradients = {id(h._grad): h for h in watch.owners if h is not None and h._grad is not None}
    slots = {id(source[1]): slot for slot, source in enumerate(plan.sources)
             if source[0] in ("tensor", "slot")}
    numbers: dict[int, int] = {}
    for index, (handle, node) in enumerate(watch.live):
        me = id(handle)
        if me not in written and me not in returned and me not in gradients:
            if getrefcount(handle) > _UNHELD + (me in behind):
                watch.refuse(f"a tensor that it computes, {handle.dtype} of shape "
                             f"{tuple(handle.shape)}, is kept elsewhere than in its result")
            continue
        if me in numbers:
            continue
        if index in watch.carrying and me not in written:
            watch.refuse("a result wants a gradient: it is recorded as part of the program around "
                         "it, which is compiled as a whole")
        number = numbers[me] = len(nodes)
        nodes.append(node)
        if me in written:
            if handle._views or handle._link is not None:
                watch.refuse("it writes to a tensor that has views")
            if me in place:
                plan.written_arguments.append((number, place[me]))
            else:
                plan.written.append((number, handle))
            if me in slots:
                plan.rewritten.append((number, slots[me]))
        elif me in gradients:
            leaf = gradients[me]
            if id(leaf) in place:
                plan.gradients_of_arguments.append((number, place[id(leaf)], type(handle)))
            else:
                plan.gradients.append((number, leaf, type(handle)))
    return numbers

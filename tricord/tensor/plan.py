"""One program that stands for a call: where its operands come from, where its results go.

What is gathered anew at each replay: arguments, tensors from outside (parameters, buffers), the
scalars of an optimizer's step, the keys of random draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from sys import getrefcount
from typing import Any

from .. import settings
from ..ir.node import Node
from ..runtime.devices import circumstances
from . import trees
from .guards import Guard
from .handle import Handle
from .recorder import value_of, wrap

__all__ = ["AGAIN", "Plan", "difference"]

#: References to an operand that only its handle, the list of operands and the question know.
_HELD_BY_ITS_HANDLE = 3
#: the same, and a name
_HELD_HERE_TOO = 4


class Plan:
    """How one signature is replayed."""

    def __init__(self, sources: Sequence[tuple[Any, ...]], structure: Any):
        self.sources = tuple(sources)
        self.nodes: tuple[Node, ...] = ()
        #: who holds each operand: tensors from outside, constants, or nobody yet
        self.holders: list[Any] = [_EMPTY] * len(sources)
        #: (slot, number) of arguments
        self.arguments: list[tuple[int, int]] = []
        #: updates and the slots of their scalars; (slot, generator, draws)
        self.steps: list[tuple[Any, list[int]]] = []
        self.keys: list[tuple[int, Any, int]] = []
        #: (output, handle) of tensors that are written to, and (output, slot) of their old values
        self.written: list[tuple[int, Handle]] = []
        self.rewritten: list[tuple[int, int]] = []
        #: (output, leaf, class) of gradients
        self.gradients: list[tuple[int, Handle, type[Handle]]] = []
        #: the same of arguments, by their number
        self.written_arguments: list[tuple[int, int]] = []
        self.gradients_of_arguments: list[tuple[int, int, type[Handle]]] = []
        #: what the function returns: structure, and per leaf how to get it
        self.structure = structure
        self.leaves: list[tuple[str, Any, Any]] = []
        self.guards: list[Guard] = []
        #: tensors from outside, and what the program was recorded for
        self.outer: list[Handle] = []
        self.facts: list[Any] = []
        self.is_flat = isinstance(structure, tuple) and structure[0] is tuple and not any(
            child is not None for child in structure[1])
        self.run: Any = None
        #: what the program was made under
        self.settings: Any = None
        self.around: Any = None
        #: the only native part of the program, if it is all there is to it, and its empty results
        self.part: Any = None
        self.results: list[Any] = []

    def outside(self) -> list[Any]:
        """Tensors that operands came from."""
        return [s[1] for s in self.sources if s[0] in ("tensor", "slot")]

    def fill(self, before: Plan) -> None:
        """Slots by what they are filled with; a tensor is from outside if the call before had the
        same one."""
        steps: dict[int, tuple[Any, list[int]]] = {}
        for slot, source in enumerate(self.sources):
            kind, what = source[:2]
            if kind == "argument":
                self.arguments.append((slot, what))
            elif kind == "scalars":
                steps.setdefault(id(what[0]), (what[0], []))[1].append(slot)
            elif kind == "key":
                self.keys.append((slot, *what))
            elif kind == "slot" or (what is not None and what is before.sources[slot][1]):
                self.holders[slot] = what
            else:
                self.holders[slot] = _Constant(source[2])
        self.steps = list(steps.values())
        self.outer = [h for h in self.holders if isinstance(h, Handle)]
        self.facts = list(map(_facts, self.outer))

    def bind(self, run: Any) -> None:
        """Let the plan run this program, its native code directly if there is nothing else to it.

        That takes some of the operands only: slots become their places among those.
        """
        self.run = run
        self.settings, self.around = settings.get(), circumstances()
        part = getattr(run, "only", None)
        if part is None or not part.is_direct:
            return
        self.part, self.results = part, [None] * len(self.nodes)
        place = {slot: i for i, slot in enumerate(part.plan.arguments)}
        self.holders = [self.holders[slot] for slot in place]
        self.arguments = [(place[s], n) for s, n in self.arguments if s in place]
        # What the program does not want must be counted all the same.
        self.steps = [(u, [place.get(s, -1) for s in slots]) for u, slots in self.steps]
        self.keys = [(place.get(s, -1), g, n) for s, g, n in self.keys]
        self.rewritten = [(o, place[s]) for o, s in self.rewritten
                          if (o, s) in part.plan.may_donate]

    def same(self, other: Plan) -> bool:
        """Whether two calls did the same."""
        return (self.nodes == other.nodes and len(self.sources) == len(other.sources)
                and all(_same_source(a, b) for a, b in zip(self.sources, other.sources,
                                                           strict=True)))

    def holds(self) -> bool:
        here = settings.get()
        if here is not self.settings:
            if circumstances() != self.around:
                return False
            self.settings = here
        for guard in self.guards:
            if not guard.holds():
                return False
        if self.outer and list(map(_facts, self.outer)) != self.facts:
            return False
        for _, handle in self.written:  # noqa: SIM110 - a generator costs more than the loop
            if handle._views and _has_views(handle):
                return False
        return True

    def changed(self) -> str:
        """Why it does not hold any more."""
        if circumstances() != self.around:
            return "settings are others"
        for guard in self.guards:
            if not guard.holds():
                return guard.reason()
        if list(map(_facts, self.outer)) != self.facts:
            return "a tensor from outside has another type, wants a gradient or does no more"
        if not self.holds():
            return "a tensor that it writes to has views"
        return ("the optimizer's parameters or options changed" if self.steps else
                "an argument that it writes to is a view, or has views")

    def gather(self, arguments: Sequence[Handle]) -> tuple[list[Any], list[Any]] | None:
        """Operands, and what is to be done once they have been used; None if an optimizer does
        not step as it did."""
        after = []
        numbers: list[Any] = []
        for update, places in self.steps:
            advanced = update.advance_again()
            if advanced is None:
                return None
            numbers += zip(places, advanced[0])
            after.append((update, advanced[1]))
        values: list[Any] = [h._value for h in self.holders]
        for place, number in self.arguments:
            values[place] = arguments[number]._value
        for value in values:
            if value is None:  # something is to be evaluated first
                values = [value_of(h) if h._value is None else h._value for h in self.holders]
                for place, number in self.arguments:
                    values[place] = value_of(arguments[number])
                break
        for place, value in numbers:
            if place >= 0:
                values[place] = value
        for place, generator, draws in self.keys:
            key = generator.key_of_draws(draws)
            if place >= 0:
                values[place] = key
        return values, after

    def evaluate(self, values: list[Any]) -> list[Any]:
        """The results of the program. New values of tensors are written over the old ones, where
        nobody else has those."""
        part = self.part
        if part is None:
            return self.run(values, [  # type: ignore[no-any-return]
                (output, slot, getrefcount(values[slot]) == _HELD_BY_ITS_HANDLE)
                for output, slot in self.rewritten])
        results = self.results.copy()
        for output, place in self.rewritten:
            value = values[place]
            results[output] = (value if getrefcount(value) == _HELD_HERE_TOO
                               else part.memory_for(output))
        part.call(values, results)
        return results

    def replay(self, arguments: Sequence[Handle]) -> Any:
        for _, number in self.written_arguments:
            given = arguments[number]
            if given._link is not None or (given._views and _has_views(given)):
                return AGAIN
        gathered = self.gather(arguments)
        if gathered is None:
            return AGAIN
        values, after = gathered
        results = self.evaluate(values)
        for output, handle in self.written:
            value = results[output]
            # What was written over was nobody else's, so that no open segment knows the handle.
            if handle._value is not value:
                handle._segment = None
                handle._node = None
                handle._value = value
            if handle._provenance is not None:
                handle._provenance = None
        for output, leaf, cls in self.gradients:
            leaf._grad = wrap(results[output], cls, self.nodes[output].type)
        for output, number in self.written_arguments:
            given = arguments[number]
            given._segment = given._node = given._provenance = None
            given._value = results[output]
        for output, number, cls in self.gradients_of_arguments:
            arguments[number]._grad = wrap(results[output], cls, self.nodes[output].type)
        for update, numbers in after:
            update.commit_again(numbers)
        return self.returned(arguments, results)

    def returned(self, arguments: Sequence[Handle], results: Sequence[Any]) -> Any:
        """What the function returns."""
        leaves = []
        for kind, what, cls in self.leaves:
            if kind == "result":
                leaf = wrap(results[what], cls[0], self.nodes[what].type)
                if cls[1]:
                    leaf._graph_freed = True
                leaves.append(leaf)
            elif kind == "argument":
                leaves.append(arguments[what])
            else:
                leaves.append(what)
        if self.structure is None:
            return leaves[0]
        return tuple(leaves) if self.is_flat else trees.unflatten(self.structure, leaves)


class _Constant:
    """Holds an operand that stays, as a tensor holds its value."""

    __slots__ = ("_value",)

    def __init__(self, value: Any):
        self._value = value


#: of a tensor from outside: what decides what is recorded with it
_facts = attrgetter("_type", "_wants_grad", "_hooks")


def _has_views(handle: Handle) -> bool:
    """Whether a tensor still has views; forgets those that are gone."""
    handle._views = [r for r in handle._views or () if r() is not None] or None
    return handle._views is not None


#: holds the place of an operand that comes anew each time
_EMPTY = _Constant(())
#: the answer of a replay that cannot be: the call is to be an ordinary one
AGAIN = object()


def _same_source(a: tuple[str, Any], b: tuple[str, Any]) -> bool:
    if a[0] != b[0]:
        return False
    if a[0] == "tensor":
        # A tensor made in the call is another object each time; it counts by its value.
        return a[1] is b[1] is not None or _same_value(a[2], b[2])
    return a[1] is b[1] or a[1] == b[1]


def _same_value(x: Any, y: Any) -> bool:
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def difference(a: Plan, b: Plan) -> str:
    """Why two calls were not the same."""
    if a.nodes != b.nodes:
        return "it computed something else than the call before"
    for slot, (x, y) in enumerate(zip(a.sources, b.sources, strict=False)):
        if not _same_source(x, y):
            if x[0] == y[0] == "tensor":
                return (f"a number or tensor that it makes from Python values, operand {slot}, "
                        f"{x[2].dtype} of shape {x[2].shape}, is another than before")
            return f"operand {slot} comes from elsewhere"
    return "it has other operands than the call before"

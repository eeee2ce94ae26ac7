"""A function run once more without running its Python: `compile`.

The first calls of a compiled function are ordinary ones, with somebody watching: which program
was evaluated, where each of its operands came from, and who holds its results. When two calls in
a row were the same, later ones *replay*: they gather the operands, make one native call, and put
the results where the function would have put them.

What is gathered anew at each replay: arguments, tensors from outside (parameters, buffers), the
scalars of an optimizer's step, the keys of random draws. What is not: anything the function
computes in Python. It may not depend on the values of tensors, and what it does besides (printing,
appending to a list) is not done again; what can be seen of that refuses a replay, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from sys import getrefcount
from types import MethodType
from typing import Any

import numpy as np

from .. import settings
from ..ir.node import Node
from ..runtime.devices import build, chosen_device, circumstances
from . import trees
from .guards import Guard, guards_of
from .handle import Handle
from .recorder import Segment, cut, gradients_enabled, state, value_of, wrap
from .views import Detach

__all__ = ["CompiledFunction", "Plan", "Watch", "compile"]

#: Calls that may differ from the one before until a signature is left to ordinary recording.
_PATIENCE = 6
#: Signatures that one function is compiled for; beyond, calls are ordinary ones.
_SIGNATURES = 64
#: References to an operand that only its handle, the list of operands and the question know.
_HELD_BY_ITS_HANDLE = 3
#: the same, and a name
_HELD_HERE_TOO = 4
_LOOKED_AT = "a value that it computes is looked at before it ends (item, print, if, ...)"
#: What the history says of arguments that cannot be compared with those of another call.
CHANGEABLE = ((), "not replayed: an argument is an array or another object that may change; "
               "tensors and plain numbers may not")


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
            self.refuse(_LOOKED_AT)
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
        return "the optimizer's parameters or options changed"

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
                return _AGAIN
        gathered = self.gather(arguments)
        if gathered is None:
            return _AGAIN
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
_AGAIN = object()


def _same_source(a: tuple[str, Any], b: tuple[str, Any]) -> bool:
    if a[0] != b[0]:
        return False
    if a[0] == "tensor":
        # A tensor made in the call is another object each time; it counts by its value.
        return a[1] is b[1] is not None or _same_value(a[2], b[2])
    return a[1] is b[1] or a[1] == b[1]


def _same_value(x: Any, y: Any) -> bool:
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


class _Latest:
    """The plan that was replayed last, and the arguments it is good for: they tend to be alike."""

    __slots__ = ("facts", "memo", "plan")

    def __init__(self, plan: Plan, arguments: Sequence[Handle], memo: Any):
        self.plan = plan
        self.memo = memo
        self.facts = [(a.__class__, a._type, a._wants_grad) for a in arguments]

    def fits(self, arguments: Sequence[Any], memo: Any) -> bool:
        facts = self.facts
        if memo is not self.memo or len(arguments) != len(facts):
            return False
        for argument, (kind, type, wants) in zip(arguments, facts):
            if argument.__class__ is not kind or argument._type is not type or (
                    argument._wants_grad is not wants):
                return False
        return not _has_twins(arguments) and self.plan.holds()


def _has_twins(arguments: Sequence[Handle]) -> bool:
    """Whether one tensor is given twice."""
    return len(arguments) > 1 and len(set(map(id, arguments))) < len(arguments)


class CompiledFunction:
    """A function whose calls are replayed; see `compile`."""

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self.__wrapped__ = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__doc__ = function.__doc__
        self._plans: dict[Any, Plan] = {}
        self._last: dict[Any, Plan | None] = {}
        self._tries: dict[Any, int] = {}
        self._latest: _Latest | None = None
        #: what was learned, in order: (signature, what)
        self.history: list[tuple[Any, str]] = []

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        here = state
        if here.watch is not None or here.segment.parent is not None:
            return self.function(*args, **kwargs)  # inside another compiled or traced function
        latest = self._latest
        if latest is not None and not kwargs and latest.fits(args, here.memo):
            answer = latest.plan.replay(args)
            if answer is not _AGAIN:
                return answer
        arguments: list[Any] = []
        key: Any
        if not kwargs and all(isinstance(a, Handle) for a in args):
            arguments = list(args)
            key = (gradients_enabled(), *[(a._type, a._wants_grad) for a in args])
        else:
            try:
                key, arguments = signature(args, kwargs)
            except TypeError:
                self._learn(CHANGEABLE)
                return self.function(*args, **kwargs)
        if _has_twins(arguments):
            self._learn((key, "not replayed: one tensor is given twice"))
            return self.function(*args, **kwargs)
        plan = self._plans.get(key)
        if plan is not None:
            if plan.holds():
                answer = plan.replay(arguments)
                if answer is not _AGAIN:
                    if not kwargs and len(arguments) == len(args) and all(
                            map(is_, args, arguments)):
                        self._latest = _Latest(plan, args, here.memo)
                    return answer
            self._latest = None
            self.history.append((key, "recorded again: " + plan.changed()))
            del self._plans[key]
            self._last.pop(key, None)
            self._tries[key] = self._tries.get(key, 0) + 1
        if self._tries.get(key, 0) > _PATIENCE or len(self._tries) > _SIGNATURES:
            return self.function(*args, **kwargs)
        return self._watched(key, arguments, args, kwargs)

    def _learn(self, what: tuple[Any, str]) -> None:
        if not self.history or self.history[-1] != what:
            self.history.append(what)

    def _watched(self, key: Any, arguments: list[Any], args: Any, kwargs: Any) -> Any:
        """An ordinary call; when it was like the last one, the next can be replayed."""
        here = state
        if here.segment.values or here.segment.handles:
            cut()
        given, _ = trees.flatten((args, kwargs))
        guards, reached = guards_of(self.function, [g for g in given if not isinstance(g, Handle)])
        watch = here.watch = Watch()
        if any(id(a) in reached for a in arguments):
            watch.refuse("an argument is a tensor that it also reaches from elsewhere")
        try:
            result = self.function(*args, **kwargs)
            leaves, structure = trees.flatten(result)
            if watch.cuts and _is_pending(here.segment):
                watch.refuse("something is computed after the optimizer's step" if watch.steps else
                             _LOOKED_AT)
            pending = [v for v in leaves if isinstance(v, Handle) and v._value is None]
            if pending and not watch.refused:
                if any(v.requires_grad for v in pending):
                    watch.refuse("the result wants a gradient: it is recorded as part of the "
                                 "program around it, which is compiled as a whole")
                else:
                    cut()
        finally:
            here.watch = None
        plan = None
        if not watch.refused and not watch.cuts:
            watch.refuse("nothing is computed")
        if watch.refused is None:
            plan = _plan_of(watch, arguments, leaves, structure)
        if plan is None:
            self._tries[key] = self._tries.get(key, 0) + 1
            self._last[key] = None
            self.history.append((key, f"not replayed: {watch.refused}"))
            return result
        plan.guards += guards
        last = self._last.get(key)
        if last is not None and last.same(plan):
            plan.fill(last)
            own = watch.program
            plan.bind(own[1] if own is not None and own[0] == plan.nodes else
                      build(plan.nodes, chosen_device()))
            self._plans[key] = plan
            self.history.append((key, "compiled"))
            self._last.pop(key, None)
        else:
            if last is not None:
                self._tries[key] = self._tries.get(key, 0) + 1
                self.history.append((key, "recorded again: " + _difference(last, plan)))
            self._last[key] = plan
            self._tries.setdefault(key, 0)
        return result

    def plan_for(self, arguments: Sequence[Handle]) -> Plan | None:
        """The plan that was replayed last, if these arguments are like those."""
        latest = self._latest
        return latest.plan if latest is not None and latest.fits(arguments, state.memo) else None

    def programs(self) -> list[tuple[Any, Any]]:
        """Signatures and the programs compiled for them."""
        return [(key, p.run) for key, p in self._plans.items()]


def _is_pending(segment: Segment) -> bool:
    """Whether anything is recorded that somebody still holds."""
    handles = [reference() for reference in segment.handles]
    return any(h is not None and h._segment is segment and h._value is None for h in handles)


def _difference(a: Plan, b: Plan) -> str:
    if a.nodes != b.nodes:
        return "it computed something else than the call before"
    for slot, (x, y) in enumerate(zip(a.sources, b.sources, strict=False)):
        if not _same_source(x, y):
            if x[0] == y[0] == "tensor":
                return (f"a number or tensor that it makes from Python values, operand {slot}, "
                        f"{x[2].dtype} of shape {x[2].shape}, is another than before")
            return f"operand {slot} comes from elsewhere"
    return "it has other operands than the call before"


def signature(args: Any, kwargs: Any) -> tuple[Any, list[Any]]:
    """What a plan is good for: structure, types of tensors, other values themselves.

    Raises:  TypeError for a value that may change and still be the same object (an array, a list)
    """
    leaves, structure = trees.flatten((args, kwargs))
    arguments = [v for v in leaves if isinstance(v, Handle)]
    facts: list[Any] = [gradients_enabled(), _hashable(structure)]
    for leaf in leaves:
        if isinstance(leaf, Handle):
            facts.append((leaf._type, leaf._wants_grad))
        else:
            hash(leaf)
            facts.append((type(leaf), leaf))
    return tuple(facts), arguments


def _hashable(structure: Any) -> Any:
    if structure is None:
        return None
    kind, children = structure
    if issubclass(kind, dict):
        return (kind, tuple((k, _hashable(v)) for k, v in children))
    return (kind, tuple(_hashable(v) for v in children))


def _plan_of(watch: Watch, arguments: Sequence[Handle], leaves: Sequence[Any],
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
    for handle, value in watch.looked:
        owner = id(_owner(value))
        if owner in computed:
            watch.refuse(_LOOKED_AT)
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


#: References to a handle that only the list of live ones, the loop and the question know.
_UNHELD = 3


def compile(function: Callable[..., Any] | None = None) -> Any:
    """A function that is compiled as a whole and replayed: see this module's text.

    Use it for a training step or a prediction that is called many times. Everything recorded is
    compiled anyway; this saves the recording, some microseconds per operation.

    >>> import tricord as tc
    >>> @tc.compile
    ... def area(width, height):
    ...     return tc.sum(width * height)
    >>> area(tc.ones(3), tc.ones(3)).item()
    3.0

    A call is recorded anew for arguments of other shapes, dtypes or (for what is no tensor) values,
    and when numbers, modes or modules that the function sees in its closure or its globals change.
    """
    if function is None:
        return compile
    if isinstance(function, CompiledFunction):
        return function
    return CompiledFunction(function)

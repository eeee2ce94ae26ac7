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
from operator import is_
from types import MethodType
from typing import Any

from ..runtime.devices import build, chosen_device
from . import trees
from .guards import guards_of
from .handle import Handle
from .plan import AGAIN, Plan, difference
from .recorder import Segment, cut, gradients_enabled, state
from .watch import LOOKED_AT, Watch, plan_of

__all__ = ["CHANGEABLE", "CompiledFunction", "compile", "signature"]

#: Calls that may differ from the one before until a signature is left to ordinary recording.
_PATIENCE = 6
#: Signatures that one function is compiled for; beyond, calls are ordinary ones.
_SIGNATURES = 64
#: What the history says of arguments that cannot be compared with those of another call.
CHANGEABLE = ((), "not replayed: an argument is an array or another object that may change; "
               "tensors and plain numbers may not")


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
            if answer is not AGAIN:
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
                if answer is not AGAIN:
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
                             LOOKED_AT)
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
            plan = plan_of(watch, arguments, leaves, structure)
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
                self.history.append((key, "recorded again: " + difference(last, plan)))
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

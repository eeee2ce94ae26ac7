"""Replays in a row with nobody looking in between: the operands are gathered once.

All that changes from step to step are the arguments and the numbers of optimizers and generators.
What is rewritten is rewritten in place, and after each step is what it would be after a replay.
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from ..runtime.native.memory import aligned_empty, is_own
from .plan import Plan
from .recorder import value_of

__all__ = ["Series"]

#: References to a value that is rewritten: its handle, three lists of a series, the question.
_HELD = 5


class Series:
    """Replays of one plan, for arguments of the same types. `begin` it, then `step`.

    A step is refused, with nothing done, when somebody else has taken hold of what is rewritten,
    or when an optimizer would not step as before.
    """

    __slots__ = ("_held", "_moving", "_plan", "_results", "_rewritten", "_values", "steps")

    def __init__(self, plan: Plan, values: list[Any]):
        self._plan = plan
        self._values = values
        self._results = plan.results.copy()
        #: values that are written over
        self._rewritten: list[Any] = []
        #: (output, place of the old value or -1, tensor) where the new value is another array
        self._moving: list[tuple[int, int, Any]] = []
        places = dict(plan.rewritten)
        holders = [id(h) for h in plan.holders]
        for output, handle in plan.written:
            place = places.get(output)
            if place is None:
                mine = id(handle)
                self._moving.append((output, holders.index(mine) if mine in holders else -1,
                                     handle))
            else:
                self._take_over(output, place, handle)
        self._held = [_HELD] * len(self._rewritten)
        #: taken so far
        self.steps = 0

    @staticmethod
    def begin(plan: Plan) -> Series | None:
        """A series of this plan; None if it has to be replayed step by step."""
        if plan.part is None or plan.gradients or plan.gradients_of_arguments or (
                plan.written_arguments) or any(kind == "argument" for kind, _, _ in plan.leaves):
            return None
        values = [value_of(h) if h._value is None else h._value for h in plan.holders]
        places = dict(plan.rewritten)
        for output, handle in plan.written:
            if output in places and handle._value is not values[places[output]]:
                return None
        return Series(plan, values)

    def _take_over(self, output: int, place: int, handle: Any) -> None:
        """Let the new value of a tensor be written over the old one."""
        value = handle._value
        self._values[place] = None
        # The handle, a name, the question; more if others have it, or if the program that gave it
        # may use it again.
        if getrefcount(value) != _HELD - 2 or not is_own(value):
            fresh = aligned_empty(value.shape, value.dtype)
            np.copyto(fresh, value)
            value = fresh
        _put(handle, value)
        self._values[place] = self._results[output] = value
        self._rewritten.append(value)

    def step(self, arguments: Sequence[Any]) -> bool:
        """Replay with these arrays; whether that was possible."""
        if list(map(getrefcount, self._rewritten)) != self._held:
            return False
        plan, values = self._plan, self._values
        for output, place, handle in self._moving:
            if place >= 0 and handle._value is not values[place]:
                return False
            self._results[output] = None
        after = []
        for update, places in plan.steps:
            advanced = update.advance_again()
            if advanced is None:
                return False
            for place, value in zip(places, advanced[0]):
                if place >= 0:
                    values[place] = value
            after.append((update, advanced[1]))
        for place, number in plan.arguments:
            values[place] = arguments[number]
        for place, generator, draws in plan.keys:
            key = generator.key_of_draws(draws)
            if place >= 0:
                values[place] = key
        results = self._results
        plan.part.call(values, results)
        for output, place, handle in self._moving:
            _put(handle, results[output])
            if place >= 0:
                values[place] = results[output]
        for update, numbers in after:
            update.commit_again(numbers)
        self.steps += 1
        return True

    def returned(self) -> Any:
        """What the last step returns. To be looked at before the next, which writes over it."""
        return self._plan.returned((), self._results)


def _put(handle: Any, value: Any) -> None:
    """Let a tensor have this value."""
    handle._segment = None
    handle._node = None
    handle._provenance = None
    handle._value = value

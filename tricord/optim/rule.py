"""What an optimization algorithm is: a pure function from (parameter, gradient, state) to new ones.

A `Rule` is one record per algorithm, in a file of its own. Numbers that change from step to step
(the rate, bias corrections) are computed in double precision on the Python side by ``advance``
and enter the recorded update as operands; whatever stays the same is in ``options``, a NamedTuple,
and is written into the program. Options that schedules change (momentum, betas, weight decay) are
*dynamic*: ``advance`` passes them on among the scalars, and ``update`` sees of them only whether
they are zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.node import Node
from ..ir.shapes import Shape, TensorType

__all__ = ["NO_TRANSFORM", "Rule", "Slot", "Transform"]

Numbers = tuple[float, ...]


class Slot(NamedTuple):
    """One tensor of state per parameter; ``shape`` is the parameter's unless given."""

    name: str
    fill: float = 0.0
    shape: Shape | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """One algorithm.

    ``advance(options, lr, numbers) -> (numbers, scalars)`` counts one step on: ``numbers`` are
    the saved ones (by default the step, from 0.0), ``scalars`` what ``update`` wants to know.
    ``update(options, param, grad, slots, scalars) -> (param, slots)`` works on nodes.
    """

    name: str
    advance: Callable[[Any, float, Numbers], tuple[Numbers, Sequence[float]]]
    update: Callable[[Any, Node, Node, Sequence[Node], Sequence[Node]],
                     tuple[Node, Sequence[Node]]]
    slots: Callable[[Any, float, TensorType], Sequence[Slot]]
    #: names under which numbers are part of the state, and their values before the first step
    numbers: tuple[str, ...] = ("step",)
    start: Numbers = (0.0,)
    #: options that ``update`` takes from the scalars instead
    dynamic: tuple[str, ...] = ()
    #: whether each element is updated by itself, so that a complex one is two real ones
    elementwise: bool = True

    def structure(self, options: Any) -> Any:
        """The part of the options that is written into the program."""
        if not self.dynamic:
            return options
        return options._replace(**{n: bool(getattr(options, n)) for n in self.dynamic})


class Transform(NamedTuple):
    """What happens around any rule, in this order.

    ``clip_value``, ``clip_norm`` (of each gradient), ``l1`` (adds ``l1 * sign(p)`` to the
    gradient), ``decay`` (``p -= lr * decay * p`` before the update) and ``average`` (an
    exponential moving average of the parameter with this momentum, kept in the slot "average").
    """

    clip_value: float | None = None
    clip_norm: float | None = None
    l1: float = 0.0
    decay: float = 0.0
    average: float | None = None


NO_TRANSFORM = Transform()

"""RMSprop, plain or centered, with or without momentum.

Source: Hinton, "Neural networks for machine learning", lecture 6e (2012); Graves, "Generating
sequences with recurrent neural networks" (2013) for ``centered``. ``epsilon_in_root`` adds
epsilon before the root; ``rate_in_velocity`` makes the rate part of the momentum buffer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.node import Node
from ..ir.ops.elementwise import sqrt
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["RMSprop", "RMSpropOptions", "rmsprop"]


class RMSpropOptions(NamedTuple):
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False
    maximize: bool = False
    epsilon_in_root: bool = False
    rate_in_velocity: bool = False


def _advance(o: RMSpropOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    return (numbers[0] + 1.0,), (lr, o.momentum)


def _update(o: RMSpropOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    lr, momentum = scalars
    rest = list(slots)
    if o.maximize:
        g = -g
    if o.weight_decay:
        g = g + o.weight_decay * p
    square = o.alpha * rest.pop(0) + (1 - o.alpha) * (g * g)
    changed = [square]
    velocity = rest.pop(0) if o.momentum else None
    size = square
    mean = None
    if o.centered:
        mean = rest[0] + (g - rest[0]) * (1 - o.alpha)
        size = square - mean * mean
    root = sqrt(size + o.eps) if o.epsilon_in_root else sqrt(size) + o.eps
    step = g / root
    if velocity is None:
        new = p - lr * step
    elif o.rate_in_velocity:
        velocity = momentum * velocity + lr * step
        new = p - velocity
    else:
        velocity = momentum * velocity + step
        new = p - lr * velocity
    changed += [n for n in (velocity, mean) if n is not None]
    return new, changed


def _slots(o: RMSpropOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    names = ["square_avg", *["momentum_buffer"] * (o.momentum > 0), *["grad_avg"] * o.centered]
    return [Slot(name) for name in names]


rmsprop = Rule("rmsprop", _advance, _update, _slots, dynamic=("momentum",))


class RMSprop(Optimizer):
    """Divides the gradient by a running root mean square of itself.

    ``v = alpha * v + (1 - alpha) * g * g``, ``p -= lr * g / (sqrt(v) + eps)``; centered, the
    running mean's square is taken off ``v``; with momentum the quotients gather in a buffer.
    """

    rule = rmsprop
    option_type = RMSpropOptions
    option_names = ("alpha", "eps", "weight_decay", "momentum", "centered", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, alpha: float = 0.99,
                 eps: float = 1e-8, weight_decay: float = 0, momentum: float = 0,
                 centered: bool = False, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False):
        check_rate(lr)
        check_not_negative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable})

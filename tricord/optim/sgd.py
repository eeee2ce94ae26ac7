"""Stochastic gradient descent with momentum.

Source: Sutskever et al., "On the importance of initialization and momentum in deep learning"
(2013), with the velocity kept as PyTorch does, ``p -= lr * v``; with ``rate_in_velocity`` the rate
is part of it (``v = momentum * v - lr * g; p += v``), which differs when the rate changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..errors import ArgumentError
from ..ir.node import Node
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["SGD", "SGDOptions", "sgd"]


class SGDOptions(NamedTuple):
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    maximize: bool = False
    rate_in_velocity: bool = False


def _advance(o: SGDOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    # The first gradient is not dampened: the velocity starts as the gradient itself.
    share = 1.0 - o.dampening if numbers[0] else 1.0
    return (numbers[0] + 1.0,), (lr, o.momentum, share, o.weight_decay)


def _update(o: SGDOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    lr, momentum, share, decay = scalars
    if o.maximize:
        g = -g
    if o.weight_decay:
        g = g + decay * p
    if not slots:
        return p - lr * g, ()
    if o.rate_in_velocity:
        v = momentum * slots[0] - lr * g
        return p + (momentum * v - lr * g if o.nesterov else v), (v,)
    v = momentum * slots[0] + (share * g if o.dampening else g)
    return p - lr * (g + momentum * v if o.nesterov else v), (v,)


def _slots(o: SGDOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("momentum_buffer"),) if o.momentum else ()


sgd = Rule("sgd", _advance, _update, _slots, numbers=(), dynamic=("momentum", "weight_decay"))


class SGD(Optimizer):
    """Stochastic gradient descent: ``p -= lr * v`` with ``v = momentum * v + (1 - dampening) * g``.

    ``nesterov`` looks ahead by one step of momentum; ``weight_decay`` adds ``weight_decay * p``
    to the gradient; ``maximize`` climbs.
    """

    rule = sgd
    option_type = SGDOptions
    option_names = ("momentum", "dampening", "weight_decay", "nesterov", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, momentum: float = 0,
                 dampening: float = 0, weight_decay: float = 0, nesterov: bool = False, *,
                 maximize: bool = False, foreach: bool | None = None,
                 differentiable: bool = False, fused: bool | None = None):
        check_rate(lr)
        check_not_negative(momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
            "differentiable": differentiable, "fused": fused})

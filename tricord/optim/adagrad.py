"""Adagrad.

Source: Duchi et al., "Adaptive subgradient methods" (2011). Known weakness: the accumulated
squares only grow, so the steps shrink for ever. ``epsilon_in_root`` adds epsilon before the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.node import Node
from ..ir.ops.elementwise import sqrt
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Adagrad", "AdagradOptions", "adagrad"]


class AdagradOptions(NamedTuple):
    lr_decay: float = 0.0
    eps: float = 1e-10
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    maximize: bool = False
    epsilon_in_root: bool = False


def _advance(o: AdagradOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    return (numbers[0] + 1.0,), (lr / (1.0 + numbers[0] * o.lr_decay),)


def _update(o: AdagradOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    if o.maximize:
        g = -g
    if o.weight_decay:
        g = g + o.weight_decay * p
    total = slots[0] + g * g
    root = sqrt(total + o.eps) if o.epsilon_in_root else sqrt(total) + o.eps
    return p - scalars[0] * (g / root), (total,)


def _slots(o: AdagradOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("sum", o.initial_accumulator_value),)


adagrad = Rule("adagrad", _advance, _update, _slots)


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares so far.

    ``s += g * g``, ``p -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(s) + eps)``.
    """

    rule = adagrad
    option_type = AdagradOptions
    option_names = ("lr_decay", "eps", "weight_decay", "initial_accumulator_value", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, lr_decay: float = 0,
                 weight_decay: float = 0, initial_accumulator_value: float = 0,
                 eps: float = 1e-10, foreach: bool | None = None, *, maximize: bool = False,
                 differentiable: bool = False, fused: bool | None = None):
        check_rate(lr)
        check_not_negative(lr_decay=lr_decay, weight_decay=weight_decay, eps=eps,
                           initial_accumulator_value=initial_accumulator_value)
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "fused": fused})
        self.initialise_state()

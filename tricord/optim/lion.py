"""Lion: the sign of an interpolated momentum.

Source: Chen et al., "Symbolic discovery of optimization algorithms" (2023), program 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.node import Node
from ..ir.ops.elementwise import sign
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_betas, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Lion", "LionOptions", "lion"]


class LionOptions(NamedTuple):
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    maximize: bool = False


def _advance(o: LionOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    return (numbers[0] + 1.0,), (lr, *o.betas, 1.0 - lr * o.weight_decay)


def _update(o: LionOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    lr, beta1, beta2, decay = scalars
    if o.maximize:
        g = -g
    if o.weight_decay:
        p = p * decay
    m = slots[0]
    new = p - lr * sign(m * beta1 + g * (1 - beta1))
    return new, (m * beta2 + g * (1 - beta2),)


def _slots(o: LionOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("exp_avg"),)


lion = Rule("lion", _advance, _update, _slots, dynamic=("betas", "weight_decay"))


class Lion(Optimizer):
    """``p -= lr * sign(beta1 * m + (1 - beta1) * g)``; every element moves by the rate.

    ``weight_decay`` is decoupled. Rates are 3 to 10 times smaller than Adam's.
    """

    rule = lion
    option_type = LionOptions
    option_names = ("betas", "weight_decay", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-4,
                 betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0, *,
                 maximize: bool = False):
        check_rate(lr)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "weight_decay": weight_decay,
                                  "maximize": maximize})

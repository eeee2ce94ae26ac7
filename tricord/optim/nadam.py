"""NAdam: Adam with Nesterov's momentum.

Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016), with its momentum schedule
``mu_t = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.node import Node
from ..ir.ops.elementwise import sqrt
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_betas, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["NAdam", "NAdamOptions", "nadam"]


class NAdamOptions(NamedTuple):
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 0.004
    decoupled_weight_decay: bool = False
    maximize: bool = False


def _advance(o: NAdamOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    step, product = numbers[0] + 1.0, numbers[1]
    beta1, beta2 = o.betas
    mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * o.momentum_decay))
    ahead = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1.0) * o.momentum_decay))
    product *= mu
    decay = 1.0 - lr * o.weight_decay if o.decoupled_weight_decay else o.weight_decay
    return (step, product), (
        lr * (1.0 - mu) / (1.0 - product), lr * ahead / (1.0 - product * ahead),
        1.0 - beta2 ** step, 1.0 - beta1, beta2, 1.0 - beta2, decay)


def _update(o: NAdamOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    of_gradient, of_momentum, correction, share, beta2, share2, decay = scalars
    if o.maximize:
        g = -g
    if o.weight_decay:
        if o.decoupled_weight_decay:
            p = p * decay
        else:
            g = g + decay * p
    m = slots[0] + (g - slots[0]) * share
    v = beta2 * slots[1] + share2 * (g * g)
    root = sqrt(v / correction) + o.eps
    return p - of_gradient * (g / root) - of_momentum * (m / root), (m, v)


def _slots(o: NAdamOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("exp_avg"), Slot("exp_avg_sq"))


nadam = Rule("nadam", _advance, _update, _slots, numbers=("step", "mu_product"), start=(0.0, 1.0),
             dynamic=("betas", "weight_decay"))


class NAdam(Optimizer):
    """Adam that steps along the momentum it will have after the step."""

    rule = nadam
    option_type = NAdamOptions
    option_names = ("betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay",
                    "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 2e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, momentum_decay: float = 4e-3,
                 decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False):
        check_rate(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(params, {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable})

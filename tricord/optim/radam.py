"""RAdam: Adam whose rate is rectified while the second moment is uncertain.

Source: Liu et al., "On the variance of the adaptive learning rate and beyond" (2020), algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.arithmetic import select
from ..ir.node import Node
from ..ir.ops.elementwise import sqrt
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_betas, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["RAdam", "RAdamOptions", "radam"]


class RAdamOptions(NamedTuple):
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    maximize: bool = False
    decoupled_weight_decay: bool = False


def _advance(o: RAdamOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    step = numbers[0] + 1.0
    beta1, beta2 = o.betas
    unbiased = lr / (1.0 - beta1 ** step)
    correction = 1.0 - beta2 ** step
    longest = 2.0 / (1.0 - beta2) - 1.0
    length = longest - 2.0 * step * beta2 ** step / correction
    rectified = 0.0
    if length > 5.0:
        rectified = unbiased * math.sqrt(
            correction * (length - 4.0) * (length - 2.0) * longest
            / ((longest - 4.0) * (longest - 2.0) * length))
    decay = 1.0 - lr * o.weight_decay if o.decoupled_weight_decay else o.weight_decay
    return (step,), (rectified, unbiased, 1.0 - beta1, beta2, 1.0 - beta2, decay)


def _update(o: RAdamOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    rectified, unbiased, share, beta2, share2, decay = scalars
    if o.maximize:
        g = -g
    if o.weight_decay:
        if o.decoupled_weight_decay:
            p = p * decay
        else:
            g = g + decay * p
    m = slots[0] + (g - slots[0]) * share
    v = beta2 * slots[1] + share2 * (g * g)
    # A rectified rate of zero says that the variance is not tractable yet: plain momentum.
    rate = select(rectified > 0, rectified / (sqrt(v) + o.eps), unbiased)
    return p - m * rate, (m, v)


def _slots(o: RAdamOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("exp_avg"), Slot("exp_avg_sq"))


radam = Rule("radam", _advance, _update, _slots, dynamic=("betas", "weight_decay"))


class RAdam(Optimizer):
    """Adam that warms up by itself: momentum alone until its variance can be estimated."""

    rule = radam
    option_type = RAdamOptions
    option_names = ("betas", "eps", "weight_decay", "maximize", "decoupled_weight_decay")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, decoupled_weight_decay: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False):
        check_rate(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable})

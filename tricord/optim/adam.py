"""Adam and AdamW.

Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1; Reddi et
al., "On the convergence of Adam and beyond" (2018) for ``amsgrad``; Loshchilov and Hutter,
"Decoupled weight decay regularization" (2019) for AdamW. ``epsilon_hat`` places epsilon as in the
paper's remark before section 2.1, beside the root of the uncorrected second moment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.node import Node
from ..ir.ops.elementwise import maximum, sqrt
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_betas, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Adam", "AdamOptions", "AdamW", "adam"]


class AdamOptions(NamedTuple):
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False
    maximize: bool = False
    decoupled_weight_decay: bool = False
    epsilon_hat: bool = False


def _advance(o: AdamOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    step = numbers[0] + 1.0
    beta1, beta2 = o.betas
    # The inverse of what corrects the root of v, because a product costs less than a quotient.
    inverse = 1.0 / math.sqrt(1.0 - beta2 ** step)
    size = lr / (1.0 - beta1 ** step)
    if o.epsilon_hat:
        size, inverse = size / inverse, 1.0
    # Decoupled, the factor that shrinks the parameter; else the share of it in the gradient.
    decay = 1.0 - lr * o.weight_decay if o.decoupled_weight_decay else o.weight_decay
    return (step,), (size, inverse, 1.0 - beta1, beta2, 1.0 - beta2, decay)


def _update(o: AdamOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    step_size, inverse, share, beta2, share2, decay = scalars
    if o.maximize:
        g = -g
    if o.weight_decay:
        if o.decoupled_weight_decay:
            p = p * decay
        else:
            g = g + decay * p
    m = slots[0] + (g - slots[0]) * share
    v = beta2 * slots[1] + share2 * (g * g)
    changed = [m, v]
    size = v
    if o.amsgrad:
        size = maximum(slots[2], v)
        changed.append(size)
    denominator = sqrt(size) + o.eps if o.epsilon_hat else sqrt(size) * inverse + o.eps
    return p - step_size * (m / denominator), changed


def _slots(o: AdamOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    slots = (Slot("exp_avg"), Slot("exp_avg_sq"))
    return (*slots, Slot("max_exp_avg_sq")) if o.amsgrad else slots


adam = Rule("adam", _advance, _update, _slots, dynamic=("betas", "weight_decay"))


class Adam(Optimizer):
    """Adaptive moment estimation.

    ``m = beta1 * m + (1 - beta1) * g``, ``v = beta2 * v + (1 - beta2) * g * g``, both corrected
    for their start at zero, ``p -= lr * m / (sqrt(v) + eps)``. ``weight_decay`` adds
    ``weight_decay * p`` to the gradient, or if it is decoupled shrinks ``p`` by ``lr`` times it.
    """

    rule = adam
    option_type = AdamOptions
    option_names = ("betas", "eps", "weight_decay", "amsgrad", "maximize", "decoupled_weight_decay")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False,
                 fused: bool | None = None, decoupled_weight_decay: bool = False):
        check_rate(lr)
        check_not_negative(eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        super().__init__(params, {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay})


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p`` shrinks by ``lr * weight_decay * p`` each step."""

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False,
                 foreach: bool | None = None, capturable: bool = False,
                 differentiable: bool = False, fused: bool | None = None):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach,
                         maximize=maximize, capturable=capturable, differentiable=differentiable,
                         fused=fused, decoupled_weight_decay=True)

"""Adamax: Adam with the maximum norm.

Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 2.
``epsilon_after_max`` adds epsilon to the maximum instead of to the gradient's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.node import Node
from ..ir.ops.elementwise import absolute, maximum
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_betas, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Adamax", "AdamaxOptions", "adamax"]


class AdamaxOptions(NamedTuple):
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    maximize: bool = False
    epsilon_after_max: bool = False


def _advance(o: AdamaxOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    step = numbers[0] + 1.0
    return (step,), (lr / (1.0 - o.betas[0] ** step), 1.0 - o.betas[0], o.betas[1])


def _update(o: AdamaxOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    size, share, beta2 = scalars
    if o.maximize:
        g = -g
    if o.weight_decay:
        g = g + o.weight_decay * p
    m = slots[0] + (g - slots[0]) * share
    if o.epsilon_after_max:
        u = maximum(beta2 * slots[1], absolute(g))
        return p - size * m / (u + o.eps), (m, u)
    u = maximum(beta2 * slots[1], absolute(g) + o.eps)
    return p - size * (m / u), (m, u)


def _slots(o: AdamaxOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("exp_avg"), Slot("exp_inf"))


adamax = Rule("adamax", _advance, _update, _slots, dynamic=("betas",))


class Adamax(Optimizer):
    """Adam whose second moment is a decaying maximum: ``u = max(beta2 * u, abs(g) + eps)``."""

    rule = adamax
    option_type = AdamaxOptions
    option_names = ("betas", "eps", "weight_decay", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 2e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False,
                 differentiable: bool = False, capturable: bool = False):
        check_rate(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable})

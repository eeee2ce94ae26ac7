"""Averaged stochastic gradient descent.

Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992), with
the schedule of Bottou's sgd: ``eta = lr / (1 + lambd * lr * t) ** alpha``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.arithmetic import select
from ..ir.node import Node
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["ASGD", "ASGDOptions", "asgd"]


class ASGDOptions(NamedTuple):
    lambd: float = 1e-4
    alpha: float = 0.75
    t0: float = 1e6
    weight_decay: float = 0.0
    maximize: bool = False


def _advance(o: ASGDOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    step, eta, mu = numbers
    eta = eta if step else lr
    step += 1.0
    later = (step, lr / (1.0 + o.lambd * lr * step) ** o.alpha, 1.0 / max(1.0, step - o.t0))
    return later, (eta, mu)


def _update(o: ASGDOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    eta, mu = scalars
    if o.maximize:
        g = -g
    if o.weight_decay:
        g = g + o.weight_decay * p
    new = p * (1 - o.lambd * eta) - eta * g
    return new, (select(mu < 1, slots[0] + (new - slots[0]) * mu, new),)


def _slots(o: ASGDOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("ax"),)


asgd = Rule("asgd", _advance, _update, _slots, numbers=("step", "eta", "mu"), start=(0.0, 0.0, 1.0))


class ASGD(Optimizer):
    """Gradient descent that keeps the average of its parameters, in ``state[p]["ax"]``."""

    rule = asgd
    option_type = ASGDOptions
    option_names = ("lambd", "alpha", "t0", "weight_decay", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, lambd: float = 1e-4,
                 alpha: float = 0.75, t0: float = 1e6, weight_decay: float = 0,
                 foreach: bool | None = None, maximize: bool = False,
                 differentiable: bool = False, capturable: bool = False):
        check_rate(lr)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable})

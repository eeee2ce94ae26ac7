"""Adadelta.

Source: Zeiler, "ADADELTA: an adaptive learning rate method" (2012), algorithm 1, with a rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..errors import ArgumentError
from ..ir.node import Node
from ..ir.ops.elementwise import sqrt
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Adadelta", "AdadeltaOptions", "adadelta"]


class AdadeltaOptions(NamedTuple):
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0
    maximize: bool = False


def _advance(o: AdadeltaOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    return (numbers[0] + 1.0,), (lr,)


def _update(o: AdadeltaOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    if o.maximize:
        g = -g
    if o.weight_decay:
        g = g + o.weight_decay * p
    square, moved = slots
    square = o.rho * square + (1 - o.rho) * (g * g)
    delta = sqrt(moved + o.eps) / sqrt(square + o.eps) * g
    moved = o.rho * moved + (1 - o.rho) * (delta * delta)
    return p - scalars[0] * delta, (square, moved)


def _slots(o: AdadeltaOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("square_avg"), Slot("acc_delta"))


adadelta = Rule("adadelta", _advance, _update, _slots)


class Adadelta(Optimizer):
    """Steps in the parameter's own units: ``g * rms(steps so far) / rms(gradients so far)``."""

    rule = adadelta
    option_type = AdadeltaOptions
    option_names = ("rho", "eps", "weight_decay", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0, foreach: bool | None = None, *,
                 capturable: bool = False, maximize: bool = False, differentiable: bool = False):
        check_rate(lr)
        if not 0.0 <= rho <= 1.0:
            raise ArgumentError(f"Invalid rho value: {rho}")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable})

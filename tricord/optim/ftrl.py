"""Follow the regularized leader.

Source: McMahan et al., "Ad click prediction: a view from the trenches" (2013), algorithm 1, with
the shrinkage of the L2 penalty that TensorFlow adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..errors import ArgumentError
from ..ir.node import Node
from ..ir.ops.elementwise import maximum, minimum, zeros_like
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Ftrl", "FtrlOptions", "ftrl"]


class FtrlOptions(NamedTuple):
    learning_rate_power: float = -0.5
    initial_accumulator_value: float = 0.1
    l1: float = 0.0
    l2: float = 0.0
    l2_shrinkage: float = 0.0
    beta: float = 0.0


def _advance(o: FtrlOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    return (numbers[0] + 1.0,), (lr,)


def _update(o: FtrlOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    (lr,) = scalars
    total, linear = slots
    shrunk = g + 2 * o.l2_shrinkage * p if o.l2_shrinkage else g
    new_total = total + g * g
    before, after = total ** -o.learning_rate_power, new_total ** -o.learning_rate_power
    linear = linear + shrunk - (after - before) / lr * p
    quadratic = after / lr + 2 * (o.l2 + o.beta / (2 * lr))
    zero = zeros_like(linear)
    clipped = minimum(maximum(linear, zero - o.l1), zero + o.l1)
    return (clipped - linear) / quadratic, (new_total, linear)


def _slots(o: FtrlOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("accumulator", o.initial_accumulator_value), Slot("linear"))


ftrl = Rule("ftrl", _advance, _update, _slots)


class Ftrl(Optimizer):
    """Per-element rates with an L1 penalty that makes weights exactly zero."""

    rule = ftrl
    option_type = FtrlOptions
    option_names = FtrlOptions._fields

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, learning_rate_power: float = -0.5,
                 initial_accumulator_value: float = 0.1, l1: float = 0.0, l2: float = 0.0,
                 l2_shrinkage: float = 0.0, beta: float = 0.0):
        check_rate(lr)
        check_not_negative(initial_accumulator_value=initial_accumulator_value, l1=l1, l2=l2,
                           l2_shrinkage=l2_shrinkage)
        if learning_rate_power > 0:
            raise ArgumentError(f"learning_rate_power must be at most 0, got {learning_rate_power}")
        super().__init__(params, {
            "lr": lr, "learning_rate_power": learning_rate_power,
            "initial_accumulator_value": initial_accumulator_value, "l1": l1, "l2": l2,
            "l2_shrinkage": l2_shrinkage, "beta": beta})

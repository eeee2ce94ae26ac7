"""Resilient backpropagation.

Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning"
(1993), the variant without weight backtracking. Known weakness: only for full batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..errors import ArgumentError
from ..ir.arithmetic import select
from ..ir.node import Node
from ..ir.ops.elementwise import maximum, minimum, sign, zeros_like
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_rate
from .rule import Rule, Slot

__all__ = ["Rprop", "RpropOptions", "rprop"]


class RpropOptions(NamedTuple):
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50.0)
    maximize: bool = False


def _advance(o: RpropOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    return (numbers[0] + 1.0,), ()


def _update(o: RpropOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    before, size = slots
    if o.maximize:
        g = -g
    agreement = g * before
    zero = zeros_like(g)
    down, up = o.etas
    size = size * select(agreement > 0, zero + up, select(agreement < 0, zero + down, zero + 1.0))
    smallest, largest = o.step_sizes
    size = minimum(maximum(size, zero + smallest), zero + largest)
    g = select(agreement < 0, zero, g)
    return p - sign(g) * size, (g, size)


def _slots(o: RpropOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("prev"), Slot("step_size", lr))


rprop = Rule("rprop", _advance, _update, _slots)


class Rprop(Optimizer):
    """Steps by the sign of the gradient; each element's step grows while the sign stays."""

    rule = rprop
    option_type = RpropOptions
    option_names = ("etas", "step_sizes", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2,
                 etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False,
                 differentiable: bool = False):
        check_rate(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ArgumentError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": tuple(etas), "step_sizes": tuple(step_sizes), "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable})

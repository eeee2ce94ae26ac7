"""LAMB: Adam with a rate per layer, for large batches.

Source: You et al., "Large batch optimization for deep learning" (2020), algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..ir.arithmetic import select
from ..ir.node import Node
from ..ir.ops.elementwise import sqrt
from ..ir.ops.reduce import reduce_sum
from ..ir.shapes import TensorType
from .optimizer import Optimizer, check_betas, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Lamb", "LambOptions", "lamb"]


class LambOptions(NamedTuple):
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-7
    weight_decay: float = 0.0


def _advance(o: LambOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    step = numbers[0] + 1.0
    return (step,), (lr, 1.0 - o.betas[0] ** step, 1.0 - o.betas[1] ** step)


def _norm(x: Node) -> Node:
    return sqrt(reduce_sum(x * x, tuple(range(x.ndim))))


def _update(o: LambOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    lr, first, second = scalars
    beta1, beta2 = o.betas
    m = slots[0] + (g - slots[0]) * (1 - beta1)
    v = slots[1] + (g * g - slots[1]) * (1 - beta2)
    step = m / first / (sqrt(v / second) + o.eps)
    if o.weight_decay:
        step = step + o.weight_decay * p
    size, length = _norm(p), _norm(step)
    trust = select(size > 0, select(length > 0, size / length, 1.0), 1.0)
    return p - lr * trust * step, (m, v)


def _slots(o: LambOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    return (Slot("exp_avg"), Slot("exp_avg_sq"))


lamb = Rule("lamb", _advance, _update, _slots, elementwise=False)


class Lamb(Optimizer):
    """Adam's step scaled to the size of the parameter it changes."""

    rule = lamb
    option_type = LambOptions
    option_names = ("betas", "eps", "weight_decay")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-7,
                 weight_decay: float = 0):
        check_rate(lr)
        check_betas(betas)
        check_not_negative(eps=eps, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps,
                                  "weight_decay": weight_decay})

"""Adafactor: second moments of matrices kept as a row and a column.

Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (2018),
algorithms 4 and 5, with relative step sizes as PyTorch reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError
from ..ir.node import Node
from ..ir.ops.elementwise import maximum, rsqrt, sqrt, zeros_like
from ..ir.ops.movement import broadcast_to, expand_dims
from ..ir.ops.reduce import reduce_sum
from ..ir.shapes import Shape, TensorType
from .optimizer import Optimizer, check_not_negative, check_rate
from .rule import Rule, Slot

__all__ = ["Adafactor", "AdafactorOptions", "adafactor"]


class AdafactorOptions(NamedTuple):
    beta2_decay: float = -0.8
    eps: tuple[float | None, float] = (None, 1e-3)
    d: float = 1.0
    weight_decay: float = 0.0
    maximize: bool = False


def _advance(o: AdafactorOptions, lr: float, numbers: tuple[float, ...],
             ) -> tuple[tuple[float, ...], Sequence[float]]:
    step = numbers[0] + 1.0
    return (step,), (step ** o.beta2_decay, min(lr, 1.0 / math.sqrt(step)), lr)


def _mean(x: Node, axis: int) -> Node:
    total: Node = expand_dims(reduce_sum(x, (axis,)), axis)
    result: Node = total / x.shape[axis]
    return result


def _root_mean_square(x: Node) -> Node:
    return sqrt(reduce_sum(x * x, tuple(range(x.ndim))) / x.size)


def _floor(x: Node, least: float) -> Node:
    return maximum(x, zeros_like(x) + least)


def _update(o: AdafactorOptions, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    share, relative, lr = scalars
    tiny = float(np.finfo(p.dtype.numpy).eps) if o.eps[0] is None else o.eps[0]
    if o.maximize:
        g = -g
    rate = relative * _floor(_root_mean_square(p), o.eps[1])
    if o.weight_decay:
        p = p * (1 - lr * o.weight_decay)
    squares = g * g
    changed: list[Node]
    if g.ndim > 1:
        rows, columns = slots
        rows = rows + (_mean(squares, g.ndim - 1) - rows) * share
        columns = columns + (_mean(squares, g.ndim - 2) - columns) * share
        changed = [rows, columns]
        variance = (broadcast_to(rows, g.shape) * broadcast_to(columns, g.shape)
                    / _floor(_mean(rows, g.ndim - 2), tiny))
    else:
        variance = slots[0] + (squares - slots[0]) * share
        changed = [variance]
    update = rsqrt(_floor(variance, tiny * tiny)) * g
    limit = _floor(_root_mean_square(update) / o.d, 1.0)
    return p - rate / limit * update, changed


def _slots(o: AdafactorOptions, lr: float, type: TensorType) -> Sequence[Slot]:
    shape = tuple(type.shape)
    if len(shape) > 1:
        return (Slot("row_var", shape=Shape((*shape[:-1], 1))),
                Slot("col_var", shape=Shape((*shape[:-2], 1, shape[-1]))))
    return (Slot("variance"),)


adafactor = Rule("adafactor", _advance, _update, _slots, elementwise=False)


class Adafactor(Optimizer):
    """Adam's adaptivity at the memory of two vectors per matrix; steps relative to the weights."""

    rule = adafactor
    option_type = AdafactorOptions
    option_names = ("beta2_decay", "eps", "d", "weight_decay", "maximize")

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, beta2_decay: float = -0.8,
                 eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0,
                 weight_decay: float = 0.0, *, foreach: bool | None = None,
                 maximize: bool = False):
        check_rate(lr)
        if not beta2_decay <= 0.0:
            raise ArgumentError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ArgumentError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ArgumentError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ArgumentError(f"Clipping threshold d should be >= 1 but is: {d}")
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": tuple(eps), "d": d,
            "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize})

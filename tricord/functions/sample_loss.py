"""Losses as Keras has them: one value per sample, then weights, a mask and a reduction.

Each formula takes truth and prediction, in this order; `reduced` applies one and does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.dtypes import DType
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast_to, reshape
from ..ir.ops.reduce import reduce_sum
from . import class_loss
from . import loss as losses
from .elementwise import clip

__all__ = ["CLASSES", "COUNTS", "REDUCTIONS", "categorical_crossentropy",
           "categorical_focal_crossentropy", "dice", "generalized_cross_entropy", "huber",
           "reduced", "sparse_categorical", "tversky"]

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
#: formulas whose truth is not cast to the prediction's dtype
CLASSES: set[Callable[..., Node]] = set()
#: formulas that leave some samples out, and which ones they count (None: all)
COUNTS: dict[Callable[..., Node], Callable[..., Node | None]] = {}


def reduced(*arguments: Any) -> Node:
    """``reduced(y_true, y_pred[, weight][, mask], formula, dtype, reduction, has_mask, *static)``.

    Shapes:  formula gives (batch, ...); a weight or mask fits its leading axes
    """
    count = sum(isinstance(a, Node) for a in arguments)
    y_true, y_pred, *rest = arguments[:count]
    formula, dtype, reduction, has_mask, *static = arguments[count:]
    mask = rest.pop() if has_mask else None
    weight = rest.pop() if rest else None
    y_pred = ew.cast(y_pred, dtype)
    if formula not in CLASSES:
        y_true = ew.cast(y_true, dtype)
        y_true, y_pred = _same_rank(y_true, y_pred)
    own = COUNTS[formula](y_true, y_pred, *static) if formula in COUNTS else None
    if own is not None:
        mask = own if mask is None else ew.bitwise_and(own, mask)
    return weighted(formula(y_true, y_pred, *static), weight, mask, reduction, dtype)


def weighted(values: Node, weight: Node | None, mask: Node | None, reduction: str | None,
             dtype: DType) -> Node:
    """Values per sample, weighted and reduced; masked samples do not count in a mean."""
    if mask is not None:
        share = ew.cast(mask, dtype)
        if reduction not in ("none", None, "sum"):
            valid = reduce_sum(share, tuple(range(share.ndim)))
            share = share * (share.size / (valid + 1e-7))
        weight = share if weight is None else _fitted(ew.cast(weight, dtype), share) * share
    if weight is not None:
        weight = ew.cast(weight, dtype)
        values, weight = _same_rank(values, weight)
        weight = _fitted(weight, values)
        values = values * weight
    if reduction in ("none", None):
        return values
    total = reduce_sum(values, tuple(range(values.ndim)))
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        shares = reduce_sum(weight, tuple(range(weight.ndim)))
        return total / ew.maximum(shares, ew.zeros_like(shares) + 1e-7)
    return total / max(values.size, 1)


def _fitted(weight: Node, values: Node) -> Node:
    """A weight for every value: trailing axes are added."""
    while weight.ndim < values.ndim:
        weight = reshape(weight, (*weight.shape, 1))
    if any(w not in (1, v) for w, v in zip(weight.shape, values.shape, strict=False)) or (
            weight.ndim > values.ndim):
        raise ShapeError(f"sample_weight: shape {tuple(weight.shape)} does not fit losses of "
                         f"shape {tuple(values.shape)}", hint="one weight per sample")
    return broadcast_to(weight, values.shape)


def _same_rank(x: Node, y: Node) -> tuple[Node, Node]:
    """(n, 1) and (n) at one rank: a vector grows an axis, otherwise the last axis goes."""
    if x.ndim == y.ndim + 1 and x.shape[-1] == 1:
        return (x, reshape(y, (*y.shape, 1))) if y.ndim == 1 else (reshape(x, x.shape[:-1]), y)
    if y.ndim == x.ndim + 1 and y.shape[-1] == 1:
        return (reshape(x, (*x.shape, 1)), y) if x.ndim == 1 else (x, reshape(y, y.shape[:-1]))
    return x, y


def check_reduction(reduction: Any) -> None:
    """Refuse what is no reduction."""
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"Invalid value for argument `reduction`. Expected one of "
                            f"{REDUCTIONS}. Received: reduction={reduction}")


def huber(y_true: Node, y_pred: Node, delta: float = 1.0) -> Node:
    """`huber_loss`, averaged over the last axis."""
    return losses.mean_last(losses.huber_loss(y_pred, y_true, float(delta), "none"))


def _check_classes(what: str, y_true: Node, y_pred: Node) -> None:
    if y_true.shape == y_pred.shape:
        return
    shapes = f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}"
    if y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1:
        raise ShapeError(
            f"{what}: target and output must have the same shape, they have {shapes}: the targets "
            "look like class numbers, not like one-hot rows",
            hint=f"use sparse_{what}, or keras.utils.to_categorical(y)")
    raise ShapeError(f"{what}: target and output must have the same shape, they have {shapes}: "
                     f"{y_true.shape[-1]} classes in the targets, {y_pred.shape[-1]} in the output",
                     hint=f"the last layer needs {y_true.shape[-1]} units")


def categorical_crossentropy(y_true: Node, y_pred: Node, from_logits: bool = False,
                             label_smoothing: float = 0.0, axis: int = -1) -> Node:
    """Cross entropy against distributions; targets of another shape are explained."""
    _check_classes("categorical_crossentropy", y_true, y_pred)
    return class_loss.categorical_crossentropy(y_true, y_pred, from_logits, label_smoothing, axis)


def categorical_focal_crossentropy(y_true: Node, y_pred: Node, *static: Any) -> Node:
    """Focal cross entropy against distributions; targets of another shape are explained."""
    _check_classes("categorical_focal_crossentropy", y_true, y_pred)
    return class_loss.categorical_focal_crossentropy(y_true, y_pred, *static)


def sparse_categorical(y_true: Node, y_pred: Node, from_logits: bool = False,
                       ignore_class: int | None = None, axis: int = -1) -> Node:
    """Cross entropy against class numbers."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == y_pred.shape[axis] > 1:
        raise ShapeError(
            f"sparse_categorical_crossentropy: targets of shape {tuple(y_true.shape)} look like "
            f"one-hot rows, outputs have shape {tuple(y_pred.shape)}",
            hint="use categorical_crossentropy, or y.argmax(-1)")
    return class_loss.sparse_categorical_crossentropy(y_true, y_pred, from_logits, ignore_class,
                                                      axis)


def _not_ignored(y_true: Node, y_pred: Node, from_logits: bool = False,
                 ignore_class: int | None = None, axis: int = -1) -> Node | None:
    if ignore_class is None:
        return None
    if y_true.ndim == y_pred.ndim and y_true.shape[-1:] == (1,):
        y_true = reshape(y_true, y_true.shape[:-1])
    return ew.not_equal(y_true, ew.zeros_like(y_true) + ignore_class)


CLASSES.add(sparse_categorical)
COUNTS[sparse_categorical] = _not_ignored


def _axes(axis: Any, x: Node) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis))


def dice(y_true: Node, y_pred: Node, axis: Any = None) -> Node:
    """``1 - 2 * |truth * output| / (|truth| + |output|)``."""
    axes = _axes(axis, y_true)
    both = reduce_sum(y_true * y_pred, axes)
    sums = reduce_sum(y_true, axes) + reduce_sum(y_pred, axes)
    return 1 - _over(both * 2, sums + 1e-7)


def tversky(y_true: Node, y_pred: Node, alpha: float = 0.5, beta: float = 0.5,
            axis: Any = None) -> Node:
    """`dice` with weights for false positives and false negatives."""
    axes = _axes(axis, y_true)
    both = reduce_sum(y_true * y_pred, axes)
    false_positive = reduce_sum((1 - y_true) * y_pred, axes)
    false_negative = reduce_sum(y_true * (1 - y_pred), axes)
    return 1 - _over(both, both + alpha * false_positive + beta * false_negative + 1e-7)


def _over(x: Node, y: Node) -> Node:
    return x / y


def generalized_cross_entropy(y_true: Node, y_pred: Node, q: float = 0.5) -> Node:
    """``(1 - p_of_target ** q) / q``."""
    p = clip(y_pred, 1e-7, 1 - 1e-7)
    right = reduce_sum(y_true * p, (y_true.ndim - 1,))
    return (1 - right ** q) / q

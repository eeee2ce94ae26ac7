"""Losses over classes: from logits, log-probabilities or probabilities.

A loss over class indices never makes a one-hot target in memory, nor probabilities: it reads the
logits for their log-sum-exp and picks one of them per sample. Targets out of range are an error
when the program runs.
"""

from __future__ import annotations

import math

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir.arithmetic import promoted
from ..ir.dtypes import float32, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.checks import check_bounds
from ..ir.ops.movement import broadcast, broadcast_to, reshape
from ..ir.ops.reduce import reduce_max, reduce_sum, restore
from ..ir.ops.structural import iota
from ..ir.shapes import normalise_axis
from .activation import log_softmax
from .loss import check_reduction, mean_last, pair, reduce_loss

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "binary_crossentropy",
    "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_hinge", "cross_entropy", "hinge", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "nll_loss", "select_class", "sigmoid_focal_loss",
    "sparse_categorical_crossentropy", "squared_hinge",
]

#: Keras's epsilon: probabilities are kept this far from 0 and 1 before a logarithm.
EPSILON = 1e-7

_OUT_OF_RANGE = "{what}: Target {{value}} is out of bounds (there are {{size}} classes)"


# ---- picking one class per sample

def _one_of(labels: Node, shape: tuple[int, ...], axis: int) -> Node:
    """Where along the axis the class is the label: bool, of this shape."""
    spread = broadcast(labels, shape, [a for a in range(len(shape)) if a != axis])
    return ew.equal(iota(shape, labels.dtype, axis=axis), spread)


def select_class(x: Node, labels: Node, axis: int = 1) -> Node:
    """``x[..., labels, ...]``: one element along an axis per label; labels must be in range.

    Shapes:  x (N, C, *), labels (N, *) -> (N, *) for axis 1
    """
    hit = _one_of(labels, tuple(x.shape), axis)
    return reduce_sum(ew.where(hit, x, ew.zeros_like(x)), (axis,))


def _checked_labels(what: str, x: Node, labels: Node, axis: int,
                    ignore_index: int | None) -> tuple[Node, Node | None]:
    """Labels in range, those to ignore replaced by 0; and which are kept (None: all)."""
    expected = tuple(s for a, s in enumerate(x.shape) if a != axis)
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"{what}: class indices must be integers (expected scalar type Long), "
                         f"got {labels.dtype}",
                         hint="target.long(); or give probabilities of the input's shape")
    if tuple(labels.shape) != expected:
        raise ShapeError(
            f"{what}: Expected input batch_size and target to match: an input of shape "
            f"{tuple(x.shape)} with {x.shape[axis]} classes on axis {axis} takes class indices of "
            f"shape {expected}, got {tuple(labels.shape)}",
            hint="target.squeeze(-1)" if tuple(labels.shape) == (*expected, 1) else None)
    kept = None
    if labels.dtype.itemsize == 1:
        labels = ew.cast(labels, int64)
    if ignore_index is not None:
        kept = ew.not_equal(labels, ew.scalar_like(ignore_index, labels)) if _fits(
            ignore_index, labels) else None
        if kept is not None:
            labels = ew.where(kept, labels, ew.zeros_like(labels))
    message = _OUT_OF_RANGE.format(what=what)
    return check_bounds(labels, x.shape[axis], message), kept


def _fits(number: int, x: Node) -> bool:
    bits = 8 * x.dtype.itemsize
    return 0 <= number < 2 ** bits if x.dtype.kind == "u" else (
        -2 ** (bits - 1) <= number < 2 ** (bits - 1))


def _class_axis(what: str, x: Node) -> int:
    if not x.ndim:
        raise ShapeError(f"{what}: expected an input with an axis of classes, got a 0-d tensor")
    return 0 if x.ndim == 1 else 1


def _wide(x: Node) -> Node:
    return ew.cast(x, float32) if x.dtype.itemsize == 2 else x


def _class_weights(what: str, weight: Node, x: Node, axis: int) -> Node:
    if tuple(weight.shape) != (x.shape[axis],):
        raise ShapeError(f"{what}: weight tensor should be defined either for all "
                         f"{x.shape[axis]} classes or no classes but got weight tensor of shape: "
                         f"{tuple(weight.shape)}")
    return broadcast(ew.cast(weight, x.dtype), tuple(x.shape), (axis,))


def _average(what: str, loss: Node, weights: Node | None, kept: Node | None,
             reduction: str) -> Node:
    """The reduction over samples, those ignored left out, weights counted in the mean."""
    check_reduction(what, reduction)
    if kept is not None:
        loss = ew.where(kept, loss, ew.zeros_like(loss))
        weights = ew.cast(kept, loss.dtype) if weights is None else ew.where(
            kept, weights, ew.zeros_like(weights))
    if reduction != "mean" or weights is None:
        return reduce_loss(loss, reduction)
    axes = range(loss.ndim)
    return reduce_sum(loss, axes) / reduce_sum(weights, axes)


# ---- PyTorch's

def cross_entropy(x: Node, target: Node, weight: Node | None = None, ignore_index: int = -100,
                  reduction: str = "mean", label_smoothing: float = 0.0) -> Node:
    """``-log(softmax(x)[target])`` for logits x, the classes being axis 1 (axis 0 of a vector).

    Shapes:  x (N, C, *) and target (N, *) of class indices, or (N, C, *) of probabilities; weight
             (C,); result () or, for ``"none"``, (N, *)
    Dtypes:  x floating; indices any integer; sums of 2-byte floats are taken in float32
    Raises:  IndexRangeError when it runs, for an index that is not a class (``ignore_index`` is
             left out); ShapeError, DTypeError
    """
    axis = _class_axis("cross_entropy", x)
    if x.dtype.kind != "f":
        raise DTypeError(f"cross_entropy: expected floating logits, got {x.dtype}",
                         hint="the first argument is the prediction, the second the target")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError("cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: "
                            f"{label_smoothing}")
    if target.shape == x.shape and target.dtype.kind == "f":
        return _soft_cross_entropy(x, target, weight, reduction, label_smoothing, axis)
    labels, kept = _checked_labels("cross_entropy", x, target, axis, ignore_index)
    result = x.dtype
    x = _wide(x)
    if weight is None and not label_smoothing:
        loss, weights = _picked_cross_entropy(x, labels, axis), None
    else:
        logs = log_softmax(x, axis)
        loss, weights = _smoothed(logs, labels, weight, label_smoothing, axis)
    return ew.cast(_average("cross_entropy", loss, weights, kept, reduction), result)


def _picked_cross_entropy(x: Node, labels: Node, axis: int) -> Node:
    """``logsumexp(x) - x[label]``, both relative to the maximum."""
    return -select_class(log_softmax(x, axis), labels, axis)


def _smoothed(logs: Node, labels: Node, weight: Node | None, smoothing: float,
              axis: int) -> tuple[Node, Node | None]:
    """Loss per sample against ``(1 - s) * one_hot + s / classes``, and the weight of its class."""
    classes = logs.shape[axis]
    weights = None
    scaled = logs
    if weight is not None:
        spread = _class_weights("cross_entropy", weight, logs, axis)
        weights = select_class(spread, labels, axis)
        scaled = logs * spread
    loss = -select_class(scaled, labels, axis)
    if smoothing:
        loss = loss * (1 - smoothing) - reduce_sum(scaled, (axis,)) * (smoothing / classes)
    return loss, weights


def _soft_cross_entropy(x: Node, target: Node, weight: Node | None, reduction: str,
                        smoothing: float, axis: int) -> Node:
    """Against probabilities; the mean is over samples."""
    check_reduction("cross_entropy", reduction)
    x, target = promoted("cross_entropy", x, target)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / x.shape[axis]
    terms = target * log_softmax(x, axis)
    if weight is not None:
        terms = terms * _class_weights("cross_entropy", weight, x, axis)
    loss = -reduce_sum(terms, (axis,))
    return reduce_loss(loss, reduction)


def nll_loss(x: Node, target: Node, weight: Node | None = None, ignore_index: int = -100,
             reduction: str = "mean") -> Node:
    """``-x[target]`` for log-probabilities x; shapes, weights and errors as in `cross_entropy`."""
    axis = _class_axis("nll_loss", x)
    labels, kept = _checked_labels("nll_loss", x, target, axis, ignore_index)
    loss, weights = -select_class(x, labels, axis), None
    if weight is not None:
        weights = select_class(_class_weights("nll_loss", weight, x, axis), labels, axis)
        loss = loss * weights
    return _average("nll_loss", loss, weights, kept, reduction)


def _same_size(what: str, x: Node, target: Node) -> None:
    if x.shape != target.shape:
        raise ShapeError(
            f"{what}: target size {tuple(target.shape)} must be the same as input size "
            f"{tuple(x.shape)}", hint="target.unsqueeze(-1)" if tuple(x.shape) == (
                *target.shape, 1) else None)


def binary_cross_entropy(x: Node, target: Node, weight: Node | None = None,
                         reduction: str = "mean") -> Node:
    """``-(t*log(x) + (1-t)*log(1-x))`` for probabilities x; logarithms are at least -100."""
    _same_size("binary_cross_entropy", x, target)
    x, target = pair("binary_cross_entropy", x, target)
    loss = -(target * _clamped_log(x) + (1 - target) * _clamped_log(1 - x))
    if weight is not None:
        loss, weight = promoted("binary_cross_entropy", loss, weight)
        loss = loss * weight
    return reduce_loss(loss, reduction)


def _clamped_log(x: Node) -> Node:
    # Below the normal numbers of float32, so it may count as zero: not "<".
    tiny = x <= math.exp(-100)
    safe = ew.where(tiny, ew.scalar_like(1, x), x)
    return ew.where(tiny, ew.scalar_like(-100, x), ew.log(safe))


def binary_cross_entropy_with_logits(x: Node, target: Node, weight: Node | None = None,
                                     reduction: str = "mean",
                                     pos_weight: Node | None = None) -> Node:
    """`binary_cross_entropy` of ``sigmoid(x)``, without overflow.

    ``pos_weight`` multiplies the terms of positive targets; it broadcasts.
    """
    _same_size("binary_cross_entropy_with_logits", x, target)
    x, target = pair("binary_cross_entropy_with_logits", x, target)
    # log(1 + exp(-x)) = max(-x, 0) + log(1 + exp(-|x|))
    tail = ew.log1p(ew.exp(-ew.absolute(x))) + ew.maximum(-x, ew.zeros_like(x))
    if pos_weight is None:
        loss = (1 - target) * x + tail
    else:
        scale = 1 + (broadcast_to(ew.cast(pos_weight, x.dtype), x.shape) - 1) * target
        loss = (1 - target) * x + scale * tail
    if weight is not None:
        loss, weight = promoted("binary_cross_entropy_with_logits", loss, weight)
        loss = loss * weight
    return reduce_loss(loss, reduction)


def sigmoid_focal_loss(x: Node, target: Node, alpha: float = 0.25, gamma: float = 2.0,
                       reduction: str = "none") -> Node:
    """Binary cross entropy of logits, weighted by ``(1 - p_of_target) ** gamma``.

    Source:  Lin et al. 2017, Focal Loss for Dense Object Detection
    """
    plain = binary_cross_entropy_with_logits(x, target, None, "none")
    x, target = pair("sigmoid_focal_loss", x, target)
    p = ew.logistic(x)
    right = p * target + (1 - p) * (1 - target)
    loss = plain * (1 - right) ** gamma
    if alpha >= 0:
        loss = loss * (alpha * target + (1 - alpha) * (1 - target))
    return reduce_loss(loss, reduction)


def _at_least_zero(x: Node) -> Node:
    return ew.where(x < 0, ew.zeros_like(x), x)


def multi_margin_loss(x: Node, target: Node, p: int = 1, margin: float = 1.0,
                      weight: Node | None = None, reduction: str = "mean") -> Node:
    """``sum over c != target of max(0, margin - x[target] + x[c])**p / classes``."""
    axis = x.ndim - 1
    labels, _ = _checked_labels("multi_margin_loss", x, target, axis, None)
    if p not in (1, 2):
        raise ArgumentError(f"multi_margin_loss: only p == 1 and p == 2 supported, got {p}")
    own = restore(select_class(x, labels, axis), x, (axis,))
    terms = _at_least_zero(margin - own + x)
    terms = terms * terms if p == 2 else terms
    if weight is not None:
        spread = _class_weights("multi_margin_loss", weight, x, axis)
        terms = terms * restore(select_class(spread, labels, axis), x, (axis,))
    others = ew.where(_one_of(labels, tuple(x.shape), axis), ew.zeros_like(terms), terms)
    return reduce_loss(reduce_sum(others, (axis,)) / x.shape[axis], reduction)


def multilabel_margin_loss(x: Node, target: Node, reduction: str = "mean") -> Node:
    """Margins between each target class and each other class; targets end at the first -1.

    Shapes:  x (N, C) or (C,), target the same, class indices
    """
    _same_size("multilabel_margin_loss", x, target)
    classes, axis = x.shape[-1], x.ndim - 1
    square = (*x.shape, classes)
    position = iota(x.shape, int64, axis=axis)
    target = ew.cast(target, int64)
    ended = ew.where(target < 0, position, ew.scalar_like(classes, position))
    used = ew.less(position, restore(reduce_max(-ended, axes=(axis,)) * -1, x, (axis,)))
    labels = check_bounds(ew.where(used, target, ew.zeros_like(target)), classes,
                          _OUT_OF_RANGE.format(what="multilabel_margin_loss"))
    lead = tuple(range(axis))
    # Axes of the square: samples, target slots, classes.
    slot = broadcast(used, square, (*lead, axis))
    same = ew.equal(broadcast(labels, square, (*lead, axis)), iota(square, int64, axis=axis + 1))
    hit = ew.bitwise_and(slot, same)
    values = broadcast(x, square, (*lead, axis + 1))
    own = reduce_sum(ew.where(hit, values, ew.zeros_like(values)), (axis + 1,))
    is_target = reduce_max(ew.cast(hit, x.dtype), axes=(axis,))
    terms = _at_least_zero(1 - broadcast(own, square, (*lead, axis)) + values)
    free = ew.bitwise_and(slot, broadcast(is_target < 0.5, square, (*lead, axis + 1)))
    loss = reduce_sum(ew.where(free, terms, ew.zeros_like(terms)), (axis, axis + 1)) / classes
    return reduce_loss(loss, reduction)


def multilabel_soft_margin_loss(x: Node, target: Node, weight: Node | None = None,
                                reduction: str = "mean") -> Node:
    """Binary cross entropy of logits, averaged over the classes."""
    loss = binary_cross_entropy_with_logits(x, target, weight, "none")
    return reduce_loss(mean_last(loss), reduction)


# ---- Keras's: the result is one loss per sample (the last axis of ``axis`` gone); the caller
# applies sample weights and the reduction

def _probabilities(x: Node, axis: int, epsilon: float = EPSILON) -> Node:
    """Scaled to a sum of one, then kept away from 0 and 1."""
    x = x / restore(reduce_sum(x, (axis,)), x, (axis,))
    return _clip(x, epsilon, 1 - epsilon)


def _clip(x: Node, low: float, high: float) -> Node:
    return ew.where(x < low, ew.scalar_like(low, x), ew.where(
        x > high, ew.scalar_like(high, x), x))


def categorical_crossentropy(target: Node, output: Node, from_logits: bool = False,
                             label_smoothing: float = 0.0, axis: int = -1) -> Node:
    """``-sum(target * log(output))`` over the axis of classes.

    Probabilities are scaled to a sum of one and kept 1e-7 away from 0 and 1, as Keras does.

    Shapes:  target and output (*, C) -> (*)
    """
    _same_size("categorical_crossentropy", output, target)
    axis = normalise_axis(axis, output.ndim, "categorical_crossentropy")
    output, target = promoted("categorical_crossentropy", output, target)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / output.shape[axis]
    logs = log_softmax(output, axis) if from_logits else ew.log(_probabilities(output, axis))
    return -reduce_sum(target * logs, (axis,))


def sparse_categorical_crossentropy(target: Node, output: Node, from_logits: bool = False,
                                    ignore_class: int | None = None, axis: int = -1) -> Node:
    """`categorical_crossentropy` with class indices; a target (*, 1) is taken for (*).

    Shapes:  target (*), output (*, C) -> (*), zero where the class is ignored
    """
    what = "sparse_categorical_crossentropy"
    axis = normalise_axis(axis, output.ndim, what)
    if target.ndim == output.ndim and target.shape[-1:] == (1,):
        target = reshape(target, target.shape[:-1])
    if target.dtype.kind not in "iu":
        target = ew.cast(target, int64)
    labels, kept = _checked_labels(what, output, target, axis, ignore_class)
    logs = log_softmax(output, axis) if from_logits else ew.log(_probabilities(output, axis))
    loss = -select_class(logs, labels, axis)
    return loss if kept is None else ew.where(kept, loss, ew.zeros_like(loss))


def binary_crossentropy(target: Node, output: Node, from_logits: bool = False,
                        label_smoothing: float = 0.0) -> Node:
    """Cross entropy of each element, averaged over the last axis (Keras)."""
    _same_size("binary_crossentropy", output, target)
    output, target = promoted("binary_crossentropy", output, target)
    if label_smoothing:
        target = target * (1 - label_smoothing) + 0.5 * label_smoothing
    return mean_last(_binary_terms(target, output, from_logits))


def _binary_terms(target: Node, output: Node, from_logits: bool) -> Node:
    if from_logits:
        return binary_cross_entropy_with_logits(output, target, None, "none")
    p = _clip(output, EPSILON, 1 - EPSILON)
    return -(target * ew.log(p) + (1 - target) * ew.log(1 - p))


def binary_focal_crossentropy(target: Node, output: Node, from_logits: bool = False,
                              label_smoothing: float = 0.0, apply_class_balancing: bool = False,
                              alpha: float = 0.25, gamma: float = 2.0) -> Node:
    """`binary_crossentropy` weighted by ``(1 - p_of_target) ** gamma`` (Keras)."""
    _same_size("binary_focal_crossentropy", output, target)
    output, target = promoted("binary_focal_crossentropy", output, target)
    if label_smoothing:
        target = target * (1 - label_smoothing) + 0.5 * label_smoothing
    p = ew.logistic(output) if from_logits else output
    terms = _binary_terms(target, p, False)
    right = target * p + (1 - target) * (1 - p)
    terms = terms * (1 - right) ** gamma
    if apply_class_balancing:
        terms = terms * (target * alpha + (1 - target) * (1 - alpha))
    return mean_last(terms)


def categorical_focal_crossentropy(target: Node, output: Node, alpha: float = 0.25,
                                   gamma: float = 2.0, from_logits: bool = False,
                                   label_smoothing: float = 0.0, axis: int = -1) -> Node:
    """``sum(alpha * (1 - p)**gamma * -target * log(p))`` over the classes (Keras)."""
    _same_size("categorical_focal_crossentropy", output, target)
    axis = normalise_axis(axis, output.ndim, "categorical_focal_crossentropy")
    output, target = promoted("categorical_focal_crossentropy", output, target)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / output.shape[axis]
    if from_logits:
        output = ew.exp(log_softmax(output, axis))
    p = _probabilities(output, axis)
    terms = -target * ew.log(p) * (alpha * (1 - p) ** gamma)
    return reduce_sum(terms, (axis,))


def _signs(target: Node) -> Node:
    """Targets 0 and 1 become -1 and 1; targets -1 and 1 stay (decided when it runs)."""
    binary = ew.bitwise_or(ew.equal(target, ew.zeros_like(target)),
                           ew.equal(target, ew.scalar_like(1, target)))
    all_binary = reduce_max(-ew.cast(binary, target.dtype), axes=tuple(range(target.ndim))) <= -1
    return ew.where(broadcast(all_binary, target.shape, ()), target * 2 - 1, target)


def hinge(target: Node, output: Node) -> Node:
    """``max(1 - target * output, 0)``, averaged over the last axis (Keras)."""
    output, target = pair("hinge", output, target)
    z = 1 - _signs(target) * output
    return mean_last(ew.maximum(z, ew.zeros_like(z)))


def squared_hinge(target: Node, output: Node) -> Node:
    """The square of `hinge` per element, averaged over the last axis (Keras)."""
    output, target = pair("squared_hinge", output, target)
    z = 1 - _signs(target) * output
    above = ew.maximum(z, ew.zeros_like(z))
    return mean_last(above * above)


def categorical_hinge(target: Node, output: Node) -> Node:
    """``max(0, max of wrong ones - right one + 1)`` over the last axis (Keras)."""
    output, target = pair("categorical_hinge", output, target)
    axis = (output.ndim - 1,)
    right = reduce_sum(target * output, axis)
    wrong = reduce_max((1 - target) * output, axes=axis)
    z = wrong - right + 1
    return ew.maximum(z, ew.zeros_like(z))

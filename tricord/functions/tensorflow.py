"""Composites with TensorFlow's conventions, which differ from those of the other frameworks.

Source: the documentation of tf.nn and tf.image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import ShapeError
from ..ir import arithmetic as ar
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import reduce as rd
from ..ir.ops.convolution import dilated
from ..ir.ops.movement import broadcast
from ..ir.ops.structural import stop_gradient
from ..ir.shapes import Shape, normalise_axes
from . import manipulation as mv
from .class_loss import binary_cross_entropy_with_logits
from .convolution import conv_transpose
from .places import divide_no_nan
from .random import unit

__all__ = ["absolute_difference", "batch_normalization", "bias_add", "conv_transpose_to", "dropout",
           "floor_divide", "hinge_loss", "huber_terms", "leaky_relu", "log_loss", "maximum",
           "minimum", "moments", "sigmoid_cross_entropy", "sign", "softmax_cross_entropy",
           "weighted_cross_entropy", "weighted_loss"]


def batch_normalization(x: Node, mean: Node, variance: Node, offset: Node | None = None,
                        scale: Node | None = None, epsilon: float = 1e-3) -> Node:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``, all broadcast."""
    factor = ew.rsqrt(variance + epsilon)
    if scale is not None:
        factor = factor * scale
    shift = -mean * factor if offset is None else offset - mean * factor
    return x * factor + shift


def bias_add(x: Node, bias: Node, axis: int = -1) -> Node:
    """A vector added along the axis of channels."""
    at = axis % x.ndim if x.ndim else 0
    if bias.ndim != 1 or not x.ndim or bias.shape[0] != x.shape[at]:
        raise ShapeError(f"bias_add: a bias of shape {tuple(bias.shape)} for a value of shape "
                         f"{tuple(x.shape)}: the bias must be a vector as long as the last axis")
    return x + broadcast(ew.cast(bias, x.dtype), x.shape, (at,))


def moments(x: Node, axes: Sequence[int], keepdims: bool = False) -> tuple[Node, Node]:
    """Mean and variance over the axes."""
    found = normalise_axes(tuple(axes), x.ndim, "moments")
    wide = x if x.dtype.itemsize > 2 else ew.cast(x, ar.DEFAULT_FLOAT)
    mean = rd.reduce_sum(wide, found) / max(_count(x, found), 1)
    centred = wide - rd.restore(mean, wide, found)
    variance = rd.reduce_sum(centred * centred, found) / max(_count(x, found), 1)
    results = (ew.cast(mean, x.dtype), ew.cast(variance, x.dtype))
    if not keepdims:
        return results
    shape = [1 if a in found else s for a, s in enumerate(x.shape)]
    return mv.reshape(results[0], shape), mv.reshape(results[1], shape)


def _count(x: Node, axes: Sequence[int]) -> int:
    count = 1
    for a in axes:
        count *= x.shape[a]
    return count


def leaky_relu(x: Node, alpha: float = 0.2) -> Node:
    """x, or ``alpha * x`` below zero; at zero the slope is ``alpha``."""
    return ew.where(ew.greater(x, ew.zeros_like(x)), x, x * alpha)


def softmax_cross_entropy(labels: Node, logits: Node, axis: int = -1) -> Node:
    """``-sum(labels * log_softmax(logits))`` along an axis; labels are probabilities.

    The gradient is ``softmax(logits) - labels``, as TensorFlow has it, also where the labels do
    not sum to one.
    """
    labels, logits = ar.promoted("softmax_cross_entropy_with_logits", labels, logits)
    at = axis % logits.ndim if logits.ndim else axis
    axes = normalise_axes(at, logits.ndim, "softmax_cross_entropy_with_logits")
    top = stop_gradient(rd.reduce_max(logits, axes=axes))
    centred = logits - rd.restore(top, logits, axes)
    total = ew.log(rd.reduce_sum(ew.exp(centred), axes))
    missing = rd.reduce_sum(labels, axes) - 1
    return total - rd.reduce_sum(labels * centred, axes) + missing * stop_gradient(total)


def sign(x: Node) -> Node:
    """-1, 0 or 1; its gradient is zero, not absent."""
    if not x.dtype.is_inexact:
        return ew.sign(x)
    return ew.where(ew.equal(x, x), ew.sign(x), x)


def maximum(x: ar.Operand, y: ar.Operand) -> Node:
    """The larger of two; between equals the gradient goes to the first."""
    first, second = ar.promoted("maximum", x, y)
    return _chosen(first, second, ew.greater_equal) if first.dtype.kind == "f" else ew.maximum(
        first, second)


def minimum(x: ar.Operand, y: ar.Operand) -> Node:
    """The smaller of two; between equals the gradient goes to the first."""
    first, second = ar.promoted("minimum", x, y)
    return _chosen(first, second, ew.less_equal) if first.dtype.kind == "f" else ew.minimum(
        first, second)


def _chosen(x: Node, y: Node, wins: Callable[[Node, Node], Node]) -> Node:
    return ew.where(ew.bitwise_or(wins(x, y), ew.is_nan(x)), x, y)


def floor_divide(x: Node, y: Node) -> Node:
    """``x / y`` rounded down, through which no gradient flows."""
    return stop_gradient(ar.floor_divide(x, y))


def sigmoid_cross_entropy(labels: Node, logits: Node) -> Node:
    """The cross entropy of independent yes-or-no labels, element by element."""
    if labels.shape != logits.shape:
        raise ShapeError(f"sigmoid_cross_entropy_with_logits: `logits` and `labels` must have the "
                         f"same shape, received ({tuple(logits.shape)} vs {tuple(labels.shape)}).")
    return binary_cross_entropy_with_logits(logits, labels, None, "none")


def weighted_cross_entropy(labels: Node, logits: Node, weight: Node) -> Node:
    """`sigmoid_cross_entropy` with a weight on the positive labels."""
    labels, logits, weight = ar.promoted("weighted_cross_entropy_with_logits", labels, logits,
                                         weight)
    factor = 1 + (weight - 1) * labels
    low = ew.maximum(-logits, ew.zeros_like(logits))
    return (1 - labels) * logits + factor * (ew.log1p(ew.exp(-ew.absolute(logits))) + low)


def dropout(x: Node, rate: Node, key: Node, ordinal: int,
            shape: tuple[int, ...] | None = None) -> Node:
    """Each element zero with probability ``rate``, a tensor; the others divided by ``1 - rate``."""
    drawn = unit(key, Shape(x.shape if shape is None else shape), ordinal, x.dtype)
    kept = mv.broadcast_to(ew.greater_equal(drawn, mv.broadcast_to(rate, drawn.shape)), x.shape)
    return ew.where(kept, x / (1 - rate), ew.zeros_like(x))


def weighted_loss(loss: Node, weights: Node, reduction: str) -> Node:
    """Weighted losses brought together (TensorFlow 1).

    ``none``, ``weighted_sum``, ``weighted_mean`` (by the sum of the weights),
    ``weighted_sum_over_batch_size``, or ``weighted_sum_by_nonzero_weights``.
    """
    while 0 < weights.ndim < loss.ndim:
        weights = mv.expand_dims(weights, -1)
    weights = mv.broadcast_to(ew.cast(weights, loss.dtype), loss.shape)
    terms = loss * weights
    if reduction == "none":
        return terms
    everything = tuple(range(loss.ndim))
    total = rd.reduce_sum(terms, everything)
    if reduction == "weighted_sum":
        return total
    if reduction == "weighted_sum_over_batch_size":
        return total / max(loss.size, 1)
    if reduction == "weighted_mean":
        count = rd.reduce_sum(weights, everything)
    else:
        counted = ew.cast(ew.not_equal(weights, ew.zeros_like(weights)), loss.dtype)
        count = rd.reduce_sum(counted, everything)
    return divide_no_nan(total, count)


def log_loss(labels: Node, predictions: Node, epsilon: float = 1e-7) -> Node:
    """``-labels * log(p + epsilon) - (1 - labels) * log(1 - p + epsilon)``."""
    labels, p = ar.promoted("log_loss", labels, predictions)
    return -labels * ew.log(p + epsilon) - (1 - labels) * ew.log(1 - p + epsilon)


def hinge_loss(labels: Node, logits: Node) -> Node:
    """``max(0, 1 - (2 * labels - 1) * logits)`` for labels 0 and 1."""
    labels, logits = ar.promoted("hinge_loss", labels, logits)
    margin = 1 - (2 * labels - 1) * logits
    return ew.maximum(margin, ew.zeros_like(margin))


def huber_terms(labels: Node, predictions: Node, delta: float = 1.0) -> Node:
    """``e**2 / 2`` for small errors, ``delta * (|e| - delta / 2)`` for large ones."""
    labels, predictions = ar.promoted("huber_loss", labels, predictions)
    error = ew.absolute(predictions - labels)
    small = ew.minimum(error, ew.scalar_like(delta, error))
    return 0.5 * small * small + delta * (error - small)


def absolute_difference(x: Node, y: Node) -> Node:
    """``|x - y|``."""
    return ew.absolute(ar.subtract(x, y))


def conv_transpose_to(x: Node, w: Node, sizes: tuple[int, ...], stride: tuple[int, ...],
                      padding: str | tuple[tuple[int, int], ...], dilation: tuple[int, ...],
                      layout: str = "N*C") -> Node:
    """The gradient of a convolution with respect to its input of the spatial ``sizes``.

    Shapes:  w (taps *, O, I), x of channels I -> channels O
    """
    spatial = x.shape[1:-1] if layout == "N*C" else x.shape[2:]
    widths, more = [], []
    for axis, (n, size, s) in enumerate(zip(spatial, sizes, stride, strict=True)):
        reach = dilated(w.shape[axis], dilation[axis])
        whole = (n - 1) * s + reach
        if isinstance(padding, str):
            total = max(whole - size, 0) if padding == "same" else 0
            low, high = total // 2, total - total // 2
        else:
            low, high = padding[axis]
        if not 0 <= size - (whole - low - high) < max(s, 1):
            raise ShapeError(f"conv_transpose: an output size of {size} does not come from an "
                             f"input of size {n} with stride {s} and {w.shape[axis]} taps")
        widths.append((low, high))
        more.append(size - (whole - low - high))
    return conv_transpose(x, w, None, stride, tuple(widths), tuple(more), 1, dilation, layout,
                          "*OI")

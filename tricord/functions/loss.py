"""Losses between predictions and numbers. Those over classes are in `class_loss`.

Every loss takes ``reduction``: ``"mean"``, ``"sum"`` or ``"none"``. Formulas and defaults are
PyTorch's; where Keras differs, a function of its own says so.
"""

from __future__ import annotations

import math
import warnings

from ..errors import ArgumentError, DTypeError, ShapeError, nearest
from ..ir.arithmetic import promoted
from ..ir.dtypes import float32
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.reduce import reduce_sum, restore
from ..ir.ops.structural import stop_gradient
from ..ir.shapes import normalise_axis
from ..ir.source import user_location
from .reduction import norm

__all__ = [
    "cosine_embedding_loss", "cosine_similarity", "gaussian_nll_loss", "hinge_embedding_loss",
    "huber_loss", "kl_div", "l1_loss", "log_cosh", "margin_ranking_loss",
    "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "mse_loss",
    "pairwise_distance", "poisson_nll_loss", "reduce_loss", "smooth_l1_loss", "soft_margin_loss",
    "triplet_margin_loss",
]

REDUCTIONS = ("none", "mean", "sum")


def check_reduction(what: str, reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"{what}: {reduction!r} is not a valid value for reduction; there are "
                            "'none', 'mean' and 'sum'", hint=nearest(str(reduction), REDUCTIONS))


def reduce_loss(loss: Node, reduction: str = "mean") -> Node:
    """All elements, their sum, or their mean (NaN if there are none)."""
    check_reduction("loss", reduction)
    if reduction == "none":
        return loss
    total = reduce_sum(loss, range(loss.ndim))
    return total if reduction == "sum" else total / loss.size


def pair(what: str, x: Node, y: Node) -> list[Node]:
    """Prediction and target in one floating dtype and one shape; different shapes get a warning.

    Shapes like (n, 1) and (n,) stretch to n*n differences, which nobody wants and many have
    trained with.
    """
    if x.shape != y.shape:
        warnings.warn(
            f"{what}: using a target size {tuple(y.shape)} that is different to the input size "
            f"{tuple(x.shape)}; broadcasting will likely lead to incorrect results. Give both the "
            f"same shape, e.g. with squeeze(-1). ({user_location() or 'unknown line'})",
            stacklevel=2)
    if x.dtype.is_inexact or y.dtype.is_inexact:
        return promoted(what, x, y)
    return promoted(what, x, y, dtype=float32)


def _sum_last(x: Node, axis: int = -1) -> Node:
    return reduce_sum(x, (normalise_axis(axis, x.ndim),))


# ---- differences

def mse_loss(x: Node, target: Node, reduction: str = "mean", weight: Node | None = None) -> Node:
    """``(x - target)**2``."""
    x, target = pair("mse_loss", x, target)
    difference = x - target
    return _weighted(difference * difference, weight, reduction)


def l1_loss(x: Node, target: Node, reduction: str = "mean", weight: Node | None = None) -> Node:
    """``|x - target|``."""
    x, target = pair("l1_loss", x, target)
    return _weighted(ew.absolute(x - target), weight, reduction)


def _weighted(loss: Node, weight: Node | None, reduction: str) -> Node:
    """The mean is over the sum of the weights, as in PyTorch."""
    if weight is None:
        return reduce_loss(loss, reduction)
    loss, weight = promoted("weight", loss, weight)
    loss = loss * weight
    if reduction == "mean":
        axes = range(loss.ndim)
        return reduce_sum(loss, axes) / reduce_sum(weight, axes)
    return reduce_loss(loss, reduction)


def smooth_l1_loss(x: Node, target: Node, beta: float = 1.0, reduction: str = "mean") -> Node:
    """``d**2 / (2*beta)`` where ``d = |x - target| < beta``, else ``d - beta/2``."""
    x, target = pair("smooth_l1_loss", x, target)
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    distance = ew.absolute(x - target)
    if beta == 0:
        return reduce_loss(distance, reduction)
    near = distance * distance * (0.5 / beta)
    return reduce_loss(ew.where(distance < beta, near, distance - 0.5 * beta), reduction)


def huber_loss(x: Node, target: Node, delta: float = 1.0, reduction: str = "mean",
               weight: Node | None = None) -> Node:
    """``d**2 / 2`` where ``d = |x - target| <= delta``, else ``delta * (d - delta/2)``."""
    x, target = pair("huber_loss", x, target)
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    distance = ew.absolute(x - target)
    loss = ew.where(distance <= delta, 0.5 * (distance * distance),
                    delta * (distance - 0.5 * delta))
    return _weighted(loss, weight, reduction)


def log_cosh(x: Node, target: Node, reduction: str = "mean") -> Node:
    """``log(cosh(x - target))``, without overflow."""
    x, target = pair("log_cosh", x, target)
    distance = ew.absolute(x - target)
    loss = distance + ew.log1p(ew.exp(distance * -2.0)) - math.log(2)
    return reduce_loss(loss, reduction)


def mean_absolute_percentage_error(x: Node, target: Node, reduction: str = "none",
                                   epsilon: float = 1e-7) -> Node:
    """``100 * |target - x| / max(|target|, epsilon)``, averaged over the last axis (Keras)."""
    x, target = pair("mean_absolute_percentage_error", x, target)
    scale = ew.maximum(ew.absolute(target), ew.scalar_like(epsilon, target))
    return reduce_loss(mean_last(ew.absolute((target - x) / scale)) * 100, reduction)


def mean_squared_logarithmic_error(x: Node, target: Node, reduction: str = "none",
                                   epsilon: float = 1e-7) -> Node:
    """``(log(1+target) - log(1+x))**2`` of both clipped at epsilon, over the last axis (Keras)."""
    x, target = pair("mean_squared_logarithmic_error", x, target)
    least = ew.scalar_like(epsilon, x)
    difference = ew.log1p(ew.maximum(x, least)) - ew.log1p(ew.maximum(target, least))
    return reduce_loss(mean_last(difference * difference), reduction)


def mean_last(x: Node) -> Node:
    """Mean over the last axis; a 0-d tensor is its own mean."""
    return _sum_last(x) / x.shape[-1] if x.ndim else x


# ---- likelihoods

def kl_div(x: Node, target: Node, log_target: bool = False, reduction: str = "mean") -> Node:
    """``target * (log(target) - x)``: x holds log-probabilities, target probabilities.

    ``"batchmean"`` divides the sum by the size of the first axis, which is the divergence.
    """
    x, target = pair("kl_div", x, target)
    if log_target:
        loss = ew.exp(target) * (target - x)
    else:
        nothing = ew.equal(target, ew.zeros_like(target))
        safe = ew.where(nothing, ew.scalar_like(1, target), target)
        loss = target * ew.log(safe) - target * x
    if reduction == "batchmean":
        return reduce_loss(loss, "sum") / (loss.shape[0] if loss.ndim else 1)
    return reduce_loss(loss, reduction)


def poisson_nll_loss(x: Node, target: Node, log_input: bool = True, full: bool = False,
                     eps: float = 1e-8, reduction: str = "mean") -> Node:
    """``exp(x) - target * x``, or ``x - target * log(x + eps)`` if x is not a logarithm.

    ``full`` adds Stirling's approximation of ``log(target!)`` where ``target > 1``.
    """
    x, target = pair("poisson_nll_loss", x, target)
    loss = ew.exp(x) - target * x if log_input else x - target * ew.log(x + eps)
    if full:
        many = target > 1
        safe = ew.where(many, target, ew.scalar_like(1, target))
        stirling = safe * ew.log(safe) - safe + 0.5 * ew.log(safe * (2 * math.pi))
        loss = loss + ew.where(many, stirling, ew.zeros_like(loss))
    return reduce_loss(loss, reduction)


def gaussian_nll_loss(x: Node, target: Node, var: Node, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Node:
    """``(log(var) + (x - target)**2 / var) / 2``, the variance being at least ``eps``.

    The variance's value is clipped, its gradient is not, as in PyTorch.
    """
    if var.ndim == x.ndim - 1 and tuple(var.shape) == tuple(x.shape[:-1]):
        var = restore(var, x, (x.ndim - 1,))
    x, target, var = promoted("gaussian_nll_loss", x, target, var)
    clipped = var + stop_gradient(ew.maximum(var, ew.scalar_like(eps, var)) - var)
    difference = x - target
    loss = 0.5 * (ew.log(clipped) + difference * difference / clipped)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce_loss(loss, reduction)


# ---- margins

def _at_least_zero(x: Node) -> Node:
    """``max(x, 0)`` with the gradient 1 at zero, as PyTorch's clamp_min has it."""
    return ew.where(x < 0, ew.zeros_like(x), x)


def hinge_embedding_loss(x: Node, target: Node, margin: float = 1.0,
                         reduction: str = "mean") -> Node:
    """``x`` where the target is 1, ``max(0, margin - x)`` where it is -1."""
    x, target = promoted("hinge_embedding_loss", x, target)
    zero = ew.zeros_like(x)
    apart = ew.where(ew.not_equal(target, ew.scalar_like(1, x)), _at_least_zero(margin - x), zero)
    near = ew.where(ew.not_equal(target, ew.scalar_like(-1, x)), x, zero)
    return reduce_loss(apart + near, reduction)


def margin_ranking_loss(first: Node, second: Node, target: Node, margin: float = 0.0,
                        reduction: str = "mean") -> Node:
    """``max(0, -target * (first - second) + margin)``."""
    first, second, target = promoted("margin_ranking_loss", first, second, target)
    return reduce_loss(_at_least_zero(-target * (first - second) + margin), reduction)


def soft_margin_loss(x: Node, target: Node, reduction: str = "mean") -> Node:
    """``log(1 + exp(-target * x))``, without overflow."""
    x, target = promoted("soft_margin_loss", x, target)
    z = -target * x
    loss = _at_least_zero(z) + ew.log1p(ew.exp(-ew.absolute(z)))
    return reduce_loss(loss, reduction)


def pairwise_distance(x: Node, y: Node, p: float = 2.0, eps: float = 1e-6,
                      keepdim: bool = False) -> Node:
    """The p-norm of ``x - y + eps`` over the last axis."""
    x, y = promoted("pairwise_distance", x, y)
    return norm(x - y + eps, -1, p, keepdim)


def triplet_margin_loss(anchor: Node, positive: Node, negative: Node, margin: float = 1.0,
                        p: float = 2.0, eps: float = 1e-6, swap: bool = False,
                        reduction: str = "mean") -> Node:
    """``max(0, distance(anchor, positive) - distance(anchor, negative) + margin)``.

    ``swap`` uses the distance of positive and negative where it is the smaller one.
    """
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = ew.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduce_loss(_at_least_zero(near - far + margin), reduction)


# ---- angles

def cosine_similarity(x: Node, y: Node, axis: int = 1, eps: float = 1e-8) -> Node:
    """``x . y / (|x| * |y|)``; each length is at least ``eps``."""
    x, y = promoted("cosine_similarity", x, y)
    if not x.dtype.is_inexact:
        raise DTypeError(f"cosine_similarity: expected floating dtypes, got {x.dtype}")
    axis = normalise_axis(axis, x.ndim, "cosine_similarity")
    least = ew.scalar_like(eps, reduce_sum(x, (axis,)))
    lengths = ew.maximum(norm(x, axis), least) * ew.maximum(norm(y, axis), least)
    return reduce_sum(x * y, (axis,)) / lengths


def cosine_embedding_loss(x: Node, y: Node, target: Node, margin: float = 0.0,
                          reduction: str = "mean") -> Node:
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1.

    Shapes:  x and y (n, d) or (d,), target (n,) or ()
    """
    if target.ndim + 1 != x.ndim or target.ndim + 1 != y.ndim:
        raise ShapeError(f"cosine_embedding_loss: inputs of shapes {tuple(x.shape)} and "
                         f"{tuple(y.shape)} want a target with one axis less, got "
                         f"{tuple(target.shape)}")
    x, y = promoted("cosine_embedding_loss", x, y)
    tiny = 1e-12  # PyTorch's choice; not the eps of cosine_similarity
    last = x.ndim - 1
    product = reduce_sum(x * y, (last,))
    lengths = (reduce_sum(x * x, (last,)) + tiny) * (reduce_sum(y * y, (last,)) + tiny)
    cosine = product / ew.sqrt(lengths)
    zero = ew.zeros_like(cosine)
    target = ew.cast(target, cosine.dtype)
    near = ew.where(ew.equal(target, ew.scalar_like(1, zero)), 1 - cosine, zero)
    apart = ew.where(ew.equal(target, ew.scalar_like(-1, zero)), _at_least_zero(cosine - margin),
                     zero)
    return reduce_loss(near + apart, reduction)

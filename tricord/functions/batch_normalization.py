"""Batch normalisation as Keras has it: over kept steps only if there is a mask, and renormalised.

Unlike `normalization.batch_norm_statistics` a channel may have a single value; its variance is 0.
Statistics of 2-byte floats are taken in float32.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ShapeError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.dtypes import float32
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import broadcast, reshape
from ..ir.ops.reduce import reduce_sum, restore
from ..ir.ops.structural import stop_gradient
from ..ir.shapes import normalise_axes, normalise_axis
from .masked import masked_moments
from .normalization import moved
from .reduction import mean as mean_
from .reduction import var

__all__ = ["BatchNorm", "kept_batch_norm", "spectral_norm", "steady_batch_norm",
           "variance_scaled"]


class BatchNorm(NamedTuple):
    """What batch normalisation is told besides its tensors."""

    axis: int = -1
    momentum: float = 0.99
    epsilon: float = 1e-3
    #: added to the number of steps that a mask keeps
    mask_epsilon: float = 1e-7
    #: bounds of the correction of batch renormalisation: rmin, rmax, dmax; None where there is none
    renorm: tuple[float | None, float | None, float | None] | None = None
    renorm_momentum: float = 0.99


def _wide(x: Node) -> Node:
    """x in a floating dtype of at least 4 bytes."""
    small = not x.dtype.is_inexact or x.dtype.itemsize == 2
    return ew.cast(x, float32) if small else x


def _stretched(vector: Node, x: Node, axis: int) -> Node:
    return broadcast(ew.cast(vector, x.dtype), x.shape, (axis,))


def _normalised(x: Node, mean: Node, variance: Node, gamma: Node | None, beta: Node | None,
                epsilon: float, axis: int) -> Node:
    scale = ew.rsqrt(variance + epsilon)
    y = (x - _stretched(mean, x, axis)) * _stretched(scale, x, axis)
    if gamma is not None:
        y = y * _stretched(gamma, x, axis)
    return y if beta is None else y + _stretched(beta, x, axis)


def steady_batch_norm(x: Node, mean: Node, variance: Node, gamma: Node | None, beta: Node | None,
                      spec: BatchNorm) -> Node:
    """Normalised by given statistics, as in evaluation.

    Shapes:  x (*, C, *) with C on ``spec.axis``, the others (C,)
    """
    wide = _wide(x)
    axis = normalise_axis(spec.axis, x.ndim, "batch_normalization")
    y = _normalised(wide, mean, variance, gamma, beta, spec.epsilon, axis)
    return ew.cast(y, x.dtype) if x.dtype.is_inexact else y


def _moments(x: Node, mask: Node | None, axis: int, spec: BatchNorm) -> tuple[Node, Node]:
    axes = tuple(a for a in range(x.ndim) if a != axis)
    if mask is not None:
        if mask.ndim != x.ndim - 1:
            raise ShapeError("The mask provided should be one dimension less than the inputs. "
                             f"Received: mask.shape={tuple(mask.shape)}, "
                             f"inputs.shape={tuple(x.shape)}")
        return masked_moments(x, mask, axes, spec.mask_epsilon)
    mean = mean_(x, axes)
    centred = x - restore(mean, x, axes)
    return mean, mean_(centred * centred, axes)


def kept_batch_norm(x: Node, mean: Node, variance: Node, gamma: Node | None, beta: Node | None,
                    mask: Node | None, stddev: Node | None, renorm_mean: Node | None,
                    renorm_stddev: Node | None, spec: BatchNorm) -> tuple[Node, ...]:
    """Normalised by the batch's own statistics, and the moving statistics after it.

    The result, then mean and variance, and with ``spec.renorm`` stddev, renorm mean and stddev.

    Shapes:  x (*, C, *), mask x's without its last axis, the others (C,)
    Source:  Ioffe & Szegedy 2015; renormalisation: Ioffe 2017, section 3
    """
    wide = _wide(x)
    axis = normalise_axis(spec.axis, x.ndim, "batch_normalization")
    now, spread = _moments(wide, mask, axis, spec)
    factor = 1 - spec.momentum
    if spec.renorm is None:
        y = _normalised(wide, now, spread, gamma, beta, spec.epsilon, axis)
        new = [moved(mean, now, factor), moved(variance, spread, factor)]
    else:
        assert stddev is not None and renorm_mean is not None and renorm_stddev is not None
        deviation = ew.sqrt(spread + spec.epsilon)
        r, d = _correction(now, deviation, renorm_mean, renorm_stddev, spec)
        # (x * r + d) * gamma + beta
        scale = r if gamma is None else r * gamma
        shift = d if gamma is None else d * gamma
        y = _normalised(wide, now, spread, scale, shift if beta is None else shift + beta,
                        spec.epsilon, axis)
        slow = 1 - spec.renorm_momentum
        steady = moved(stddev, deviation, factor)
        square = steady * steady - spec.epsilon
        new = [moved(mean, now, factor), ew.where(square > 0, square, ew.zeros_like(square)),
               steady, moved(renorm_mean, now, slow), moved(renorm_stddev, deviation, slow)]
    return (ew.cast(y, x.dtype) if x.dtype.is_inexact else y), *new


def _correction(mean: Node, stddev: Node, renorm_mean: Node, renorm_stddev: Node,
                spec: BatchNorm) -> tuple[Node, Node]:
    """What brings the batch's statistics to the moving ones, within bounds; without gradient."""
    assert spec.renorm is not None
    rmin, rmax, dmax = spec.renorm
    floor = ew.maximum(renorm_stddev, ew.scalar_like(spec.epsilon ** 0.5, renorm_stddev))
    r, d = stddev / floor, (mean - renorm_mean) / floor
    if rmin is not None:
        r = ew.maximum(r, ew.scalar_like(rmin, r))
    if rmax is not None:
        r = ew.minimum(r, ew.scalar_like(rmax, r))
    if dmax is not None:
        d = ew.minimum(ew.maximum(d, ew.scalar_like(-dmax, d)), ew.scalar_like(dmax, d))
    return stop_gradient(r), stop_gradient(d)


def variance_scaled(x: Node, gamma: Node | None, axes: tuple[int, ...], epsilon: float) -> Node:
    """``x * rsqrt(variance + epsilon) * gamma`` (Keras's LayerNormalization, rms_scaling)."""
    wide = _wide(x)
    over = normalise_axes(axes, x.ndim, "layer_normalization")
    y = wide * restore(ew.rsqrt(var(wide, over) + epsilon), wide, over)
    if gamma is not None:
        y = y * broadcast(ew.cast(gamma, y.dtype), y.shape, over)
    return ew.cast(y, x.dtype) if x.dtype.is_inexact else y


def _unit(x: Node) -> Node:
    axes = tuple(range(x.ndim))
    length = reduce_sum(x * x, axes)
    return x * restore(ew.rsqrt(ew.maximum(length, ew.scalar_like(1e-24, length))), x, axes)


def spectral_norm(kernel: Node, u: Node, iterations: int) -> tuple[Node, Node]:
    """The kernel divided by its largest singular value, found by power iteration; the new u.

    A kernel of zeros stays.

    Shapes:  kernel (*, C), u (1, C)
    Source:  Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks
    """
    rows = reshape(kernel, (kernel.size // kernel.shape[-1], kernel.shape[-1]))
    now, v = u, u
    for _ in range(iterations):
        v = _unit(dot_general(now, rows, ((1,), (1,))))
        now = _unit(dot_general(v, rows, ((1,), (0,))))
    now, v = stop_gradient(now), stop_gradient(v)
    sigma = reshape(dot_general(dot_general(v, rows, ((1,), (0,))), now, ((1,), (1,))), ())
    empty = ew.equal(reduce_sum(ew.absolute(rows), (0, 1)), ew.zeros_like(sigma))
    divisor = ew.where(empty, ew.scalar_like(1, sigma), sigma)
    return (kernel / broadcast(divisor, kernel.shape, ()),
            ew.where(broadcast(empty, u.shape, ()), u, now))

"""Normalisation over axes: shift and scale to mean 0 and variance 1, then learned scale and shift.

Statistics of 2-byte floats are taken in float32. PyTorch and Keras differ in defaults only (eps,
and what momentum multiplies): both are arguments here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir.dtypes import DType, finfo, float32
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast, broadcast_to, reshape
from ..ir.ops.reduce import reduce_sum, restore
from ..ir.ops.structural import stop_gradient
from ..ir.ops.window import window_sum
from ..ir.shapes import normalise_axes, normalise_axis
from .reduction import mean, norm

__all__ = [
    "batch_norm",
    "batch_norm_statistics",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "moved",
    "normalize",
    "rms_norm",
    "train_batch_norm",
    "weight_norm",
]


def _wide(what: str, x: Node) -> tuple[Node, DType]:
    """x in float32 at least, and its own dtype."""
    if x.dtype.kind != "f":
        raise DTypeError(f"{what}: expected a floating dtype, got {x.dtype}")
    return (ew.cast(x, float32) if x.dtype.itemsize == 2 else x), x.dtype


def _centred(x: Node, axes: tuple[int, ...]) -> tuple[Node, Node, Node]:
    """``x - mean``, mean and variance (the mean square), the latter two without the axes."""
    average = mean(x, axes)
    centred = x - restore(average, x, axes)
    count = math.prod(x.shape[a] for a in axes)
    return centred, average, reduce_sum(centred * centred, axes) / count


def _along(vector: Node, x: Node, axes: Sequence[int]) -> Node:
    """A learned tensor, whose axes are ``axes`` of x, stretched over x."""
    return broadcast(ew.cast(vector, x.dtype), x.shape, axes)


def _affine(y: Node, weight: Node | None, bias: Node | None, axes: Sequence[int]) -> Node:
    if weight is not None:
        y = y * _along(weight, y, axes)
    return y if bias is None else y + _along(bias, y, axes)


# ---- batch

def _channels(what: str, x: Node, axis: int, *vectors: Node | None) -> tuple[int, tuple[int, ...]]:
    """The axis of channels and all the others; learned tensors have one entry per channel."""
    axis = normalise_axis(axis, x.ndim, what)
    for vector in vectors:
        if vector is not None and tuple(vector.shape) != (x.shape[axis],):
            raise ShapeError(f"{what}: an input of shape {tuple(x.shape)} has {x.shape[axis]} "
                             f"channels on axis {axis}, the layer has {vector.size}")
    return axis, tuple(a for a in range(x.ndim) if a != axis)


def batch_norm(x: Node, running_mean: Node, running_var: Node, weight: Node | None = None,
               bias: Node | None = None, eps: float = 1e-5, axis: int = 1) -> Node:
    """Normalised by given statistics, as in evaluation.

    Shapes:  x (N, C, *), the others (C,) -> that of x
    """
    axis, _ = _channels("batch_norm", x, axis, running_mean, running_var, weight, bias)
    wide, dtype = _wide("batch_norm", x)
    scale = ew.rsqrt(running_var + eps)
    y = (wide - _along(running_mean, wide, (axis,))) * _along(scale, wide, (axis,))
    return ew.cast(_affine(y, weight, bias, (axis,)), dtype)


def batch_norm_statistics(x: Node, weight: Node | None = None, bias: Node | None = None,
                          eps: float = 1e-5, axis: int = 1) -> tuple[Node, Node, Node]:
    """Normalised by the batch's own statistics; also its mean and its variance (over n).

    Shapes:  x (N, C, *), weight and bias (C,) -> that of x, (C,), (C,)
    Raises:  ShapeError if a channel has one value only: its variance would be nothing
    """
    axis, others = _channels("batch_norm", x, axis, weight, bias)
    if x.size == x.shape[axis]:
        raise ShapeError("batch_norm: Expected more than 1 value per channel when training, got "
                         f"input size {tuple(x.shape)}",
                         hint="a larger batch, or model.eval(); drop_last=True in the loader")
    wide, dtype = _wide("batch_norm", x)
    centred, average, variance = _centred(wide, others)
    y = centred * restore(ew.rsqrt(variance + eps), wide, others)
    return ew.cast(_affine(y, weight, bias, (axis,)), dtype), average, variance


def train_batch_norm(x: Node, running_mean: Node, running_var: Node, weight: Node | None = None,
                     bias: Node | None = None, factor: float | Node = 0.1, eps: float = 1e-5,
                     axis: int = 1, unbiased: bool = True) -> tuple[Node, Node, Node]:
    """`batch_norm_statistics`, with the running statistics moved by ``factor`` towards the batch's.

    ``factor`` is PyTorch's momentum; Keras's is one minus that, with ``unbiased`` false. New
    statistics carry no gradient.
    """
    y, average, variance = batch_norm_statistics(x, weight, bias, eps, axis)
    if unbiased:
        n = x.size // x.shape[normalise_axis(axis, x.ndim)]
        variance = variance * (n / (n - 1))
    return y, moved(running_mean, average, factor), moved(running_var, variance, factor)


def moved(running: Node, now: Node, factor: float | Node) -> Node:
    """``(1 - factor) * running + factor * now``, without gradient."""
    now = ew.cast(stop_gradient(now), running.dtype)
    if isinstance(factor, Node):
        factor = broadcast(ew.cast(factor, running.dtype), running.shape, ())
    return stop_gradient(running) * (1 - factor) + now * factor


# ---- layer, group, instance

def layer_norm(x: Node, weight: Node | None = None, bias: Node | None = None,
               axes: int | tuple[int, ...] = (-1,), eps: float = 1e-5) -> Node:
    """Normalised over ``axes`` of each example.

    Shapes:  weight and bias have the sizes of x on these axes -> that of x
    """
    over = normalise_axes(axes, x.ndim, "layer_norm")
    sizes = tuple(x.shape[a] for a in over)
    for vector in (weight, bias):
        if vector is not None and tuple(vector.shape) != sizes:
            raise ShapeError(f"layer_norm: an input of shape {tuple(x.shape)} has sizes {sizes} on "
                             f"axes {over}, the layer has {tuple(vector.shape)}")
    wide, dtype = _wide("layer_norm", x)
    centred, _, variance = _centred(wide, over)
    y = centred * restore(ew.rsqrt(variance + eps), wide, over)
    return ew.cast(_affine(y, weight, bias, over), dtype)


def rms_norm(x: Node, weight: Node | None = None, axes: int | tuple[int, ...] = (-1,),
             eps: float | None = None) -> Node:
    """``x / sqrt(mean(x**2) + eps) * weight``; eps is the dtype's own if not given.

    Source:  Zhang & Sennrich 2019, Root Mean Square Layer Normalization
    """
    over = normalise_axes(axes, x.ndim, "rms_norm")
    sizes = tuple(x.shape[a] for a in over)
    if weight is not None and tuple(weight.shape) != sizes:
        raise ShapeError(f"rms_norm: an input of shape {tuple(x.shape)} has sizes {sizes} on axes "
                         f"{over}, the layer has {tuple(weight.shape)}")
    wide, dtype = _wide("rms_norm", x)
    eps = finfo(wide.dtype).eps if eps is None else eps
    y = wide * restore(ew.rsqrt(mean(wide * wide, over) + eps), wide, over)
    return ew.cast(_affine(y, weight, None, over), dtype)


def group_norm(x: Node, groups: int, weight: Node | None = None, bias: Node | None = None,
               eps: float = 1e-5, axis: int = 1) -> Node:
    """Normalised over each group of channels of each example, spatial axes included.

    Shapes:  x (N, C, *), weight and bias (C,) -> that of x
    Raises:  ShapeError if the channels do not divide into the groups
    """
    axis, _ = _channels("group_norm", x, axis, weight, bias)
    channels = x.shape[axis]
    if groups < 1 or channels % groups:
        raise ShapeError(f"group_norm: Expected number of channels in input to be divisible by "
                         f"num_groups, but got input of shape {tuple(x.shape)} and "
                         f"num_groups={groups}")
    wide, dtype = _wide("group_norm", x)
    split = reshape(wide, (*x.shape[:axis], groups, channels // groups, *x.shape[axis + 1:]))
    over = tuple(a for a in range(1, split.ndim) if a != axis)
    centred, _, variance = _centred(split, over)
    y = reshape(centred * restore(ew.rsqrt(variance + eps), split, over), x.shape)
    return ew.cast(_affine(y, weight, bias, (axis,)), dtype)


def instance_norm(x: Node, weight: Node | None = None, bias: Node | None = None,
                  eps: float = 1e-5) -> tuple[Node, Node, Node]:
    """Normalised over the spatial axes of each channel of each example.

    Also the mean over the batch of the instances' means, and of their unbiased variances.

    Shapes:  x (N, C, *) -> that of x, (C,), (C,)
    """
    axis, _ = _channels("instance_norm", x, 1, weight, bias)
    over = tuple(range(2, x.ndim))
    n = math.prod(x.shape[2:])
    if n == 1:
        raise ShapeError("instance_norm: Expected more than 1 spatial element when training, got "
                         f"input size {tuple(x.shape)}")
    wide, dtype = _wide("instance_norm", x)
    centred, average, variance = _centred(wide, over)
    y = centred * restore(ew.rsqrt(variance + eps), wide, over)
    y = ew.cast(_affine(y, weight, bias, (axis,)), dtype)
    return y, mean(average, 0), mean(variance, 0) * (n / max(n - 1, 1))


# ---- others

def local_response_norm(x: Node, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0, axis: int = 1) -> Node:
    """``x / (k + alpha * mean of x**2 over neighbouring channels) ** beta``.

    Source:  Krizhevsky et al. 2012, section 3.3
    """
    if x.ndim < 3:
        raise ShapeError(f"local_response_norm: Expected 3D or higher dimensionality input, got "
                         f"{x.ndim} dimensions")
    if size < 1:
        raise ArgumentError(f"local_response_norm: size must be positive, got {size}")
    axis = normalise_axis(axis, x.ndim, "local_response_norm")

    def only(value: int, rest: int) -> list[int]:
        return [value if a == axis else rest for a in range(x.ndim)]

    total = window_sum(x * x, only(size, 1), low=only(size // 2, 0), high=only((size - 1) // 2, 0))
    base = total * (alpha / size) + k
    return x / ew.power(base, ew.scalar_like(beta, base))


def normalize(x: Node, p: float = 2.0, axis: int = 1, eps: float = 1e-12) -> Node:
    """``x`` divided by its p-norm along an axis, which is taken as at least ``eps``."""
    axis = normalise_axis(axis, x.ndim, "normalize")
    length = norm(x, axis, p)
    floor = ew.maximum(length, ew.scalar_like(eps, length))
    return x / restore(floor, x, (axis,))


def weight_norm(direction: Node, magnitude: Node, axis: int | None = 0) -> Node:
    """``direction * magnitude / norm(direction)``, one norm per index of ``axis`` (None: one).

    Source:  Salimans & Kingma 2016
    """
    if axis is None:
        return direction * broadcast(magnitude / norm(direction), direction.shape, ())
    axis = normalise_axis(axis, direction.ndim, "weight_norm")
    others = tuple(a for a in range(direction.ndim) if a != axis)
    length = norm(direction, others, 2, True) if others else ew.absolute(direction)
    return direction * broadcast_to(magnitude / length, direction.shape)

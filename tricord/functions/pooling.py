"""Pooling over windows of the spatial axes, in both layouts.

Strides default to the window's size. ``padding`` is a width per axis, a pair (before, after) per
axis, or Keras's ``"valid"`` and ``"same"``. ``ceil_mode`` keeps a last window that reaches over
the end, as long as it starts inside the input or the padding before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ir.dtypes import int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.convolution import dilated, same_padding
from ..ir.ops.indexing import scatter, take, take_along_axis
from ..ir.ops.movement import broadcast, broadcast_to, expand_dims, move_axis, reshape, transpose
from ..ir.ops.reduce import argmax, reduce_max
from ..ir.ops.structural import constant, iota
from ..ir.ops.window import window_argmax, window_max, window_sum
from .convolution import per_axis
from .reduction import max as reduction_max
from .reduction import mean

__all__ = ["adaptive_avg_pool", "adaptive_max_pool", "adaptive_max_pool_with_indices", "avg_pool",
           "global_pool", "lp_pool", "max_pool", "max_pool_with_indices", "max_unpool"]

Ints = int | tuple[int, ...]


class _Windows(NamedTuple):
    """Windows on all axes of x; ``spatial`` says which of them are pooled."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    dilation: tuple[int, ...]
    spatial: tuple[int, ...]

    def fields(self) -> dict[str, Any]:
        return {"size": self.size, "strides": self.strides, "low": self.low, "high": self.high,
                "dilation": self.dilation}


def _reach_over(n: int, taps: int, stride: int, low: int, high: int) -> int:
    """Padding after, so that a window that starts inside but ends outside is kept."""
    count = -(-(n + low + high - taps) // stride) + 1
    if (count - 1) * stride >= n + low:
        count -= 1
    return max((count - 1) * stride + taps - n - low, high)


def _windows(what: str, x: Node, size: Ints, stride: Ints | None, padding: Any, dilation: Ints,
             ceil_mode: bool, count: int, layout: str) -> _Windows:
    spatial = tuple(range(x.ndim - count, x.ndim)) if layout == "NC*" else tuple(
        range(x.ndim - count - 1, x.ndim - 1))
    sizes = [x.shape[a] for a in spatial]
    taps = per_axis(f"{what}: kernel_size", size, count)
    strides = taps if stride is None or stride == () else per_axis(f"{what}: stride", stride,
                                                                   count)
    gaps = per_axis(f"{what}: dilation", dilation, count)
    if min(strides) < 1 or min(taps) < 1:
        raise ArgumentError(f"{what}: kernel size and stride should be greater than zero, got "
                            f"{taps} and {strides}")
    reach = [dilated(k, d) for k, d in zip(taps, gaps)]
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ArgumentError(f"{what}: padding {padding!r} is not 'valid', 'same' or widths")
        pairs = (same_padding(sizes, taps, strides, gaps) if padding == "same"
                 else [(0, 0)] * count)
    else:
        widths = (padding,) * count if isinstance(padding, int) else tuple(padding)
        widths = widths * count if len(widths) == 1 else widths
        pairs = [(p, p) if isinstance(p, int) else tuple(p) for p in widths]
        if len(pairs) != count:
            raise ShapeError(f"{what}: padding {padding} for {count} spatial axes")
        for (p, _), k in zip(pairs, reach):
            if p > k // 2:
                raise ArgumentError(f"{what}: pad should be at most half of effective kernel size, "
                                    f"but got pad={p} and kernel size {k}")
    if ceil_mode:
        pairs = [(low, _reach_over(n, k, s, low, high)) for n, k, s, (low, high) in zip(
            sizes, reach, strides, pairs)]
    for n, k, (low, high) in zip(sizes, reach, pairs):
        if n + low + high < k:
            raise ShapeError(f"{what}: Given input size: {tuple(x.shape)}. A window of {taps} does "
                             "not fit: Output size is too small")

    def everywhere(values: Sequence[int], rest: int) -> tuple[int, ...]:
        found = dict(zip(spatial, values))
        return tuple(found.get(a, rest) for a in range(x.ndim))

    return _Windows(everywhere(taps, 1), everywhere(strides, 1),
                    everywhere([low for low, _ in pairs], 0),
                    everywhere([high for _, high in pairs], 0), everywhere(gaps, 1), spatial)


# ---- maximum

def max_pool(x: Node, count: int, size: Ints, stride: Ints | None = None, padding: Any = 0,
             dilation: Ints = 1, ceil_mode: bool = False, layout: str = "NC*") -> Node:
    """The maximum of each window over the ``count`` spatial axes; padding never wins.

    The gradient goes to the first of equal elements.
    """
    w = _windows("max_pool", x, size, stride, padding, dilation, ceil_mode, count, layout)
    return window_max(x, **w.fields())


def max_pool_with_indices(x: Node, count: int, size: Ints, stride: Ints | None = None,
                          padding: Any = 0, dilation: Ints = 1,
                          ceil_mode: bool = False) -> tuple[Node, Node]:
    """`max_pool` of ``"NC*"``, and the place of each maximum in its plane, row-major, int64."""
    w = _windows("max_pool", x, size, stride, padding, dilation, ceil_mode, count, "NC*")
    offset = ew.cast(window_argmax(x, **w.fields()), int64)
    place = ew.zeros_like(offset)
    for number, axis in enumerate(reversed(w.spatial)):
        inner = math.prod(w.size[a] for a in w.spatial[count - number:])
        plane = math.prod(x.shape[a] for a in w.spatial[count - number:])
        step = ew.remainder(ew.floor_divide(offset, ew.scalar_like(inner, offset)),
                            ew.scalar_like(w.size[axis], offset))
        start = iota(offset.shape, int64, axis=axis) * w.strides[axis] - w.low[axis]
        place = place + (start + step * w.dilation[axis]) * plane
    return window_max(x, **w.fields()), place


def max_unpool(x: Node, indices: Node, sizes: tuple[int, ...]) -> Node:
    """Zeros, with the elements of x at the places `max_pool_with_indices` gave.

    Shapes:  x and indices (*, pooled), ``sizes`` the planes' -> (*, *sizes)
    """
    lead = x.ndim - len(sizes)
    rows = math.prod(x.shape[:lead])
    flat = reshape(x, (rows, -1)) if x.size else reshape(x, (rows, 0))
    at = reshape(indices, flat.shape)
    empty = broadcast(constant(0, x.dtype), (rows, math.prod(sizes)), ())
    row = iota(at.shape, int64, axis=0)
    return reshape(scatter(empty, flat, row, ew.cast(at, int64), axes=(0, 1)),
                   (*x.shape[:lead], *sizes))


# ---- mean

def _counts(n: int, taps: int, stride: int, low: int, high: int, results: int,
            include_pad: bool) -> np.ndarray[Any, Any]:
    """How many elements each window has along one axis; what reaches over the end never counts."""
    start = np.arange(results) * stride - low
    stop = np.minimum(start + taps, n + high)
    if not include_pad:
        start, stop = np.maximum(start, 0), np.minimum(stop, n)
    return stop - start


def avg_pool(x: Node, count: int, size: Ints, stride: Ints | None = None, padding: Any = 0,
             ceil_mode: bool = False, count_include_pad: bool = True,
             divisor_override: int | None = None, layout: str = "NC*") -> Node:
    """The mean of each window over the ``count`` spatial axes.

    ``count_include_pad`` counts the zeros of the padding too; ``divisor_override`` replaces the
    number of elements.
    """
    if divisor_override == 0:
        raise ArgumentError("avg_pool: divisor must be not zero")
    plain = _windows("avg_pool", x, size, stride, padding, 1, False, count, layout)
    w = (_windows("avg_pool", x, size, stride, padding, 1, True, count, layout) if ceil_mode
         else plain)
    total = window_sum(x, **w.fields())
    if divisor_override is not None:
        return total / divisor_override
    divisor: Node | None = None
    whole = 1
    for axis in w.spatial:
        counts = _counts(x.shape[axis], w.size[axis], w.strides[axis], plain.low[axis],
                         plain.high[axis], total.shape[axis], count_include_pad)
        if counts.size and (counts == counts[0]).all():
            whole *= int(counts[0])
            continue
        along = broadcast(constant(counts, x.dtype), total.shape, (axis,))
        divisor = along if divisor is None else divisor * along
    if whole != 1:
        total = total / whole
    return total if divisor is None else total / divisor


def lp_pool(x: Node, count: int, norm_type: float, size: Ints, stride: Ints | None = None,
            ceil_mode: bool = False) -> Node:
    """``sum(x**p) ** (1/p)`` of each window; an infinite p is the maximum."""
    if math.isinf(norm_type):
        return max_pool(x, count, size, stride, 0, 1, ceil_mode)
    w = _windows("lp_pool", x, size, stride, 0, 1, ceil_mode, count, "NC*")
    total = window_sum(x ** norm_type, **w.fields())
    total = ew.where(total < 0, ew.zeros_like(total), total)
    return total ** (1 / norm_type)


# ---- to a size

def _target(what: str, x: Node, output_size: Any, count: int) -> tuple[int, ...]:
    """The wanted sizes; None keeps the input's."""
    listed = (output_size,) * count if output_size is None or isinstance(output_size, int) else (
        tuple(output_size))
    if len(listed) != count:
        raise ShapeError(f"{what}: {count} sizes expected, got {listed}")
    return tuple(n if s is None else s for s, n in zip(listed, x.shape[-count:]))


def _bins(n: int, results: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Where each of the results starts and ends."""
    i = np.arange(results)
    return i * n // results, -(-(i + 1) * n // results)


def _even(x: Node, sizes: Sequence[int]) -> bool:
    return all(s and n % s == 0 for s, n in zip(sizes, x.shape[-len(sizes):]))


def adaptive_avg_pool(x: Node, count: int, output_size: Any) -> Node:
    """Means over bins, as equal as can be, that divide each of the last ``count`` axes.

    Shapes:  (*, spatial) -> (*, output_size)
    """
    sizes = _target("adaptive_avg_pool", x, output_size, count)
    spatial = tuple(range(x.ndim - count, x.ndim))
    if all(s == 1 for s in sizes):
        return expand_dims(mean(x, spatial), *spatial)
    if _even(x, sizes):
        taps = tuple(x.shape[a] // s for a, s in zip(spatial, sizes))
        return avg_pool(x, count, taps)
    for axis, size in zip(spatial, sizes):
        n = x.shape[axis]
        if n == size:
            continue
        start, stop = _bins(n, size)
        inside = (np.arange(n) >= start[:, None]) & (np.arange(n) < stop[:, None])
        weights = constant(inside / np.maximum(stop - start, 1)[:, None], x.dtype)
        x = move_axis(dot_general(x, weights, ((axis,), (1,))), x.ndim - 1, axis)
    return x


def _binned(x: Node, count: int, sizes: Sequence[int]) -> Node:
    """(*, spatial) -> (*, sizes, longest bin), short bins filled up with their last element."""
    lead = x.ndim - count
    for number, size in enumerate(sizes):
        axis = lead + 2 * number
        start, stop = _bins(x.shape[axis], size)
        longest = int((stop - start).max()) if size else 0
        index = np.minimum(start[:, None] + np.arange(longest), stop[:, None] - 1)
        x = take(x, constant(index, int64), axis)
    order = (*range(lead), *(lead + 2 * i for i in range(count)),
             *(lead + 2 * i + 1 for i in range(count)))
    x = transpose(x, order)
    return reshape(x, (*x.shape[:lead + count], math.prod(x.shape[lead + count:])))


def adaptive_max_pool(x: Node, count: int, output_size: Any) -> Node:
    """Maxima over the bins of `adaptive_avg_pool`."""
    sizes = _target("adaptive_max_pool", x, output_size, count)
    if _even(x, sizes):
        taps = tuple(n // s for n, s in zip(x.shape[-count:], sizes))
        return max_pool(x, count, taps)
    binned = _binned(x, count, sizes)
    return reduce_max(binned, axes=(binned.ndim - 1,))


def adaptive_max_pool_with_indices(x: Node, count: int, output_size: Any) -> tuple[Node, Node]:
    """`adaptive_max_pool`, and the place of each maximum in its plane, row-major, int64."""
    sizes = _target("adaptive_max_pool", x, output_size, count)
    binned = _binned(x, count, sizes)
    last = binned.ndim - 1
    plane = math.prod(x.shape[-count:])
    place = reshape(iota((plane,), int64), x.shape[-count:])
    places = broadcast_to(_binned(place, count, sizes), binned.shape)
    at = expand_dims(argmax(binned, axis=last), last)
    chosen = reshape(take_along_axis(places, at, last), binned.shape[:-1])
    return adaptive_max_pool(x, count, output_size), chosen


def global_pool(x: Node, kind: str = "avg", keepdims: bool = False, layout: str = "NC*") -> Node:
    """Mean (``"avg"``) or maximum (``"max"``) over all spatial axes (Keras)."""
    axes = tuple(range(2, x.ndim)) if layout == "NC*" else tuple(range(1, x.ndim - 1))
    return (mean if kind == "avg" else reduction_max)(x, axes, keepdims)

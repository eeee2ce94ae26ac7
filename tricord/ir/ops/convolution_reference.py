"""Convolution in numpy as one matrix product per group over a matrix of windows.

Copying the windows together costs about as much as the product, so they are copied in whichever
of two orders keeps runs of memory together: positions as rows, or positions as columns. Large
inputs are taken a slice of the batch at a time. No loop runs over elements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = ["convolve", "dilate_and_pad"]

Array = np.ndarray[Any, Any]

#: Elements of the matrix of windows made at a time: 2 MB of float32, so that it stays in a cache.
_BLOCK = 1 << 19


def dilate_and_pad(x: Array, low: Sequence[int], high: Sequence[int],
                   dilation: Sequence[int]) -> Array:
    """Zeros between elements and around the last axes; negative widths cut off."""
    if not (any(low) or any(high)) and all(d == 1 for d in dilation):
        return x
    lead = x.ndim - len(low)
    shape, inside, outside = list(x.shape[:lead]), [slice(None)] * lead, [slice(None)] * lead
    for size, lo, hi, d in zip(x.shape[lead:], low, high, dilation, strict=True):
        grown = (size - 1) * d + 1
        shape.append(grown + max(lo, 0) + max(hi, 0))
        inside.append(slice(max(lo, 0), max(lo, 0) + grown, d))
        outside.append(slice(max(-lo, 0), shape[-1] - max(-hi, 0)))
    result = _zeros_in_order_of(x, shape)
    result[tuple(inside)] = x
    return result[tuple(outside)]


def _zeros_in_order_of(x: Array, shape: Sequence[int]) -> Array:
    """Zeros whose axes lie in memory in the same order as those of ``x``."""
    order = sorted(range(x.ndim), key=lambda a: -abs(x.strides[a]))
    made = np.zeros([shape[a] for a in order], x.dtype)
    return made.transpose(np.argsort(order))


def _windows(x: Array, positions: Sequence[int], taps: Sequence[int], strides: Sequence[int],
             dilation: Sequence[int]) -> Array:
    """A view (group, outer, inner, positions, taps)."""
    steps = x.strides[3:]
    return as_strided(
        x, (*x.shape[:3], *positions, *taps),
        (*x.strides[:3], *(s * t for s, t in zip(steps, strides, strict=True)),
         *(s * t for s, t in zip(steps, dilation, strict=True))), writeable=False)


def convolve(x: Array, w: Array, positions: tuple[int, ...], strides: Sequence[int],
             low: Sequence[int], high: Sequence[int], input_dilation: Sequence[int],
             kernel_dilation: Sequence[int], grouped: bool) -> Array:
    """Convolution of arrays with axes (group,) outer, inner, spatial.

    Narrow floats are accumulated in float32 and rounded once.
    """
    dtype = x.dtype
    if dtype.itemsize == 2 and dtype.kind not in "iu":
        x, w = x.astype(np.float32), w.astype(np.float32)
    if not grouped:
        x, w = x[None], w[None]
    x = dilate_and_pad(x, low, high, input_dilation)
    result_shape = (x.shape[0], x.shape[1], w.shape[1], *positions)
    if 0 in result_shape or x.shape[2] == 0:
        result = np.zeros(result_shape, dtype)
        return result if grouped else result[0]
    taps = w.shape[3:]
    per_outer = x.shape[0] * x.shape[2] * math.prod(positions) * math.prod(taps)
    step = max(1, _BLOCK // per_outer)
    parts = [_product(_windows(x[:, i:i + step], positions, taps, strides, kernel_dilation), w)
             for i in range(0, x.shape[1], step)]
    result = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    result = result.astype(dtype, copy=False)
    return result if grouped else result[0]


def _product(windows: Array, w: Array) -> Array:
    """Sum of windows (group, outer, inner, positions, taps) times w (group, out, inner, taps)."""
    spatial = w.ndim - 3
    rows = [1, *range(3, 3 + spatial)]
    summed = [2, *range(3 + spatial, 3 + 2 * spatial)]
    # The axis with the smallest step runs innermost; among equals the longest.
    real = [a for a in (*rows, *summed) if windows.shape[a] > 1] or [1]
    innermost = min(real, key=lambda a: (abs(windows.strides[a]), -windows.shape[a]))
    rows.sort(key=lambda a: -abs(windows.strides[a]))
    summed.sort(key=lambda a: -abs(windows.strides[a]))
    groups, outputs = w.shape[0], w.shape[1]
    kernel_axes = [2 if a == 2 else a - spatial for a in summed]
    kernel = w.transpose(0, 1, *kernel_axes).reshape(groups, outputs, -1)
    depth = kernel.shape[2]
    sizes = [windows.shape[a] for a in rows]
    if innermost in summed:
        matrix = windows.transpose(0, *rows, *summed).reshape(groups, -1, depth)
        product = matrix @ kernel.transpose(0, 2, 1)
        result = product.reshape(groups, *sizes, outputs)
        order = [0, 1 + rows.index(1), 1 + len(rows)]
        order += [1 + rows.index(a) for a in range(3, 3 + spatial)]
    else:
        matrix = windows.transpose(0, *summed, *rows).reshape(groups, depth, -1)
        product = kernel @ matrix
        result = product.reshape(groups, outputs, *sizes)
        order = [0, 2 + rows.index(1), 1]
        order += [2 + rows.index(a) for a in range(3, 3 + spatial)]
    return result.transpose(order)

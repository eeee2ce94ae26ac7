"""Images, volumes and signals brought to another size, axis by axis.

Source: the conventions of torch.nn.functional.interpolate. Without ``align_corners`` the centres of
pixels are mapped ("half pixel"), which is also what Keras does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, nearest
from ..ir.dtypes import int64
from ..ir.node import Node
from ..ir.ops.indexing import take
from ..ir.ops.movement import broadcast
from ..ir.ops.structural import constant
from .manipulation import repeat
from .pooling import adaptive_avg_pool

__all__ = ["MODES", "interpolate", "scaled_sizes", "upsample_repeat"]

Array = np.ndarray[Any, Any]

#: Modes, and the rank of the input each of them wants (None: any).
MODES = {"nearest": None, "nearest-exact": None, "linear": 3, "bilinear": 4, "bicubic": 4,
         "trilinear": 5, "area": None}


def interpolate(x: Node, sizes: tuple[int, ...], mode: str = "nearest",
                align_corners: bool = False, scales: tuple[float, ...] | None = None,
                spatial: tuple[int, ...] | None = None) -> Node:
    """The spatial axes resized.

    ``scales`` are the factors that the user gave, if any: source positions are computed from them
    rather than from the rounded sizes.

    Shapes:  (N, C, *) -> (N, C, *sizes)
    Raises:  ArgumentError for a mode that does not fit the rank
    """
    if mode not in MODES:
        raise ArgumentError(f"interpolate: mode is one of {', '.join(MODES)}, got {mode!r}",
                            hint=nearest(mode, MODES))
    axes = tuple(range(2, x.ndim)) if spatial is None else spatial
    wanted = MODES[mode]
    if wanted is not None and len(axes) != wanted - 2:
        raise ArgumentError(f"interpolate: Got {x.ndim}D input, but {mode} mode needs {wanted}D "
                            "input")
    if len(sizes) != len(axes):
        raise ShapeError(f"interpolate: Input and output must have the same number of spatial "
                         f"dimensions, but got {len(axes)} and sizes {sizes}")
    if min(sizes, default=1) < 1 or min((x.shape[a] for a in axes), default=1) < 1:
        raise ShapeError(f"interpolate: Input and output sizes should be greater than 0, but got "
                         f"input {tuple(x.shape)} and sizes {sizes}")
    if mode == "area":
        return adaptive_avg_pool(x, len(sizes), sizes)
    for number, (axis, size) in enumerate(zip(axes, sizes)):
        factor = None if scales is None else scales[number]
        x = _along(x, axis, size, mode, align_corners, factor)
    return x


def _along(x: Node, axis: int, size: int, mode: str, align: bool, factor: float | None) -> Node:
    n = x.shape[axis]
    if n == size and (align or factor in (None, 1.0)):
        return x
    ratio = n / size if factor is None else 1 / factor
    i = np.arange(size)
    if mode in ("nearest", "nearest-exact"):
        if mode == "nearest" and size % n == 0 and factor in (None, size / n):
            return repeat(x, size // n, axis)
        # PyTorch computes the position in float32.
        shift = 0.5 if mode == "nearest-exact" else 0.0
        at = np.floor((i.astype(np.float32) + np.float32(shift)) * np.float32(ratio))
        return take(x, constant(np.minimum(at, n - 1), int64), axis)
    if align:
        position = i * ((n - 1) / (size - 1)) if size > 1 else np.zeros(size)
    else:
        position = (i + 0.5) * ratio - 0.5
    if mode == "bicubic":
        return _mixed(x, axis, *_cubic(position, n))
    return _mixed(x, axis, *_linear(np.maximum(position, 0), n))


def _linear(position: Array, n: int) -> tuple[list[Array], list[Array]]:
    """Two neighbours of each position, and their shares."""
    low = np.minimum(np.floor(position), n - 1).astype(np.int64)
    share = position - low
    return [low, np.minimum(low + 1, n - 1)], [1 - share, share]


def _cubic(position: Array, n: int, a: float = -0.75) -> tuple[list[Array], list[Array]]:
    """Four neighbours of each position, and their shares (Keys 1981)."""
    low = np.floor(position)
    t = position - low

    def near(d: Array) -> Array:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Array) -> Array:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    shares = [far(t + 1), near(t), near(1 - t), far(2 - t)]
    places = [np.clip(low + k, 0, n - 1).astype(np.int64) for k in (-1, 0, 1, 2)]
    return places, shares


def _mixed(x: Node, axis: int, places: Sequence[Array], shares: Sequence[Array]) -> Node:
    total: Node | None = None
    for place, share in zip(places, shares):
        part = take(x, constant(place, int64), axis)
        part = part * broadcast(constant(share, x.dtype), part.shape, (axis,))
        total = part if total is None else total + part
    assert total is not None
    return total


def upsample_repeat(x: Node, factors: tuple[int, ...], spatial: tuple[int, ...]) -> Node:
    """Each element repeated along the spatial axes (Keras's UpSampling with "nearest")."""
    for axis, factor in zip(spatial, factors):
        x = repeat(x, factor, axis)
    return x


def scaled_sizes(sizes: Sequence[int], factors: Sequence[float]) -> tuple[int, ...]:
    """Sizes times factors, rounded down.

    >>> scaled_sizes((3, 4), (2.0, 1.5))
    (6, 6)
    """
    return tuple(math.floor(n * f) for n, f in zip(sizes, factors))


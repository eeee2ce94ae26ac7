"""Images changed at random, each its own way; and cut or resized to a size (Keras's layers).

Images are (N, H, W, C) here. The random ones take the key and ordinal of one draw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.dtypes import int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.indexing import gather
from ..ir.ops.movement import (
    broadcast,
    concatenate,
    flip,
    move_axis,
    pad,
    reshape,
    slice_,
    transpose,
)
from ..ir.ops.structural import constant, iota
from .elementwise import clip
from .random import unit
from .reduction import mean
from .resize import interpolate
from .sampling_grid import grid_sample

__all__ = [
    "affine",
    "brightened",
    "centre_crop",
    "contrasted",
    "fitted",
    "flipped",
    "random_affine",
    "random_crop",
    "resized",
]

Array = np.ndarray[Any, Any]

#: how `grid_sample` calls what lies outside of an image
_OUTSIDE = {"reflect": "reflection", "nearest": "border", "constant": "zeros"}


def _shares(key: Node, ordinal: int, count: int, images: Node) -> list[Node]:
    """``count`` uniform numbers in [0, 1) for each image."""
    n = images.shape[0]
    drawn = unit(key, (count, n), ordinal, images.dtype)
    return [reshape(slice_(drawn, (i, 0), (i + 1, n)), (n,)) for i in range(count)]


def _between(share: Node, low: float, high: float) -> Node:
    return share * (high - low) + low


def _per_image(value: Node, x: Node) -> Node:
    return broadcast(value, x.shape, (0,))


def flipped(x: Node, key: Node, ordinal: int, axes: tuple[int, ...]) -> Node:
    """Mirrored along the axes with probability 1/2, image by image."""
    [share] = _shares(key, ordinal, 1, x)
    for axis in axes:
        x = ew.where(_per_image(share <= 0.5, x), flip(x, axes=(axis,)), x)
    return x


def affine(x: Node, matrix: Sequence[Node], interpolation: str, fill_mode: str,
           fill_value: float) -> Node:
    """Pixel (column, row) of the result is x at (a0 * column + a1 * row + a2, b0 * column + ...).

    Shapes:  x (N, H, W, C), matrix: a0, a1, a2, b0, b1, b2, each (N,)
    """
    n, height, width, _ = x.shape
    shape = (n, height, width)
    column, row = iota(shape, x.dtype, axis=2), iota(shape, x.dtype, axis=1)
    a0, a1, a2, b0, b1, b2 = (broadcast(m, shape, (0,)) for m in matrix)
    across, down = a0 * column + a1 * row + a2, b0 * column + b1 * row + b2
    image = transpose(x, (0, 3, 1, 2))
    if fill_mode == "wrap":
        # One more row and column, so that what lies between the last and the first is read.
        across = across - ew.floor(across / width) * width
        down = down - ew.floor(down / height) * height
        for axis in (2, 3):
            stop = tuple(1 if a == axis else s for a, s in enumerate(image.shape))
            image = concatenate([image, slice_(image, (0,) * 4, stop)], axis)
    elif fill_mode not in _OUTSIDE:
        raise ArgumentError(f"fill_mode is 'reflect', 'wrap', 'constant' or 'nearest', got "
                            f"{fill_mode!r}")
    fill = fill_value if fill_mode == "constant" else 0.0
    grid = concatenate([
        reshape((p * 2 + 1) / size - 1, (*shape, 1))
        for p, size in ((across, image.shape[3]), (down, image.shape[2]))], 3)
    found = grid_sample(image - fill if fill else image, grid, interpolation,
                        _OUTSIDE.get(fill_mode, "border"))
    return transpose(found + fill if fill else found, (0, 2, 3, 1))


def random_affine(x: Node, key: Node, ordinal: int, turn: tuple[float, float],
                  down: tuple[float, float], across: tuple[float, float],
                  tall: tuple[float, float], wide: tuple[float, float] | None,
                  interpolation: str, fill_mode: str, fill_value: float) -> Node:
    """Turned, moved and zoomed about the centre, by shares of a turn and of the image's size.

    ``tall`` and ``wide`` above 0 zoom out; without ``wide`` both sides zoom alike.
    """
    height, width = x.shape[1:3]
    shares = _shares(key, ordinal, 5, x)
    angle = _between(shares[0], *turn) * (2 * math.pi)
    shift_y = _between(shares[1], *down) * height
    shift_x = _between(shares[2], *across) * width
    zoom_y = _between(shares[3], *tall) + 1
    zoom_x = zoom_y if wide is None else _between(shares[4], *wide) + 1
    cx, cy = (width - 1) / 2, (height - 1) / 2
    cos, sin = ew.cos(angle), ew.sin(angle)
    a0, a1, b0, b1 = cos * zoom_x, -sin * zoom_x, sin * zoom_y, cos * zoom_y
    matrix = [a0, a1, cx - cx * a0 - cy * a1 - shift_x, b0, b1, cy - cx * b0 - cy * b1 - shift_y]
    return affine(x, matrix, interpolation, fill_mode, fill_value)


def contrasted(x: Node, key: Node, ordinal: int, low: float, high: float,
               limits: tuple[float, float]) -> Node:
    """``(x - mean) * f + mean`` with f drawn per image, the mean per image and channel."""
    [share] = _shares(key, ordinal, 1, x)
    middle = mean(x, (1, 2), True)
    middle = broadcast(reshape(middle, (x.shape[0], x.shape[3])), x.shape, (0, 3))
    factor = _per_image(_between(share, low, high), x)
    return clip((x - middle) * factor + middle, *limits)


def brightened(x: Node, key: Node, ordinal: int, low: float, high: float,
               limits: tuple[float, float]) -> Node:
    """A share, drawn per image, of the range of values added."""
    [share] = _shares(key, ordinal, 1, x)
    return clip(x + _per_image(_between(share, low, high) * (limits[1] - limits[0]), x), *limits)


# ---- to a size

def _cut(x: Node, top: int, left: int, height: int, width: int) -> Node:
    return slice_(x, (0, top, left, 0), (x.shape[0], top + height, left + width, x.shape[3]))


def _kernel(name: str, x: Array) -> Array:
    """The weight of a pixel at a distance: Keys 1981 (a = -1/2), Lanczos, or a triangle."""
    if name == "bilinear":
        return np.maximum(0, 1 - x)
    if name == "bicubic":
        near = (1.5 * x - 2.5) * x * x + 1
        far = ((-0.5 * x + 2.5) * x - 4) * x + 2
        return np.where(x >= 2, 0, np.where(x >= 1, far, near))
    radius = float(name.removeprefix("lanczos"))
    found = radius * np.sinc(x) * np.sinc(x / radius) / radius
    return np.where(x > radius, 0, found)


def _weights(n: int, size: int, name: str, antialias: bool) -> Array:
    """Shares (size, n) of the old pixels in the new ones; those that lie outside count nothing."""
    ratio = n / size
    at = (np.arange(size) + 0.5) * ratio - 0.5
    apart = np.abs(at[:, None] - np.arange(n)) / (max(ratio, 1.0) if antialias else 1.0)
    found = _kernel(name, apart)
    return found / found.sum(1, keepdims=True)


def resized(x: Node, height: int, width: int, interpolation: str = "bilinear",
            antialias: bool = False) -> Node:
    """Stretched to a size; ``nearest`` takes the pixel at the centre's place.

    ``antialias`` takes all the pixels that a smaller image's pixel covers.
    """
    if interpolation in ("nearest", "area") or (interpolation == "bilinear" and not antialias):
        mode = {"nearest": "nearest-exact"}.get(interpolation, interpolation)
        image = interpolate(transpose(x, (0, 3, 1, 2)), (height, width), mode)
        return transpose(image, (0, 2, 3, 1))
    for axis, size in ((1, height), (2, width)):
        shares = constant(_weights(x.shape[axis], size, interpolation, antialias), x.dtype)
        x = move_axis(dot_general(x, shares, ((axis,), (1,))), 3, axis)
    return x


def fitted(x: Node, height: int, width: int, interpolation: str = "bilinear", crop: bool = False,
           pad_with: float | None = None, antialias: bool = False) -> Node:
    """`resized` without stretching: what is too much is cut off, or what lacks is filled in."""
    h, w = x.shape[1:3]
    if crop:
        tall, broad = min(h, max(w * height // width, 1)), min(w, max(h * width // height, 1))
        x = _cut(x, (h - tall) // 2, (w - broad) // 2, tall, broad)
    elif pad_with is not None:
        # As Keras does it: as much after as before, rounded down.
        top = max(0, w * height // width - h) // 2
        left = max(0, h * width // height - w) // 2
        x = pad(x, constant(pad_with, x.dtype), (0, top, left, 0), (0, top, left, 0))
    return resized(x, height, width, interpolation, antialias)


def centre_crop(x: Node, height: int, width: int) -> Node:
    """The middle of an image; `fitted` with ``crop`` if the image is smaller."""
    h, w = x.shape[1:3]
    if h < height or w < width:
        return fitted(x, height, width, crop=True)
    return _cut(x, (h - height) // 2, (w - width) // 2, height, width)


def random_crop(x: Node, key: Node, ordinal: int, height: int, width: int) -> Node:
    """A piece from a place of its own in each image.

    Raises:  ShapeError if the images are smaller
    """
    n, h, w, channels = x.shape
    if h < height or w < width:
        raise ShapeError(f"random_crop: a piece of {height}x{width} does not fit into {h}x{w}")
    shares = _shares(key, ordinal, 2, x)
    shape = (n, height, width)
    at = []
    for share, room, axis in ((shares[0], h - height, 1), (shares[1], w - width, 2)):
        start = ew.cast(ew.floor(share * (room + 1)), int64)
        at.append(broadcast(start, shape, (0,)) + iota(shape, int64, axis=axis))
    found = gather(x, iota(shape, int64, axis=0), *at, axes=(0, 1, 2))
    return reshape(found, (n, height, width, channels))

"""Images read at computed positions: spatial transformers (Jaderberg et al. 2015)."""

from __future__ import annotations

from ..errors import ArgumentError, ShapeError
from ..ir.dtypes import int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.indexing import gather
from ..ir.ops.movement import broadcast, concatenate, expand_dims, move_axis, reshape, slice_
from ..ir.ops.structural import constant, iota

__all__ = ["affine_grid", "grid_sample"]


def _steps(count: int, align: bool, like: Node) -> Node:
    """Positions of pixels in [-1, 1]: centres of the outer ones at the ends if ``align``."""
    i = iota((count,), like.dtype)
    if align:
        return i * (2 / (count - 1)) - 1 if count > 1 else i * 0
    return i * (2 / count) + (1 / count - 1)


def affine_grid(theta: Node, size: tuple[int, ...], align_corners: bool = False) -> Node:
    """Where an affine map sends each pixel.

    Shapes:  theta (N, 2, 3), size (N, C, H, W) -> (N, H, W, 2), x before y
    """
    if len(size) != 4 or tuple(theta.shape) != (size[0], 2, 3):
        raise ShapeError(f"affine_grid: Expected a batch of 2D affine matrices of shape Nx2x3 for "
                         f"size {size}, got {tuple(theta.shape)}")
    height, width = size[2:]
    shape = (height, width)
    parts = [broadcast(_steps(width, align_corners, theta), shape, (1,)),
             broadcast(_steps(height, align_corners, theta), shape, (0,)),
             broadcast(constant(1, theta.dtype), shape, ())]
    base = concatenate([expand_dims(p, 2) for p in parts], 2)
    return move_axis(dot_general(theta, base, ((2,), (2,))), 1, 3)


def _pixel(position: Node, count: int, align: bool) -> Node:
    if align:
        return (position + 1) * ((count - 1) / 2)
    return (position + 1) * (count / 2) - 0.5


def _clipped(x: Node, count: int) -> Node:
    low, high = ew.zeros_like(x), ew.scalar_like(max(count - 1, 0), x)
    return ew.where(x < low, low, ew.where(x > high, high, x))


def _reflected(x: Node, count: int, align: bool) -> Node:
    low, span = (0.0, float(count - 1)) if align else (-0.5, float(count))
    if span == 0:
        return ew.zeros_like(x)
    away = ew.absolute(x - low)
    turns = ew.floor(away / span)
    rest = away - turns * span
    odd = ew.not_equal(turns - ew.floor(turns / 2) * 2, ew.zeros_like(turns))
    return _clipped(ew.where(odd, span - rest, rest) + low, count)


def _read(x: Node, row: Node, column: Node) -> Node:
    """x (N, C, H, W) at whole positions (N, A, B), zero outside -> (N, C, A, B)."""
    height, width = x.shape[2:]
    inside = (row >= 0, row <= height - 1, column >= 0, column <= width - 1)
    keep = inside[0]
    for test in inside[1:]:
        keep = ew.bitwise_and(keep, test)
    at = [ew.cast(_clipped(p, size), int64) for p, size in ((row, height), (column, width))]
    batch = iota(row.shape, int64, axis=0)
    found = move_axis(gather(x, batch, *at, axes=(0, 2, 3)), 3, 1)
    return ew.where(broadcast(keep, found.shape, (0, 2, 3)), found, ew.zeros_like(found))


def grid_sample(x: Node, grid: Node, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool = False) -> Node:
    """x at the positions of a grid; [-1, 1] spans the image.

    Shapes:  x (N, C, H, W), grid (N, A, B, 2) with x before y -> (N, C, A, B)
    """
    if mode not in ("bilinear", "nearest"):
        raise ArgumentError(f"grid_sample: mode is 'bilinear' or 'nearest', got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ArgumentError(f"grid_sample: padding_mode is 'zeros', 'border' or 'reflection', got "
                            f"{padding_mode!r}")
    if x.ndim != 4 or grid.ndim != 4 or grid.shape[3] != 2 or grid.shape[0] != x.shape[0]:
        raise ShapeError(f"grid_sample: expected (N, C, H, W) and (N, A, B, 2), got "
                         f"{tuple(x.shape)} and {tuple(grid.shape)}")
    places = []
    for axis, count in ((1, x.shape[2]), (0, x.shape[3])):
        part = reshape(slice_(grid, (0, 0, 0, axis), (*grid.shape[:3], axis + 1)), grid.shape[:3])
        place = _pixel(part, count, align_corners)
        if padding_mode == "border":
            place = _clipped(place, count)
        elif padding_mode == "reflection":
            place = _reflected(place, count, align_corners)
        places.append(place)
    row, column = places
    if mode == "nearest":
        return _read(x, ew.round_(row), ew.round_(column))
    top, left = ew.floor(row), ew.floor(column)
    total: Node | None = None
    for down in (0, 1):
        for right in (0, 1):
            share = ((row - top if down else 1 - (row - top))
                     * (column - left if right else 1 - (column - left)))
            part = _read(x, top + down, left + right)
            part = part * broadcast(share, part.shape, (0, 2, 3))
            total = part if total is None else total + part
    assert total is not None
    return total

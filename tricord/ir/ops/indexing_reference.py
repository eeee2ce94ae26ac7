"""Gather and scatter in numpy: indices checked and made one flat index, rows moved together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import IndexRangeError

__all__ = ["gather_reference", "resolve", "scatter_reference"]

Array = np.ndarray[Any, Any]


def resolve(name: str, mode: str, indices: Sequence[Array], axes: Sequence[int],
            shape: Sequence[int]) -> tuple[list[Array], Array | None]:
    """Indices within bounds, and which of them were (None: all)."""
    found: list[Array] = []
    inside: Array | None = None
    for index, axis in zip(indices, axes, strict=True):
        size = shape[axis]
        i = index.astype(np.int64)
        if mode == "wrap":
            i = np.mod(i, max(size, 1))
        elif mode == "clip":
            i = np.clip(i, 0, size - 1)
        elif mode == "fill":
            fits = (i >= 0) & (i < size)
            inside = fits if inside is None else inside & fits
            i = np.where(fits, i, 0)
        else:
            i = _checked(name, i, axis, size)
        found.append(i)
    return found, None if inside is None or inside.all() else inside


def _checked(name: str, i: Array, axis: int, size: int) -> Array:
    if not i.size:
        return i
    low, high = int(i.min()), int(i.max())
    if low < -size or high >= size:
        raise IndexRangeError(
            f"{name}: index {high if high >= size else low} is out of range for axis {axis} of "
            f"size {size}", hint=f"legal are {-size} to {size - 1}" if size else None)
    return i + size * (i < 0) if low < 0 else i


def _axes_first(x: Array, axes: Sequence[int]) -> tuple[Array, list[int]]:
    order = [*axes, *(a for a in range(x.ndim) if a not in axes)]
    return x.transpose(order), order


def gather_reference(axes: Sequence[int], mode: str, x: Array, indices: Sequence[Array]) -> Array:
    """Index axes first, then the axes of ``x`` that are not indexed."""
    found, inside = resolve("gather", mode, indices, axes, x.shape)
    moved, _ = _axes_first(x, axes)
    if 0 in moved.shape[:len(axes)]:  # nothing to take from, and it is legal to take nothing
        return np.zeros((*found[0].shape, *moved.shape[len(axes):]), x.dtype)
    if len(axes) == 1 and moved.flags.c_contiguous:
        result = np.take(moved, found[0], axis=0)
    else:
        result = np.asarray(moved[tuple(found)])
    if inside is not None:
        keep = inside.reshape(inside.shape + (1,) * (result.ndim - inside.ndim))
        result = np.where(keep, result, np.zeros((), x.dtype))
    return result


def scatter_reference(name: str, axes: Sequence[int], mode: str, ufunc: np.ufunc | None, x: Array,
                      updates: Array, indices: Sequence[Array]) -> Array:
    """``x`` with updates combined in by ``ufunc``, in their order; without one the last is kept.

    Narrow floats are accumulated in float32 and rounded once.
    """
    found, inside = resolve(name, mode, indices, axes, x.shape)
    moved, order = _axes_first(x, axes)
    places = math.prod(moved.shape[:len(axes)])
    width = math.prod(moved.shape[len(axes):])
    narrow = ufunc is not None and x.dtype.itemsize == 2 and x.dtype.kind not in "iu"
    wide = np.dtype(np.float32) if narrow else x.dtype
    target = np.array(moved, wide, order="C").reshape(places, width)
    if places and width and updates.size:
        flat = np.ravel_multi_index(tuple(found), moved.shape[:len(axes)]).reshape(-1)
        rows = updates.reshape(len(flat), width).astype(wide, copy=False)
        if inside is not None:
            keep = inside.reshape(-1)
            flat, rows = flat[keep], rows[keep]
        if ufunc is None:
            target[flat] = rows  # a flat index is written in order
        else:
            _accumulate(target, flat, rows, ufunc)
    result = target.reshape(moved.shape).transpose(np.argsort(order))
    return result.astype(x.dtype, copy=False)


def _accumulate(target: Array, flat: Array, rows: Array, ufunc: np.ufunc) -> None:
    """Rows that go to one place are combined first, in their order, by sorting them together."""
    if not len(flat):
        return
    if target.shape[1] == 1:
        ufunc.at(target[:, 0], flat, rows[:, 0])
        return
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    combined = ufunc.reduceat(rows[order], starts, axis=0)
    places = ordered[starts]
    target[places] = ufunc(target[places], combined)

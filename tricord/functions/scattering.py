"""Writing at computed places, the ways PyTorch offers: by index along an axis, by mask, reduced."""

from __future__ import annotations

from ..errors import ArgumentError, ShapeError
from ..ir.dtypes import bool_, iinfo, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import indexing as ix
from ..ir.ops.elementwise import cast
from ..ir.ops.movement import broadcast, broadcast_to, pad, reshape, slice_
from ..ir.ops.reduce import cumulative_sum
from ..ir.ops.structural import constant
from .manipulation import moveaxis

__all__ = ["gather_along", "index_put", "masked_scatter", "scatter_along", "scatter_number",
           "scatter_reduce"]

#: PyTorch's names of reductions, and the scatter that does each
_KINDS = {"sum": "add", "prod": "mul", "amax": "max", "amin": "min", "mean": "add"}


def _part(x: Node, shape: tuple[int, ...], what: str) -> Node:
    """The corner of ``x`` with the shape of an index, which PyTorch allows to be smaller."""
    if x.shape == shape:
        return x
    if x.ndim != len(shape) or any(i > s for i, s in zip(shape, x.shape, strict=True)):
        raise ShapeError(f"{what}: expected index of shape {tuple(shape)} to be no larger than "
                         f"src of shape {tuple(x.shape)}")
    return slice_(x, (0,) * x.ndim, shape)


def gather_along(x: Node, index: Node, axis: int) -> Node:
    """``out[i][j] = x[index[i][j]][j]`` for axis 0; the index may be smaller on other axes."""
    if not x.ndim:
        return x
    kept = tuple(i if a != axis else s
                 for a, (i, s) in enumerate(zip(index.shape, x.shape, strict=True)))
    return ix.take_along_axis(_part(x, kept, "gather"), index, axis)


def scatter_along(x: Node, index: Node, source: Node, axis: int, reduce: str = "set") -> Node:
    """``out[index[i][j]][j] = source[i][j]`` for axis 0, or added, multiplied, ... there."""
    source = _part(cast(source, x.dtype), index.shape, "scatter")
    wide = x.shape
    if x.ndim == index.ndim and index.size:
        # Places beyond the index on the other axes are left as they are.
        kept = tuple(i if a != axis else s
                     for a, (i, s) in enumerate(zip(index.shape, wide, strict=True)))
        if kept != tuple(wide):
            corner = ix.put_along_axis(_part(x, kept, "scatter"), index, source, axis,
                                       reduce=reduce)
            return _with_corner(x, corner)
    return ix.put_along_axis(x, index, source, axis, reduce=reduce)


def _with_corner(x: Node, corner: Node) -> Node:
    """``x`` with its leading corner replaced."""
    low = [0] * x.ndim
    high = [size - part for size, part in zip(x.shape, corner.shape, strict=True)]
    inside = _padded(broadcast(constant(True, bool_), corner.shape, ()), False, low, high)
    return ew.where(inside, _padded(corner, 0, low, high), x)


def _padded(x: Node, value: float | bool, low: list[int], high: list[int]) -> Node:
    return pad(x, constant(value, x.dtype), low=tuple(low), high=tuple(high),
               interior=(0,) * x.ndim)


def scatter_number(x: Node, index: Node, number: float, axis: int, reduce: str = "set") -> Node:
    """`scatter_along` of one number."""
    return scatter_along(x, index, broadcast_to(constant(number, x.dtype), index.shape), axis,
                         reduce)


def scatter_reduce(x: Node, index: Node, source: Node, axis: int, reduce: str,
                   include_self: bool = True) -> Node:
    """Several sources for one place are reduced: sum, prod, mean, amax, amin.

    ``include_self``: whether the element that was there counts too.
    """
    kind = _KINDS.get(reduce)
    if kind is None:
        raise ArgumentError(f"scatter_reduce: reduce argument must be one of {', '.join(_KINDS)}, "
                            f"got {reduce!r}")
    ones = ew.scalar_like(1, cast(index, int64))
    counts = scatter_along(ew.scalar_like(0, cast(x, int64)), index, ones, axis, "add")
    touched = ew.greater(counts, ew.zeros_like(counts))
    start = x
    if not include_self:
        neutral = _neutral(x, reduce)
        start = ew.where(touched, neutral, x)
    found = scatter_along(start, index, source, axis, kind)
    if reduce != "mean":
        return found
    total = cast(counts, x.dtype) + (1 if include_self else 0)
    total = ew.where(touched, total, ew.scalar_like(1, total))
    mean = found / total if x.dtype.is_inexact else ew.floor_divide(found, total)
    return ew.where(touched, cast(mean, x.dtype), x)


def _neutral(x: Node, reduce: str) -> Node:
    if reduce == "prod":
        return ew.scalar_like(1, x)
    if reduce in ("sum", "mean"):
        return ew.zeros_like(x)
    if x.dtype.kind == "f":
        return ew.scalar_like(float("-inf") if reduce == "amax" else float("inf"), x)
    info = iinfo(x.dtype)
    return ew.scalar_like(info.min if reduce == "amax" else info.max, x)


def index_put(x: Node, index: Node, source: Node, axis: int, reduce: str = "set") -> Node:
    """The slices of ``x`` that a 1-d index names along ``axis``, replaced by (or reduced with)
    those of ``source``."""
    front = moveaxis(cast(source, x.dtype), axis, 0)
    moved = moveaxis(x, axis, 0)
    if index.ndim == 0:
        index = reshape(index, (1,))
    return moveaxis(ix.scatter(moved, front, index, axes=(0,), reduce=reduce), 0, axis)


def masked_scatter(x: Node, mask: Node, source: Node) -> Node:
    """The elements of ``source``, in order, at the places where the mask holds."""
    mask = broadcast_to(mask, x.shape)
    flat = reshape(mask, (x.size,))
    rank = cumulative_sum(cast(flat, int64), axis=0) - 1
    values = ix.take(reshape(cast(source, x.dtype), (source.size,)), rank, 0, "clip")
    return ew.where(mask, reshape(values, x.shape), x)

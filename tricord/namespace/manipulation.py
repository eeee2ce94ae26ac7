"""The standard's functions that move elements."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, IndexRangeError, ShapeError
from ..functions import manipulation as mv
from ..functions.searching import repeat_by
from ..ir.shapes import normalise_axis
from ..tensor.explain import shown
from ..tensor.handle import Handle
from ..tensor.recorder import record, value_of
from ..tensor.tensor import Tensor
from ..tensor.views import Reshape, view
from ._arguments import NUMBERS, integer, integers, sequence, tensor_of, where_now
from ._results import several

__all__ = ["concat", "diag", "expand_dims", "flatten", "flip", "moveaxis", "pad", "permute_dims",
           "repeat", "reshape", "roll", "rot90", "sliding_windows", "split", "squeeze", "stack",
           "swapaxes", "tile", "unstack"]

Axes = int | tuple[int, ...] | None


def _index_error(function: Any, *args: Any) -> Any:
    """The standard wants IndexError for an axis out of range here."""
    try:
        return record(function, *args)
    except ShapeError as error:
        if "out of range" not in error.message:
            raise
        raise IndexRangeError(error.message, hint=error.hint, where=error.where) from None


def _tensors(arrays: Any, what: str) -> list[Any]:
    found = [tensor_of(a) for a in sequence(arrays, what)]
    if not found:
        raise ArgumentError(f"{what}: needs at least one tensor", where=where_now())
    return found


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """One after another along an axis; None flattens them first."""
    return record(mv.concat, _tensors(arrays, "concat"),  # type: ignore[no-any-return]
                  (integers(axis, "concat"),))


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    return record(mv.stack, _tensors(arrays, "stack"),  # type: ignore[no-any-return]
                  (integers(axis, "stack"),))


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """One tensor per position along an axis, without that axis."""
    return several(mv.unstack, (tensor_of(x),), (integers(axis, "unstack"),))


def split(x: Tensor, sizes: Sequence[int], /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """Parts of these sizes along an axis, which they must make up."""
    return several(mv.split, (tensor_of(x),),
                   (integers(sequence(sizes, "split"), "split"), integer(axis, "split: axis")))


def expand_dims(x: Tensor, /, axis: int | tuple[int, ...] = 0) -> Tensor:
    """Axes of size one at these positions of the result.

    Raises:  IndexRangeError if a position is out of range
    """
    return _index_error(mv.expand_dims, (tensor_of(x),),  # type: ignore[no-any-return]
                        (integers(axis, "expand_dims"),))


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """Without these axes, whose size must be one."""
    return record(mv.squeeze, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(axis, "squeeze"),))


def flatten(x: Tensor, /, start: int = 0, end: int = -1) -> Tensor:
    """Axes ``start`` to ``end`` (included) made one."""
    return record(mv.flatten, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integer(start, "flatten: start"), integer(end, "flatten: end")))


def flip(x: Tensor, /, *, axis: Axes = None) -> Tensor:
    """The other way round along these axes, or all."""
    return record(mv.flip, (tensor_of(x),), (integers(axis, "flip"),))  # type: ignore[no-any-return]


def moveaxis(x: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...],
             /) -> Tensor:
    """Axes moved to other positions, the others staying in their order."""
    return record(mv.moveaxis, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(source, "moveaxis"), integers(destination, "moveaxis")))


def swapaxes(x: Tensor, first: int, second: int, /) -> Tensor:
    """Two axes exchanged."""
    return record(mv.swapaxes, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integer(first, "swapaxes: first"), integer(second, "swapaxes: second")))


def permute_dims(x: Tensor, /, axes: tuple[int, ...]) -> Tensor:
    """Axis i of the result is axis ``axes[i]`` of ``x``."""
    return record(mv.permute_dims, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(sequence(axes, "permute_dims"), "permute_dims"),))


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """The same elements under another shape, one size of which may be -1.

    ``copy=False`` makes a view: writes to it are writes to ``x``.
    """
    sizes = integers(shape, "reshape")
    if sizes is None:
        raise ShapeError("reshape: a shape is an integer or a tuple of integers, got None",
                         where=where_now())
    sizes = (sizes,) if isinstance(sizes, builtins.int) else sizes
    x = tensor_of(x)
    if copy is False:
        return view(x, Reshape(mv.full_shape(x.shape, sizes)))  # type: ignore[no-any-return]
    return record(mv.reshape, (x,), (sizes,))  # type: ignore[no-any-return]


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Each element repeated along an axis; None flattens first.

    ``repeats`` may be a vector with a count for each element. Its sum decides the result's shape,
    so its values are computed first.
    """
    x = tensor_of(x)
    if isinstance(repeats, (int, np.integer)):
        return record(mv.repeat, (x,), (int(repeats), integers(axis, "repeat")))  # type: ignore[no-any-return]
    counts = tensor_of(repeats)
    if counts.dtype.kind not in "iu":
        raise ArgumentError(f"repeat: counts must be integers, got {counts.dtype}",
                            where=where_now())
    flat = record(mv.flatten, (x,)) if axis is None else x
    at = 0 if axis is None else normalise_axis(axis, x.ndim, "repeat")
    values = value_of(counts)
    if values.size and values.min() < 0:
        raise ArgumentError("repeat: counts must not be negative", where=where_now())
    size = flat.shape[at]
    total = int(values.sum()) * (size if values.size == 1 else 1)
    return record(repeat_by, (flat, counts), (total, at))  # type: ignore[no-any-return]


def roll(x: Tensor, /, shift: int | tuple[int, ...], *, axis: Axes = None) -> Tensor:
    """Elements moved on, those leaving at the end coming back at the start."""
    return record(mv.roll, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(shift, "roll"), integers(axis, "roll")))


def rot90(x: Tensor, /, turns: int = 1, *, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turned by 90 degrees in the plane of two axes, from the first towards the second."""
    return record(mv.rot90, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integer(turns, "rot90: turns"), integers(sequence(axes, "rot90"), "rot90")))


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """The whole tensor repeated along its axes (aligned at the end)."""
    counts = integers(repetitions, "tile")
    if counts is None:
        raise ArgumentError("tile: repetitions are an integer or a tuple of integers, got None",
                            where=where_now())
    counts = (counts,) if isinstance(counts, builtins.int) else counts
    return record(mv.tile, (tensor_of(x),), (counts,))  # type: ignore[no-any-return]


def diag(x: Tensor, /, *, k: int = 0) -> Tensor:
    """A matrix with this diagonal, or the diagonal of a matrix."""
    return record(mv.diag, (tensor_of(x),), (integer(k, "diag: k"),))  # type: ignore[no-any-return]


def pad(x: Tensor, widths: int | Sequence[Any], /, *, mode: str = "constant",
        value: float = 0) -> Tensor:
    """Each axis made longer: ``widths`` is one number, a pair, or a pair per axis.

    ``mode``: constant, reflect (without the border), symmetric (with it), replicate, circular.
    """
    x = tensor_of(x)
    pairs = _pairs(widths, x.ndim)
    if isinstance(value, Handle):
        return record(_pad_with, (x, value), (pairs, mode))  # type: ignore[no-any-return]
    if not isinstance(value, NUMBERS):
        raise ArgumentError(f"pad: the value must be a number, got {shown(value)}",
                            where=where_now())
    return record(mv.pad, (x,), (pairs, mode, value))  # type: ignore[no-any-return]


def _pairs(widths: Any, rank: int) -> tuple[Any, ...]:
    """How much goes before and behind each axis."""
    if isinstance(widths, int):
        return ((widths, widths),) * rank
    given = sequence(widths, "pad")
    if len(given) == 2 and all(isinstance(w, int) for w in given):
        return (given,) * rank
    pairs = tuple(integers(sequence(pair, "pad"), "pad") for pair in given)
    if any(len(pair) != 2 for pair in pairs):  # type: ignore[arg-type]
        raise ArgumentError("pad: widths are a number, a pair, or a pair per axis, got "
                            f"{shown(widths)}", where=where_now())
    return pairs


def _pad_with(x: Any, value: Any, widths: Any, mode: str) -> Any:
    return mv.pad(x, widths, mode, value)


def sliding_windows(x: Tensor, size: int, /, *, axis: int = -1, step: int = 1) -> Tensor:
    """All stretches of ``size`` elements along an axis, on a new last axis."""
    return record(mv.sliding_windows, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integer(axis, "sliding_windows: axis"), integer(size, "sliding_windows: size"),
                   integer(step, "sliding_windows: step")))

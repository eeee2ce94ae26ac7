"""keras.ops: order, places, counts."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...functions import elementwise as ew
from ...functions import searching, sorting, special, statistics
from ...ir.dtypes import int32, promote
from ...tensor import record
from ...tensor.recorder import value_of, wrap
from .._operation import as_tensor, op
from ..graph import KerasTensor
from .elementwise import floats, where
from .reductions import _as_int32
from .shapes import ravel


@op(1)
def sort(x: Any, axis: int | None = -1) -> Any:
    """In ascending order along an axis."""
    x = as_tensor(x)
    return record(sorting.sort, (ravel(x) if axis is None else x,), (-1 if axis is None else axis,))


@op(1)
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The places of elements in ascending order, int32."""
    x = as_tensor(x)
    return record(_as_int32, (ravel(x) if axis is None else x,),
                  (sorting.argsort, -1 if axis is None else axis))


@op(2)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements at indices along an axis."""
    return record(searching.take, (as_tensor(x), as_tensor(indices)), (axis,))


@op(2)
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements at indices of the same rank."""
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        return record(searching.take_along_axis, (ravel(x), ravel(indices)), (0,))
    return record(searching.take_along_axis, (x, indices), (axis,))


@op(2)
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where values would be put in, int32."""
    return record(_as_int32_of_two, (as_tensor(sorted_sequence), as_tensor(values)),
                  (searching.searchsorted, side))


def _as_int32_of_two(x: Any, y: Any, function: Any, *static: Any) -> Any:
    return ew.cast(function(x, y, *static), int32)


@op(2)
def digitize(x: Any, bins: Any) -> Any:
    """The number of the bin that each element falls into, int32."""
    bins = as_tensor(np.asarray(bins))
    x = as_tensor(x)
    if bins.dtype is not x.dtype:
        wide = promote(bins.dtype, x.dtype)
        bins, x = record(ew.cast, (bins,), (wide,)), record(ew.cast, (x,), (wide,))
    return searchsorted(bins, x, "right")


@op(2)
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each whole number occurs, int32; or the sum of its weights."""
    x = as_tensor(x)
    if weights is not None:
        weights = as_tensor(weights)
    values = value_of(x)
    length = builtins.max(int(values.max(initial=-1)) + 1, minlength)
    rows = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values[None]
    own = [None] * len(rows) if weights is None else list(
        value_of(weights).reshape(rows.shape))
    found = np.stack([np.bincount(r, w, length) for r, w in zip(rows, own, strict=True)])
    found = found.astype(np.int32 if weights is None else weights.dtype.numpy)
    return wrap(found[0] if values.ndim == 1 else found)


@op(1)
def histogram(x: Any, bins: int = 10, range: Any = None) -> Any:
    """How many elements fall into equal bins, and the bins' edges."""
    values = value_of(floats(x))
    counts, edges = np.histogram(values, bins, range)
    return wrap(counts.astype(np.int32)), wrap(edges.astype(np.float32))


def unique(x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False,
           return_counts: bool = False, axis: int | None = None, **kwargs: Any) -> Any:
    """The different elements, in ascending order."""
    if kwargs:
        raise ArgumentError(f"unique: {next(iter(kwargs))!r} is not offered")
    found = np.unique(value_of(as_tensor(x)), return_index, return_inverse, return_counts, axis)
    parts = [wrap(np.asarray(f)) for f in (found if isinstance(found, tuple) else (found,))]
    return parts[0] if len(parts) == 1 else tuple(parts)


@op(2)
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether elements occur in the second."""
    return record(searching.isin, (as_tensor(x1), as_tensor(x2)), (invert,))


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The choice of the first condition that holds."""
    found = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = where(condition, choice, found)
    return found


def size(x: Any) -> Any:
    """The number of elements, a scalar tensor; a number (or None) for a symbolic tensor."""
    if isinstance(x, KerasTensor):
        return None if None in x.shape else int(np.prod(x.shape))
    return wrap(np.asarray(as_tensor(x)._type.size, np.int64))


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(x.shape) if isinstance(x, KerasTensor) else as_tensor(x).ndim


@op(1)
def corrcoef(x: Any) -> Any:
    """Correlations of the rows."""
    return record(statistics.corrcoef, (floats(x),), (True,))


@op(1)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Powers of the elements as columns."""
    return record(special.vander, (as_tensor(x),), (N, increasing))


@op(2)
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral along an axis by trapezoids."""
    y = floats(y)
    if x is None:
        return record(_trapezoid, (y,), (dx, axis))
    return record(_trapezoid, (y, as_tensor(x)), (dx, axis))


def _trapezoid(y: Any, *rest: Any) -> Any:
    *x, spacing, axis = rest
    return special.trapezoid(y, x[0] if x else None, spacing, axis)

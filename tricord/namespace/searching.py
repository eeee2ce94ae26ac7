"""Searching, sorting, indexing and sets.

`nonzero` and the functions on sets decide the shape of their result by values: they compute these
values first, and so cannot be used inside a traced function. Where their results are elements of
the tensor, these are read from it, so that gradients flow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..functions import searching as fn
from ..functions import sets
from ..functions import sorting as so
from ..ir.node import Node
from ..tensor.handle import Handle
from ..tensor.recorder import record, value_of, wrap
from ..tensor.tensor import Tensor
from ._arguments import integer, integers, number_beside, refuse_strings, tensor_of, where_now
from ._results import several

__all__ = ["UniqueAllResult", "UniqueCountsResult", "UniqueInverseResult", "argsort", "bincount",
           "isin", "nonzero", "one_hot", "searchsorted", "sort", "take", "take_along_axis", "top_k",
           "unique_all", "unique_counts", "unique_inverse", "unique_values"]

Array = np.ndarray[Any, Any]


# ---- order

def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Values in order along an axis. Always stable; NaN is the largest."""
    return record(so.sort, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(axis, "sort"), bool(descending)))


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False,
            stable: bool = True) -> Tensor:
    """The positions that sort an axis, int64. Always stable; NaN is the largest."""
    return record(so.argsort, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(axis, "argsort"), bool(descending)))


def top_k(x: Tensor, k: int, /, *, axis: int = -1, largest: bool = True) -> tuple[Tensor, ...]:
    """The k largest (smallest) values along an axis, best first, and their positions."""
    return several(so.top_k, (tensor_of(x),),
                   (integer(k, "top_k: k"), integer(axis, "top_k: axis"), bool(largest)))


def _search(ordered: Node, values: Node, *rest: Any) -> Node:
    *sorter, side = rest
    return fn.searchsorted(ordered, values, side, *sorter)


def searchsorted(x1: Tensor, x2: Tensor | float, /, *, side: str = "left",
                 sorter: Tensor | None = None) -> Tensor:
    """How many elements of the sorted ``x1`` lie before each of ``x2``, int64."""
    refuse_strings("searchsorted", side, ("left", "right"))
    x1 = tensor_of(x1)
    x2 = x2 if isinstance(x2, Handle) else (
        number_beside(x2, x1.dtype) if isinstance(x2, (int, float)) else tensor_of(x2))
    operands = [x1, x2] if sorter is None else [x1, x2, tensor_of(sorter)]
    return record(_search, operands, (side,))  # type: ignore[no-any-return]


# ---- indexing

def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """``x`` at ``indices`` along an axis, which only a vector may leave out.

    Raises:  IndexRangeError, when it is computed, for an index out of range
    """
    x = tensor_of(x)
    if axis is None:
        if x.ndim != 1:
            raise ArgumentError(f"take: needs an axis for a tensor of shape {tuple(x.shape)}",
                                where=where_now())
        axis = 0
    return record(fn.take, (x, tensor_of(indices)), (integer(axis, "take: axis"),))  # type: ignore[no-any-return]


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """``x`` at ``indices`` along an axis; all other axes of the two broadcast."""
    return record(fn.take_along_axis, (tensor_of(x), tensor_of(indices)),  # type: ignore[no-any-return]
                  (integers(axis, "take_along_axis"),))


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The positions of all elements that are not zero, one vector (int64) per axis.

    Raises:  ShapeError for a 0-d tensor
    """
    x = tensor_of(x)
    if not x.ndim:
        raise ShapeError("nonzero: needs at least one axis, got a 0-d tensor", where=where_now(),
                         hint="tricord.reshape(x, (1,))")
    return tuple(wrap(p.astype(np.int64, copy=False)) for p in np.nonzero(value_of(x)))


def isin(x1: Tensor | int, x2: Tensor | int, /, *, invert: bool = False) -> Tensor:
    """Whether each element of ``x1`` is among those of ``x2``."""
    return record(fn.isin, (tensor_of(x1), tensor_of(x2)), (bool(invert),))  # type: ignore[no-any-return]


def one_hot(x: Tensor, classes: int, /, *, axis: int = -1) -> Tensor:
    """1 at the place that each integer names along a new axis, 0 elsewhere, int64."""
    return record(fn.one_hot, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integer(classes, "one_hot: classes"), integer(axis, "one_hot: axis")))


def bincount(x: Tensor, /, *, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, ... occurs; or the sum of the weights that go there."""
    x = tensor_of(x)
    if x.dtype.kind not in "biu":
        raise DTypeError(f"bincount: expected integers, got {x.dtype}", where=where_now(),
                         hint="x.astype(tricord.int64)")
    length = max(int(value_of(x).max()) + 1 if x.size else 0,
                 integer(minlength, "bincount: minlength"))
    if weights is None:
        return record(fn.bincount, (x,), (length,))  # type: ignore[no-any-return]
    return record(_weighted, (x, tensor_of(weights)), (length,))  # type: ignore[no-any-return]


def _weighted(x: Node, weights: Node, length: int) -> Node:
    return fn.bincount(x, length, weights)


# ---- sets

class UniqueAllResult(NamedTuple):
    """Different values, where each is first, which of them each element is, how often it occurs."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCountsResult(NamedTuple):
    """Different values, and how often each occurs."""

    values: Tensor
    counts: Tensor


class UniqueInverseResult(NamedTuple):
    """Different values, and which of them each element is."""

    values: Tensor
    inverse_indices: Tensor


def _different(x: Any) -> tuple[Any, Array, Array, Array]:
    """Values, places of their first occurrence, inverse, counts. Each NaN is a value of its own."""
    value = value_of(x)
    flat = value.reshape(-1)
    comparable = flat.astype(np.float32) if flat.dtype.kind == "V" else flat
    _, first, inverse, counts = np.unique(comparable, return_index=True, return_inverse=True,
                                          return_counts=True, equal_nan=False)
    values = record(sets.elements_at, (x, wrap(first.astype(np.int64, copy=False))))
    return values, first, inverse.reshape(value.shape), counts


def _counted(array: Array) -> Any:
    return wrap(array.astype(np.int64, copy=False))


def unique_all(x: Tensor, /) -> UniqueAllResult:
    """The different values in ascending order, with places, inverse and counts."""
    values, first, inverse, counts = _different(tensor_of(x))
    return UniqueAllResult(values, _counted(first), _counted(inverse), _counted(counts))


def unique_counts(x: Tensor, /) -> UniqueCountsResult:
    """The different values in ascending order, and how often each occurs."""
    values, _, _, counts = _different(tensor_of(x))
    return UniqueCountsResult(values, _counted(counts))


def unique_inverse(x: Tensor, /) -> UniqueInverseResult:
    """The different values in ascending order, and which of them each element is."""
    values, _, inverse, _ = _different(tensor_of(x))
    return UniqueInverseResult(values, _counted(inverse))


def unique_values(x: Tensor, /) -> Tensor:
    """The different values in ascending order; each NaN counts as different."""
    return _different(tensor_of(x))[0]  # type: ignore[no-any-return]

"""Functions of `tf` that read and write at computed places."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..functions import manipulation as mv
from ..functions import places, searching
from ..ir import arithmetic as ar
from ..ir.dtypes import int32
from ..ir.node import Node
from ..tensor.recorder import value_of, wrap
from ._op import op
from .tensors import (
    EagerTensor,
    apply,
    cast_to,
    convert,
    convert_beside,
    default_int,
    pair,
    shape_of,
    static_ints,
    where_now,
)


class Unique(NamedTuple):
    """What `unique` returns."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """What `unique_with_counts` returns."""

    y: Any
    idx: Any
    count: Any


@op(name="GatherV2")
def gather(params: Any, indices: Any, validate_indices: Any = None, axis: Any = None,
           batch_dims: int = 0) -> Any:
    """Slices along an axis at the places ``indices``; the first ``batch_dims`` axes go together.

    Raises:  IndexRangeError (when it runs) for an index outside
    """
    lead = static_ints(batch_dims, "gather")
    return apply(places.take_batched, (convert(params), _integers(indices)),
                 lead if axis is None else static_ints(axis, "gather"), lead)


def _integers(indices: Any) -> Any:
    found = convert(indices)
    if found.dtype.kind not in "iu":
        if not found._type.size:
            return cast_to(found, int32)
        raise DTypeError(f"indices must be integers, got {found.dtype.name}", where=where_now())
    return found


@op
def gather_nd(params: Any, indices: Any, batch_dims: int = 0) -> Any:
    """Elements at places whose components are the last axis of ``indices``."""
    return apply(places.gather_nd, (convert(params), _integers(indices)), int(batch_dims))


@op
def scatter_nd(indices: Any, updates: Any, shape: Any) -> Any:
    """Zeros of a shape with updates added at places."""
    return apply(places.scatter_nd, (_integers(indices), convert(updates)),
                 shape_of(shape, "scatter_nd"))


def _scatter(name: str, reduce: str, sign: int = 1) -> Any:
    def call(tensor: Any, indices: Any, updates: Any) -> Any:
        x = convert(tensor)
        new = convert_beside(updates, x.dtype)
        pair(name, x, new)
        return apply(_scattered, (x, new, _integers(indices)), reduce, sign)

    call.__name__ = name
    call.__doc__ = "The tensor with updates at places."
    return op(call)


def _scattered(x: Node, updates: Node, indices: Node, reduce: str, sign: int) -> Node:
    return places.scatter_nd_into(x, updates if sign > 0 else -updates, indices, reduce)


tensor_scatter_nd_update = _scatter("tensor_scatter_nd_update", "set")
tensor_scatter_nd_add = _scatter("tensor_scatter_nd_add", "add")
tensor_scatter_nd_sub = _scatter("tensor_scatter_nd_sub", "add", -1)
tensor_scatter_nd_max = _scatter("tensor_scatter_nd_max", "max")
tensor_scatter_nd_min = _scatter("tensor_scatter_nd_min", "min")


@op(name="where")
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """``x`` where the condition holds, else ``y``; alone, the places where it holds."""
    held = convert(condition)
    if x is None and y is None:
        return wrap(np.argwhere(value_of(held)).astype(np.int64), EagerTensor)
    if x is None or y is None:
        raise ArgumentError("x and y must both be non-None or both be None.", where=where_now())
    return apply(_select, (held, *pair("SelectV2", x, y)))


def _select(condition: Node, x: Node, y: Node) -> Node:
    return ar.select(condition, x, y)


@op(name="Where")
def boolean_mask(tensor: Any, mask: Any, axis: Any = None) -> Any:
    """The slices for which the mask holds."""
    x, held = convert(tensor), convert(mask)
    at = 0 if axis is None else static_ints(axis, "boolean_mask") % max(x.ndim, 1)
    covered = tuple(x.shape[at:at + held.ndim])
    if covered != tuple(held.shape):
        raise ShapeError(f"Shapes {covered} and {tuple(held.shape)} are incompatible",
                         where=where_now())
    found = np.flatnonzero(value_of(held))
    flat = apply(mv.reshape, (x,), (*x.shape[:at], math.prod(covered), *x.shape[at + held.ndim:]))
    return apply(places.take_batched, (flat, wrap(found.astype(np.int64))), at, 0)


@op
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = int32
                 ) -> Any:
    """Where values would go in a sorted sequence."""
    ordered, new = pair("SearchSorted", sorted_sequence, values)
    function = searching.searchsorted if ordered.ndim == 1 else places.searchsorted_rows
    return cast_to(apply(function, (ordered, new), side), default_int(out_type))


@op
def unique(x: Any, out_idx: Any = int32) -> Any:
    """The different values in order of appearance, and for each element which it is."""
    values = value_of(convert(x))
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return Unique(wrap(values[np.sort(first)], EagerTensor),
                  wrap(place[inverse.reshape(-1)].astype(default_int(out_idx).numpy), EagerTensor))


@op
def unique_with_counts(x: Any, out_idx: Any = int32) -> Any:
    """`unique`, and how often each value occurs."""
    values, index = unique(x, out_idx)
    counts = np.bincount(value_of(index), minlength=values.shape[0])
    counts = counts.astype(default_int(out_idx).numpy)
    return UniqueWithCounts(values, index, wrap(counts, EagerTensor))


@op
def invert_permutation(x: Any) -> Any:
    """The permutation that undoes this one."""
    return wrap(np.argsort(value_of(convert(x))).astype(np.int32), EagerTensor)

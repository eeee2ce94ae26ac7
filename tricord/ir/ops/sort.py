"""Sorting: a whole axis, its largest or smallest k, and where values belong in a sorted axis.

The order is total: NaN counts as larger than every number, so it comes last in an ascending sort
and first in a descending one, as in PyTorch. Equal elements keep their order, in both directions.
Sorted values are elements taken at sorted positions, and so are their derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError, ShapeError, nearest
from ..dtypes import DType, int64
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, NoGradient, Primitive, Sample, pick, register
from ..samples import boolean, distinct, integers, uniform
from ..shapes import Shape, TensorType, normalise_axis
from . import elementwise as ew
from .families import accept
from .indexing import put_along_axis, take_along_axis
from .movement import broadcast_leading, reshape

__all__ = ["argsort", "searchsorted", "sort", "top_k"]

Array = np.ndarray[Any, Any]


def _comparable(x: Array) -> Array:
    """bfloat16 widened: numpy does not know how it is ordered."""
    return x.astype(np.float32) if x.dtype.kind == "V" else x


def _order(x: Array, axis: int, descending: bool) -> Array:
    """Positions in sorted order, equals in their old order."""
    x = _comparable(x)
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    mirrored = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.asarray(x.shape[axis] - 1 - np.flip(mirrored, axis))


def _values_dtype(name: str) -> Callable[..., list[DType]]:
    def rule(p: Any, x: TensorType) -> list[DType]:
        accept(name, "biuf", x.dtype)
        return [x.dtype, int64]

    return rule


def _check_axis(name: str, axis: int, x: TensorType) -> None:
    if not 0 <= axis < x.ndim:
        raise ShapeError(f"{name}: axis {axis} of a tensor of shape {tuple(x.shape)}")


def _taken_vjp(node: Node, values: Node | None, _: Node | None) -> list[Node | None]:
    """Each cotangent goes back to where its value came from."""
    if values is None:
        return [None]
    zero = ew.zeros_like(node.parents[0])
    return [put_along_axis(zero, pick(node, index=1), values, node.params.axis, mode="clip",
                           reduce="add")]


def _taken_jvp(node: Node, tangent: Node) -> tuple[Node, None]:
    return take_along_axis(tangent, pick(node, index=1), node.params.axis, mode="clip"), None


# ---- sort

@dataclass(frozen=True)
class Sort:
    axis: int
    descending: bool = False


def _sort_shape(p: Sort, x: TensorType) -> list[Shape]:
    _check_axis("sort", p.axis, x)
    return [x.shape, x.shape]


def _sort_reference(p: Sort, x: Array) -> tuple[Array, Array]:
    order = _order(x, p.axis, p.descending)
    return np.take_along_axis(x, order, p.axis), order.astype(np.int64, copy=False)


_WITH_NAN = np.array([2, np.nan, -1, np.inf, np.nan, 2], np.float32)

_sort = register(Primitive(
    "sort", lower=Kernel("sort"),
    params=Sort, shape_rule=_sort_shape, dtype_rule=_values_dtype("sort"),
    vjp=_taken_vjp, jvp=_taken_jvp,
    batch=lambda p, args, batched, size: _sort(
        args[0], axis=p.axis + 1, descending=p.descending).outputs,
    reference=_sort_reference, several_outputs=True,
    samples=[Sample((distinct(3, 5),), {"axis": 1}),
             Sample((distinct(4, 3),), {"axis": 0, "descending": True}),
             Sample((integers(9, low=0, high=4),), {"axis": 0, "descending": True}),
             Sample((boolean(6),), {"axis": 0}), Sample((distinct(0, 2),), {"axis": 0}),
             Sample((_WITH_NAN,), {"axis": 0}, differentiable=False),
             Sample((distinct(7, dtype="bfloat16"),), {"axis": 0}, differentiable=False)],
    errors=[ErrorSample((uniform(3),), "sort: axis 1 of a tensor", {"axis": 1}, ShapeError),
            ErrorSample((uniform(3, dtype="complex64"),), "sort: expected", {"axis": 0},
                        DTypeError)]))


def sort(x: Node, axis: int = -1, descending: bool = False) -> tuple[Node, Node]:
    """Values in order along an axis, and the positions (int64) they had. Stable.

    Shapes:  both results that of x
    Dtypes:  any real or bool
    Other arrays follow the same order by ``take_along_axis(other, positions, axis)``.
    """
    values, positions = _sort(x, axis=normalise_axis(axis, x.ndim, "sort"),
                              descending=descending).outputs
    return values, positions


def argsort(x: Node, axis: int = -1, descending: bool = False) -> Node:
    """The positions that sort an axis, int64."""
    return sort(x, axis, descending)[1]


# ---- top_k

@dataclass(frozen=True)
class TopK:
    k: int
    axis: int
    largest: bool = True


def _top_k_shape(p: TopK, x: TensorType) -> list[Shape]:
    _check_axis("top_k", p.axis, x)
    if not 0 <= p.k <= x.shape[p.axis]:
        raise ShapeError(f"top_k: k={p.k} of an axis of size {x.shape[p.axis]}",
                         hint=f"k goes from 0 to {x.shape[p.axis]}")
    shape = Shape(p.k if a == p.axis else s for a, s in enumerate(x.shape))
    return [shape, shape]


def _top_k_reference(p: TopK, x: Array) -> tuple[Array, Array]:
    order = _order(x, p.axis, p.largest)
    first = np.take(order, np.arange(p.k), axis=p.axis)
    return np.take_along_axis(x, first, p.axis), first.astype(np.int64, copy=False)


_top_k = register(Primitive(
    "top_k", lower=Kernel("top_k"),
    params=TopK, shape_rule=_top_k_shape, dtype_rule=_values_dtype("top_k"),
    vjp=_taken_vjp, jvp=_taken_jvp,
    batch=lambda p, args, batched, size: _top_k(
        args[0], k=p.k, axis=p.axis + 1, largest=p.largest).outputs,
    reference=_top_k_reference, several_outputs=True,
    samples=[Sample((distinct(3, 5),), {"k": 2, "axis": 1}),
             Sample((distinct(4, 3),), {"k": 3, "axis": 0, "largest": False}),
             Sample((integers(9, low=0, high=4),), {"k": 5, "axis": 0}),
             Sample((distinct(4),), {"k": 0, "axis": 0}),
             Sample((_WITH_NAN,), {"k": 4, "axis": 0}, differentiable=False)],
    errors=[ErrorSample((uniform(3),), "top_k: k=4 of an axis of size 3", {"k": 4, "axis": 0},
                        ShapeError),
            ErrorSample((uniform(3),), "top_k: axis 1 of a tensor", {"k": 1, "axis": 1},
                        ShapeError)]))


def top_k(x: Node, k: int, axis: int = -1, largest: bool = True) -> tuple[Node, Node]:
    """The k largest (smallest) values along an axis, best first, and their positions (int64).

    Shapes:  (..., n, ...) -> (..., k, ...) for both
    Dtypes:  any real or bool
    Raises:  ShapeError if k > n
    """
    values, positions = _top_k(x, k=k, axis=normalise_axis(axis, x.ndim, "top_k"),
                               largest=largest).outputs
    return values, positions


# ---- searchsorted

@dataclass(frozen=True)
class SearchSorted:
    side: str = "left"


_SIDES = ("left", "right")


def _search_shape(p: SearchSorted, ordered: TensorType, values: TensorType) -> Shape:
    if p.side not in _SIDES:
        raise ArgumentError(f"searchsorted: side {p.side!r} is not left or right",
                            hint=nearest(p.side, _SIDES))
    if not ordered.ndim or ordered.shape[:-1] != values.shape[:-1] or values.ndim != ordered.ndim:
        raise ShapeError(f"searchsorted: sorted {tuple(ordered.shape)} and values "
                         f"{tuple(values.shape)} differ before the last axis")
    return values.shape


def _search_dtype(p: SearchSorted, ordered: TensorType, values: TensorType) -> DType:
    accept("searchsorted", "biuf", ordered.dtype)
    if ordered.dtype is not values.dtype:
        raise DTypeError(f"searchsorted: sorted is {ordered.dtype}, values are {values.dtype}")
    return int64


def _before(a: Array, b: Array) -> Array:
    """a < b, NaN being the largest."""
    if a.dtype.kind in "biu":
        return np.asarray(a < b)
    return np.asarray((a < b) | (np.isnan(b) & ~np.isnan(a)))


def _search_reference(p: SearchSorted, ordered: Array, values: Array) -> Array:
    ordered, values = _comparable(ordered), _comparable(values)
    size = ordered.shape[-1]
    if ordered.ndim == 1:
        found = np.searchsorted(ordered, values, "left" if p.side == "left" else "right")
        return np.asarray(found, np.int64)
    # Bisection of all rows at once: the answer lies in low ... high.
    low, high = np.zeros(values.shape, np.int64), np.full(values.shape, size, np.int64)
    for _ in range(size.bit_length()):
        middle = (low + high) // 2
        found = np.take_along_axis(ordered, np.minimum(middle, max(size - 1, 0)), -1)
        after = _before(found, values) if p.side == "left" else ~_before(values, found)
        after &= low < high
        low, high = np.where(after, middle + 1, low), np.where(after, high, middle)
    return low


def _search_batch(p: SearchSorted, args: Sequence[Node], batched: Sequence[bool],
                  size: int) -> Node:
    ordered, values = args
    if ordered.ndim == 1 and not batched[0]:  # one row serves all examples
        flat = _search(ordered, reshape(values, (values.size,)), side=p.side)
        return reshape(flat, values.shape)
    stretched = [a if b else broadcast_leading(a, size) for a, b in zip(args, batched, strict=True)]
    return _search(*stretched, side=p.side)


_ROWS = np.sort(integers(4, 4, high=3), axis=-1)

_search = register(Primitive(
    "searchsorted", lower=Kernel("searchsorted"),
    params=SearchSorted, shape_rule=_search_shape, dtype_rule=_search_dtype,
    vjp=NoGradient("a position"), jvp=NoGradient("a position"), batch=_search_batch,
    reference=_search_reference,
    samples=[Sample((np.array([0.5], np.float32), uniform(5)), {"side": "left"}),
             Sample((_ROWS, integers(4, 6, seed=1)), {"side": "left"}),
             Sample((_ROWS, integers(4, 6, seed=1)), {"side": "right"}),
             Sample((uniform(0), uniform(3)), {"side": "right"}),
             Sample((uniform(2, 0), uniform(2, 3)), {"side": "right"})],
    errors=[ErrorSample((uniform(3), uniform(2)), "side 'middle' is not", {"side": "middle"},
                        ArgumentError),
            ErrorSample((uniform(2, 3), uniform(3, 2)), "differ before the last axis",
                        error=ShapeError),
            ErrorSample((uniform(3), integers(2)), "sorted is float32, values are int32",
                        error=DTypeError)]))


def searchsorted(ordered: Node, values: Node, side: str = "left") -> Node:
    """How many elements of a sorted axis lie before each value, int64.

    ``"left"`` counts the elements that are smaller, ``"right"`` those that are not larger. NaN is
    the largest.

    Shapes:  ordered (n,), values of any shape, which the result has; or ordered (*b, n), values
             (*b, m), row by row
    Dtypes:  equal, any real or bool
    """
    if ordered.ndim == 1 and values.ndim != 1:
        return reshape(_search(ordered, reshape(values, (values.size,)), side=side), values.shape)
    return _search(ordered, values, side=side)

"""Reductions: sums, extremes, moments, norms; and cumulative operations.

``axes`` is None for all of them, one axis, or a tuple; negative axes count from the end. Reduced
axes disappear unless ``keepdims``, which leaves them with size one.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, bool_, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import reduce as rd
from ..ir.ops.movement import broadcast, concatenate, flip, reshape, slice_
from ..ir.ops.structural import stop_gradient
from ..ir.shapes import normalise_axes, normalise_axis
from .elementwise import floating, is_finite, is_nan

__all__ = ["all", "any", "argmax", "argmin", "count_nonzero", "cumulative_max", "cumulative_min",
           "cumulative_prod", "cumulative_sum", "diff", "logcumsumexp", "logsumexp", "max", "mean",
           "min", "nanmean", "nansum", "norm", "prod", "std", "sum", "var"]

Axes = int | tuple[int, ...] | None


def _keep(result: Node, x: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    if not keepdims:
        return result
    return reshape(result, [1 if a in axes else s for a, s in enumerate(x.shape)])


def _spread(reduced: Node, x: Node, axes: tuple[int, ...]) -> Node:
    return rd.restore(reduced, x, axes)


def _accumulated(x: Node, dtype: DType | None) -> Node:
    """Small integers and bools are summed as int64."""
    if dtype is not None:
        return ew.cast(x, dtype)
    return x if x.dtype.is_inexact else ew.cast(x, int64)


def sum(x: Node, axes: Axes = None, keepdims: bool = False, dtype: DType | None = None) -> Node:
    """Sum. Integers and bools sum to int64, or to ``dtype``.

    Source: torch.sum
    """
    found = normalise_axes(axes, x.ndim, "sum")
    return _keep(rd.reduce_sum(_accumulated(x, dtype), found), x, found, keepdims)


def prod(x: Node, axes: Axes = None, keepdims: bool = False, dtype: DType | None = None) -> Node:
    """Product. Integers and bools multiply to int64, or to ``dtype``."""
    found = normalise_axes(axes, x.ndim, "prod")
    return _keep(rd.reduce_prod(_accumulated(x, dtype), axes=found), x, found, keepdims)


def _count(x: Node, axes: tuple[int, ...]) -> int:
    return math.prod(x.shape[a] for a in axes)


def mean(x: Node, axes: Axes = None, keepdims: bool = False, dtype: DType | None = None) -> Node:
    """Arithmetic mean; of no elements it is NaN. Integers are averaged in the default float."""
    x = floating(x) if dtype is None else ew.cast(x, dtype)
    found = normalise_axes(axes, x.ndim, "mean")
    total = rd.reduce_sum(x, found)
    n = _count(x, found)
    result = total * math.nan if n == 0 else _over(total, n)
    return _keep(result, x, found, keepdims)


def _over(x: Node, n: float) -> Node:
    """``x / n``; exactly, so that the mean of equal numbers is that number where it can be."""
    if x.dtype.is_complex:
        return ew.complex_of(_over(ew.real(x), n), _over(ew.imag(x), n))
    return x if n == 1 else x / ew.scalar_like(n, x)


def var(x: Node, axes: Axes = None, correction: float = 0, keepdims: bool = False) -> Node:
    """Mean square distance from the mean, with ``n - correction`` in the denominator.

    Two passes, so that it is right for numbers far from zero. Not positive denominators give NaN
    or infinity. Of complex numbers: the mean of ``|x - mean|**2``, real.
    """
    x = floating(x)
    found = normalise_axes(axes, x.ndim, "var")
    centred = x - _spread(mean(x, found), x, found)
    if x.dtype.is_complex:
        re, im = ew.real(centred), ew.imag(centred)
        squares = re * re + im * im
    else:
        squares = centred * centred
    total = rd.reduce_sum(squares, found)
    n = builtins.max(_count(x, found) - correction, 0)
    result = total / ew.scalar_like(n, total)
    return _keep(result, x, found, keepdims)


def std(x: Node, axes: Axes = None, correction: float = 0, keepdims: bool = False) -> Node:
    """Square root of `var`."""
    return ew.sqrt(var(x, axes, correction, keepdims))


def _extreme(name: str, primitive: Callable[..., Node], doc: str) -> Callable[..., Node]:
    def apply(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
        found = normalise_axes(axes, x.ndim, name)
        return _keep(primitive(x, axes=found), x, found, keepdims)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


max = _extreme("max", rd.reduce_max, "The largest element; NaN if there is one. Ties share the "
               "gradient. Raises ShapeError where there is nothing to reduce.")
min = _extreme("min", rd.reduce_min, "The smallest element; NaN if there is one. Ties share the "
               "gradient. Raises ShapeError where there is nothing to reduce.")


def _truth(x: Node) -> Node:
    truth = ar.truth(x)
    assert isinstance(truth, Node)
    return truth


def all(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """Whether all elements are true (not zero); true for none."""
    found = normalise_axes(axes, x.ndim, "all")
    return _keep(rd.reduce_all(_truth(x), axes=found), x, found, keepdims)


def any(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """Whether any element is true (not zero); false for none."""
    found = normalise_axes(axes, x.ndim, "any")
    return _keep(rd.reduce_any(_truth(x), axes=found), x, found, keepdims)


def count_nonzero(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """How many elements are not zero, as int64."""
    return sum(_truth(x), axes, keepdims)


def _position(name: str, primitive: Callable[..., Node]) -> Callable[..., Node]:
    def apply(x: Node, axis: int | None = None, keepdims: bool = False) -> Node:
        if axis is None:
            found = primitive(reshape(x, (-1 if x.size else 0,)), axis=0)
            return reshape(found, (1,) * x.ndim) if keepdims else found
        if not x.ndim and axis in (0, -1):
            return primitive(reshape(x, (1,)), axis=0)
        at = normalise_axis(axis, x.ndim, name)
        return _keep(primitive(x, axis=at), x, (at,), keepdims)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = (f"The position of the first {'largest' if name == 'argmax' else 'smallest'} "
                     "element (or NaN) along an axis, int64; in the flattened tensor for None.")
    return apply


argmax = _position("argmax", rd.argmax)
argmin = _position("argmin", rd.argmin)


def logsumexp(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """``log(sum(exp(x)))`` without overflow; -inf for no elements."""
    x = floating(x)
    found = normalise_axes(axes, x.ndim, "logsumexp")
    if not found:
        return x
    if not _count(x, found) or x.dtype.is_complex:
        return _keep(ew.log(rd.reduce_sum(ew.exp(x), found)), x, found, keepdims)
    top = stop_gradient(rd.reduce_max(x, axes=found))
    top = ew.where(is_finite(top), top, ew.zeros_like(top))
    total = rd.reduce_sum(ew.exp(x - _spread(top, x, found)), found)
    return _keep(ew.log(total) + top, x, found, keepdims)


def norm(x: Node, axes: Axes = None, order: float = 2, keepdims: bool = False) -> Node:
    """The vector norm of that order over the axes taken together: ``sum(|x|**order)**(1/order)``.

    Orders inf and -inf are the largest and the smallest magnitude, 0 counts what is not zero. The
    gradient at the zero vector is zero.
    """
    x = floating(x)
    found = normalise_axes(axes, x.ndim, "norm")
    size = ew.absolute(x)
    if order == math.inf:
        result = (rd.reduce_max(size, axes=found) if _count(x, found)
                  else rd.reduce_sum(size, found))
    elif order == -math.inf:
        result = rd.reduce_min(size, axes=found)
    elif order == 0:
        result = rd.reduce_sum(ew.cast(_truth(size), size.dtype), found)
    elif order == 1:
        result = rd.reduce_sum(size, found)
    else:
        result = _root_of_sum(size, found, order)
    return _keep(result, x, found, keepdims)


def _root_of_sum(size: Node, axes: tuple[int, ...], order: float) -> Node:
    zero_size = ew.zeros_like(size)
    none = ew.equal(size, zero_size)
    if order == 2:
        powers = size * size
    elif order > 1:
        powers = ar.power(size, order)
    else:  # keeps infinite slopes at zero out of the gradient
        powers = ew.where(none, ew.scalar_like(0 if order > 0 else math.inf, size),
                          ar.power(ew.where(none, ew.scalar_like(1, size), size), order))
    total = rd.reduce_sum(powers, axes)
    zero = ew.equal(total, ew.zeros_like(total))
    safe = ew.where(zero, ew.scalar_like(1, total), total)
    root = ew.sqrt(safe) if order == 2 else ar.power(safe, 1 / order)
    return ew.where(zero, ew.scalar_like(0 if order > 0 else math.inf, root), root)


def nansum(x: Node, axes: Axes = None, keepdims: bool = False, dtype: DType | None = None) -> Node:
    """Sum of the elements that are not NaN."""
    return sum(ew.where(is_nan(x), ew.zeros_like(x), x), axes, keepdims, dtype)


def nanmean(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """Mean of the elements that are not NaN; NaN if there are none."""
    x = floating(x)
    counted = sum(ew.cast(ew.bitwise_not(is_nan(x)), x.dtype), axes, keepdims)
    return nansum(x, axes, keepdims) / counted


# ---- cumulative

def _along(x: Node, axis: int | None, name: str) -> tuple[Node, int]:
    if axis is None:
        if x.ndim > 1:
            raise ArgumentError(f"{name}: needs an axis for a tensor of shape {tuple(x.shape)}")
        axis = 0
    if not x.ndim and axis in (0, -1):
        return reshape(x, (1,)), 0
    return x, normalise_axis(axis, x.ndim, name)


def _running(name: str, primitive: Callable[..., Node], start: float | None, doc: str,
             ) -> Callable[..., Node]:
    def apply(x: Node, axis: int | None = None, include_initial: bool = False,
              reverse: bool = False) -> Node:
        row, at = _along(x, axis, name)
        if reverse:
            result = flip(primitive(flip(row, axes=(at,)), axis=at), axes=(at,))
        else:
            result = primitive(row, axis=at)
        if include_initial:
            assert start is not None
            ones = [1 if a == at else s for a, s in enumerate(row.shape)]
            first = broadcast(ar.as_node(int(start), row.dtype), ones, ())
            result = concatenate([result, first] if reverse else [first, result], at)
            return result
        return reshape(result, x.shape)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


def _bools_counted(primitive: Callable[..., Node]) -> Callable[..., Node]:
    def apply(x: Node, axis: int) -> Node:
        return primitive(ew.cast(x, int64) if x.dtype is bool_ else x, axis=axis)

    return apply


cumulative_sum = _running(
    "cumulative_sum", _bools_counted(rd.cumulative_sum), 0,
    "Sums of the first one, two, ... elements along an axis, in the dtype of ``x`` (bools: int64). "
    "``include_initial`` puts a zero in front; ``reverse`` sums from the end.")
cumulative_prod = _running(
    "cumulative_prod", _bools_counted(rd.cumulative_prod), 1,
    "Products of the first one, two, ... elements along an axis. ``include_initial`` puts a one in "
    "front; ``reverse`` multiplies from the end.")
cumulative_max = _running("cumulative_max", rd.cumulative_max, None,
                          "The largest of the first one, two, ... elements along an axis.")
cumulative_min = _running("cumulative_min", rd.cumulative_min, None,
                          "The smallest of the first one, two, ... elements along an axis.")


def logcumsumexp(x: Node, axis: int) -> Node:
    """``log(cumulative_sum(exp(x)))`` along an axis, without overflow.

    Relative to the largest element of the whole row: elements more than some 700 (float64) or 87
    (float32) below it count as nothing.
    """
    x = floating(x)
    if not x.size:
        return x
    row, at = _along(x, axis, "logcumsumexp")
    top = stop_gradient(rd.reduce_max(row, axes=(at,)))
    top = _spread(ew.where(is_finite(top), top, ew.zeros_like(top)), row, (at,))
    return reshape(ew.log(rd.cumulative_sum(ew.exp(row - top), axis=at)) + top, x.shape)


def diff(x: Node, n: int = 1, axis: int = -1) -> Node:
    """Differences of neighbours along an axis, taken ``n`` times; of bools: where they differ.

    Shapes:  (..., m, ...) -> (..., max(m - n, 0), ...)
    """
    if not x.ndim:
        raise ShapeError("diff: needs at least one axis, got a 0-d tensor")
    if n < 0:
        raise ArgumentError(f"diff: n must not be negative, got {n}")
    at = normalise_axis(axis, x.ndim, "diff")
    for _ in range(n):
        size = x.shape[at]
        if not size:
            break
        low, high = _part(x, at, 0, size - 1), _part(x, at, 1, size)
        x = ew.not_equal(high, low) if x.dtype is bool_ else high - low
    return x


def _part(x: Node, axis: int, start: int, stop: int) -> Node:
    return slice_(x, [start if a == axis else 0 for a in range(x.ndim)],
                  [stop if a == axis else s for a, s in enumerate(x.shape)])

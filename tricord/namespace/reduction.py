"""The standard's statistical and utility functions: what makes fewer numbers out of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..functions import reduction as fn
from ..functions import statistics as st
from ..functions.manipulation import concat as concat_nodes
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..tensor.recorder import record
from ..tensor.tensor import Tensor
from ._arguments import integer, integers, number, refuse_strings, sum_dtype, tensor_of

__all__ = ["all", "any", "argmax", "argmin", "corrcoef", "count_nonzero", "cov", "cumulative_max",
           "cumulative_min", "cumulative_prod", "cumulative_sum", "diff", "logsumexp", "max",
           "mean", "median", "min", "norm", "prod", "quantile", "std", "sum", "var"]

Axes = int | tuple[int, ...] | None


def _over_axes(name: str, function: Callable[..., Node], doc: str | None) -> Any:
    def apply(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
        return record(function, (tensor_of(x),),  # type: ignore[no-any-return]
                      (integers(axis, name), bool(keepdims)))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


all = _over_axes("all", fn.all, fn.all.__doc__)
any = _over_axes("any", fn.any, fn.any.__doc__)
count_nonzero = _over_axes("count_nonzero", fn.count_nonzero, fn.count_nonzero.__doc__)
max = _over_axes("max", fn.max, fn.max.__doc__)
mean = _over_axes("mean", fn.mean, fn.mean.__doc__)
min = _over_axes("min", fn.min, fn.min.__doc__)
logsumexp = _over_axes("logsumexp", fn.logsumexp, fn.logsumexp.__doc__)


def _sum_like(name: str, function: Callable[..., Node], what: str) -> Any:
    def apply(x: Tensor, /, *, axis: Axes = None, dtype: Any = None,
              keepdims: bool = False) -> Tensor:
        x = tensor_of(x)
        return record(function, (x,),  # type: ignore[no-any-return]
                      (integers(axis, name), bool(keepdims), sum_dtype(x, dtype)))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"{what}. Integers in int64 (unsigned: uint64), or everything in ``dtype``."
    return apply


sum = _sum_like("sum", fn.sum, "Sum over axes")
prod = _sum_like("prod", fn.prod, "Product over axes")


def _moment(name: str, function: Callable[..., Node], doc: str | None) -> Any:
    def apply(x: Tensor, /, *, axis: Axes = None, correction: float = 0.0,
              keepdims: bool = False) -> Tensor:
        return record(function, (tensor_of(x),),  # type: ignore[no-any-return]
                      (integers(axis, name), number(correction, f"{name}: correction"),
                       bool(keepdims)))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


std = _moment("std", fn.std, fn.std.__doc__)
var = _moment("var", fn.var, fn.var.__doc__)


def _position(name: str, function: Callable[..., Node]) -> Any:
    def apply(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
        return record(function, (tensor_of(x),),  # type: ignore[no-any-return]
                      (integers(axis, name), bool(keepdims)))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = function.__doc__
    return apply


argmax = _position("argmax", fn.argmax)
argmin = _position("argmin", fn.argmin)


def _accumulated(x: Node, function: Any, dtype: Any, axis: int | None, initial: bool) -> Node:
    return function(cast(x, dtype), axis, initial)  # type: ignore[no-any-return]


def _cumulative(name: str, function: Callable[..., Node], what: str) -> Any:
    def apply(x: Tensor, /, *, axis: int | None = None, dtype: Any = None,
              include_initial: bool = False) -> Tensor:
        x = tensor_of(x)
        return record(_accumulated, (x,),  # type: ignore[no-any-return]
                      (function, sum_dtype(x, dtype), integers(axis, name), bool(include_initial)))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = (f"{what} of the first one, two, ... elements along an axis, which only a "
                     "vector may leave out; ``include_initial`` puts that of none in front.")
    return apply


cumulative_sum = _cumulative("cumulative_sum", fn.cumulative_sum, "Sums")
cumulative_prod = _cumulative("cumulative_prod", fn.cumulative_prod, "Products")


def cumulative_max(x: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The largest of the first one, two, ... elements along an axis."""
    return record(fn.cumulative_max, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(axis, "cumulative_max"),))


def cumulative_min(x: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The smallest of the first one, two, ... elements along an axis."""
    return record(fn.cumulative_min, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(axis, "cumulative_min"),))


def _differences(*parts_and_rest: Any) -> Node:
    *parts, n, axis = parts_and_rest
    return fn.diff(parts[0] if len(parts) == 1 else concat_nodes(*parts, axis), n, axis)


def diff(x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None,
         append: Tensor | None = None) -> Tensor:
    """Differences of neighbours along an axis, taken ``n`` times."""
    parts = [tensor_of(p) for p in (prepend, x, append) if p is not None]
    return record(_differences, parts,  # type: ignore[no-any-return]
                  (integer(n, "diff: n"), integer(axis, "diff: axis")))


def norm(x: Tensor, /, *, axis: Axes = None, ord: float = 2, keepdims: bool = False) -> Tensor:
    """The vector norm of that order over the axes taken together."""
    return record(fn.norm, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(axis, "norm"), number(ord, "norm: ord"), bool(keepdims)))


def quantile(x: Tensor, q: float | tuple[float, ...], /, *, axis: Axes = None,
             keepdims: bool = False, method: str = "linear") -> Tensor:
    """The value below which the share ``q`` of the elements lies; a tuple adds a leading axis."""
    refuse_strings("quantile", method, st.METHODS)
    shares = tuple(float(number(v, "quantile: q")) for v in q) if (
        isinstance(q, (tuple, list))) else float(number(q, "quantile: q"))
    return record(st.quantile, (tensor_of(x),),  # type: ignore[no-any-return]
                  (shares, integers(axis, "quantile"), bool(keepdims), method))


def median(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The middle element along axes, or the mean of the middle two."""
    return record(st.median, (tensor_of(x),),  # type: ignore[no-any-return]
                  (integers(axis, "median"), bool(keepdims)))


def cov(x: Tensor, /, *, correction: float = 1) -> Tensor:
    """Covariance matrix of variables, each a row of observations."""
    return record(st.cov, (tensor_of(x),),  # type: ignore[no-any-return]
                  (number(correction, "cov: correction"),))


def corrcoef(x: Tensor, /) -> Tensor:
    """Correlation coefficients of variables, each a row of observations."""
    return record(st.corrcoef, (tensor_of(x),))  # type: ignore[no-any-return]

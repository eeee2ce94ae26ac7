"""Reductions: ``x.sum(dim)``, ``x.max(dim)`` with values and indices, cumulative operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...errors import ArgumentError
from ...functions import reduction as fn
from ...ir import arithmetic as ar
from ...ir.dtypes import as_dtype, int64
from ...ir.node import Node
from ...ir.ops import elementwise as ew
from ...ir.ops.elementwise import cast
from ...ir.ops.indexing import take_along_axis
from ...ir.ops.movement import reshape
from ...ir.ops.structural import iota
from ..handle import Handle
from ..recorder import pending, record, record_nodes
from ..views import write

__all__ = ["RESULTS", "ReductionMethods", "ValuesAndIndices"]


class ValuesAndIndices(NamedTuple):
    """What a reduction along one axis gives in PyTorch: the values, and where they were."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        fields = ",\n".join(f"{n}={v!r}" for n, v in zip(self._fields, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{fields})"


def _kind(name: str) -> type[ValuesAndIndices]:
    return type(name, (ValuesAndIndices,), {"__slots__": ()})


#: The class of each method's results, under the names that PyTorch prints.
RESULTS = {name: _kind(name) for name in (
    "cummax", "cummin", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort", "topk")}


def _axes(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _over(x: Node, function: Callable[..., Node], axes: Any, keepdim: bool, dtype: Any) -> Node:
    """A reduction over axes; a 0-d tensor takes axes 0 and -1, an empty tuple means all."""
    if dtype is not None:
        x = cast(x, dtype)
    if x.ndim == 0 and axes in (0, -1, (0,), (-1,)):
        axes = None
    return function(x, None if axes == () else axes, keepdim)


def _reduction(function: Callable[..., Node], counts_bools: bool = False) -> Any:
    def method(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None,
               axis: Any = None, keepdims: bool | None = None) -> Any:
        wanted = None if dtype is None else as_dtype(dtype)
        if counts_bools and wanted is None and self.dtype.kind in "biu":
            wanted = int64
        axes = _axes(dim if axis is None else axis)
        return record(_over, (self,), (function, axes, keepdim if keepdims is None else keepdims,
                                       wanted))

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


def _extreme_at(x: Node, axis: int, keepdim: bool, position: Callable[..., Node]) -> list[Node]:
    """Values by gathering at the first position, so that the gradient goes to that one alone."""
    row = reshape(x, (1,)) if not x.ndim else x
    at = position(row, axis, True)
    values = take_along_axis(row, at, axis % row.ndim)
    if keepdim and x.ndim:
        return [values, at]
    shape = tuple(s for a, s in enumerate(row.shape) if a != axis % row.ndim)
    return [reshape(values, shape), reshape(at, shape)]


def _extreme(whole: Callable[..., Node], position: Callable[..., Node],
             pairwise: str) -> Callable[..., Any]:
    kind = RESULTS[whole.__name__]

    def method(self: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None) -> Any:
        if isinstance(dim, Handle):
            return getattr(self, pairwise)(dim)
        dim = dim if axis is None else axis
        if dim is None:
            return record(_over, (self,), (whole, None, False, None))
        nodes = record_nodes(_extreme_at, (self,), (dim, keepdim, position))
        return kind(*[pending(n, self._result_class) for n in nodes])

    method.__name__ = whole.__name__
    method.__doc__ = ("Without ``dim`` the extreme of all elements; with it, values and indices "
                      "along that axis; with a tensor, elementwise.")
    return method


def _position(function: Callable[..., Node]) -> Callable[..., Any]:
    def method(self: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None) -> Any:
        return record(function, (self,), (dim if axis is None else axis, keepdim))

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


def _spread(function: Callable[..., Node]) -> Callable[..., Any]:
    def method(self: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
               correction: float | None = None, axis: Any = None) -> Any:
        if isinstance(dim, bool):  # x.std(False): the first argument may be `unbiased`
            dim, unbiased = None, dim
        if correction is None:
            correction = 1 if unbiased is None or unbiased else 0
        axes = _axes(dim if axis is None else axis)
        return record(_spread_over, (self,), (function, axes, correction, keepdim))

    method.__name__ = function.__name__
    method.__doc__ = f"{function.__doc__} Divides by n - 1 unless told otherwise."
    return method


def _spread_over(x: Node, function: Callable[..., Node], axes: Any, correction: float,
                 keepdim: bool) -> Node:
    return function(x, axes, correction, keepdim)


def _cumulative(function: Callable[..., Node], indexed: bool = False) -> Callable[..., Any]:
    def method(self: Any, dim: int, *, dtype: Any = None, axis: Any = None) -> Any:
        source = self if dtype is None else self.to(dtype)
        if dtype is None and not indexed and self.dtype.kind in "biu":
            source = self.to(int64)
        return record(function, (source,), (dim,))

    method.__name__ = function.__name__
    return method


def _norm(x: Node, order: float, axes: Any, keepdim: bool) -> Node:
    return fn.norm(x, axes, order, keepdim)


def _aminmax(x: Node, axes: Any, keepdim: bool) -> list[Node]:
    return [fn.min(x, axes, keepdim), fn.max(x, axes, keepdim)]


def _renormed(x: Node, order: float, axis: int, limit: float) -> Node:
    others = tuple(a for a in range(x.ndim) if a != axis % x.ndim)
    norms = fn.norm(x, others, order, True)
    too_long = ar.compare["greater"](norms, limit)
    return x * ar.select(too_long, limit / (norms + 1e-7), ew.scalar_like(1, norms))


class ReductionMethods(Handle):
    """Reductions, as PyTorch names them; ``axis`` and ``keepdims`` are accepted too."""

    sum = _reduction(fn.sum, counts_bools=True)
    mean = _reduction(fn.mean)
    prod = _reduction(fn.prod, counts_bools=True)
    all = _reduction(fn.all)
    any = _reduction(fn.any)
    amax = _reduction(fn.max)
    amin = _reduction(fn.min)
    logsumexp = _reduction(fn.logsumexp)
    nansum = _reduction(fn.nansum)
    nanmean = _reduction(fn.nanmean)
    max = _extreme(fn.max, fn.argmax, "maximum")
    min = _extreme(fn.min, fn.argmin, "minimum")
    argmax = _position(fn.argmax)
    argmin = _position(fn.argmin)
    var = _spread(fn.var)
    std = _spread(fn.std)
    cumsum = _cumulative(fn.cumulative_sum)
    cumprod = _cumulative(fn.cumulative_prod)
    logcumsumexp = _cumulative(fn.logcumsumexp, indexed=True)

    def cumsum_(self, dim: int) -> Any:
        return write(self, fn.cumulative_sum, (), (dim,))

    def cumprod_(self, dim: int) -> Any:
        return write(self, fn.cumulative_prod, (), (dim,))

    def renorm(self, p: float, dim: int, maxnorm: float) -> Any:
        """Slices along ``dim`` whose p-norm exceeds ``maxnorm``, scaled down to it."""
        return record(_renormed, (self,), (p, dim, maxnorm))

    def count_nonzero(self, dim: Any = None) -> Any:
        """How many elements are not zero."""
        return record(fn.count_nonzero, (self,), (_axes(dim),))

    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        """The p-norm over all elements or over some axes ("fro" is 2)."""
        if p in ("fro", None):
            p = 2
        if isinstance(p, str):
            raise ArgumentError(f"norm: p={p!r}; vector norms take a number or 'fro'",
                                hint="torch.linalg.matrix_norm for the nuclear norm")
        source = self if dtype is None else self.to(dtype)
        return record(_norm, (source,), (p, _axes(dim), keepdim))

    def var_mean(self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *,
                 correction: float | None = None) -> Any:
        """Variance and mean."""
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        return self.var(dim, unbiased, keepdim, correction=correction), self.mean(dim, keepdim)

    def std_mean(self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *,
                 correction: float | None = None) -> Any:
        """Deviation and mean."""
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        return self.std(dim, unbiased, keepdim, correction=correction), self.mean(dim, keepdim)

    def aminmax(self, *, dim: Any = None, keepdim: bool = False) -> Any:
        nodes = record_nodes(_aminmax, (self,), (_axes(dim), keepdim))
        return tuple(pending(n, self._result_class) for n in nodes)

    def cummax(self, dim: int) -> Any:
        """Running maximum, values and the positions of the last largest so far."""
        return _running(self, dim, fn.cumulative_max, "cummax")

    def cummin(self, dim: int) -> Any:
        return _running(self, dim, fn.cumulative_min, "cummin")


def _running(handle: Any, dim: int, function: Callable[..., Node],
             name: str) -> ValuesAndIndices:
    nodes = record_nodes(_running_at, (handle,), (dim, function))
    return RESULTS[name](*[pending(n, handle._result_class) for n in nodes])


def _running_at(x: Node, axis: int, function: Callable[..., Node]) -> list[Node]:
    values = function(x, axis)
    taken = cast(ew.equal(values, x), int64)
    at = iota(x.shape, int64, axis % x.ndim) * taken - (1 - taken)  # -1 where nothing new
    return [values, fn.cumulative_max(at, axis)]

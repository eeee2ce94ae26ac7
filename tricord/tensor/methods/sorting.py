"""Order and statistics: sort, top-k, median, quantiles, unique, counting."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...functions import sorting as fn
from ...functions import statistics as st
from ...functions.searching import take_along_axis
from ...ir.memory import check_shape
from ...ir.node import Node
from ...ir.ops.movement import reshape
from ..handle import Handle
from ..recorder import pending, record, record_nodes, value_of, wrap
from .reduction import RESULTS, ValuesAndIndices

__all__ = ["SortingMethods"]


def _pair(name: str, handle: Any, function: Any,
          static: tuple[Any, ...]) -> ValuesAndIndices:
    nodes = record_nodes(function, (handle,), static)
    return RESULTS[name](*[pending(n, handle._result_class) for n in nodes])


def _lower_median(x: Node, axis: int, keepdim: bool) -> list[Node]:
    values, places = fn.kth_value(x, (max(x.shape[axis], 1) + 1) // 2 if x.ndim else 1, axis)
    return [_kept(values, x, axis, keepdim), _kept(places, x, axis, keepdim)]


def _kept(reduced: Node, x: Node, axis: int, keepdim: bool) -> Node:
    if not (x.ndim and keepdim):
        return reduced
    return reshape(reduced, [1 if a == axis % x.ndim else s for a, s in enumerate(x.shape)])


class SortingMethods(Handle):
    """Order and statistics, as PyTorch names them."""

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
        """Values in order along an axis, and where they came from; NaN last."""
        return _pair("sort", self, fn.sort_with_positions, (dim, descending))

    def msort(self) -> Any:
        return self.sort(0)[0]

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
        return record(fn.argsort, (self,), (dim, descending))

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
        """The k largest (or smallest) along an axis, in order, and where they were."""
        return _pair("topk", self, fn.top_k, (operator.index(k), dim, largest))

    def kthvalue(self, k: int, dim: int = -1, keepdim: bool = False) -> Any:
        """The k-th smallest along an axis, counted from one."""
        return _pair("kthvalue", self, _kth, (operator.index(k), dim, keepdim))

    def median(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The middle value, the lower of two; with ``dim``, values and indices."""
        if dim is None:
            nodes = record_nodes(_lower_median, (self.flatten(),), (0, False))  # type: ignore[attr-defined]
            return pending(nodes[0], self._result_class)
        return _pair("median", self, _lower_median, (dim, keepdim))

    def quantile(self, q: Any, dim: int | None = None, keepdim: bool = False, *,
                 interpolation: str = "linear") -> Any:
        """The q-quantiles, q in [0, 1]."""
        shares = value_of(q).tolist() if isinstance(q, Handle) else q
        static = tuple(shares) if isinstance(shares, (list, tuple)) else float(shares)
        return record(st.quantile, (self,), (static, dim, keepdim, interpolation))

    def nanmedian(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """`median` of what is not NaN (observes the values)."""
        return _without_nan(self, dim, keepdim)

    def nanquantile(self, q: Any, dim: int | None = None, keepdim: bool = False, *,
                    interpolation: str = "linear") -> Any:
        """`quantile` of what is not NaN (observes the values)."""
        shares = value_of(q) if isinstance(q, Handle) else q
        found = np.nanquantile(value_of(self), shares, dim, method=interpolation,
                               keepdims=keepdim)
        return wrap(np.asarray(found).astype(self.dtype.numpy))

    def cov(self, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
        """Covariances of the rows; columns are observations."""
        if fweights is not None or aweights is not None:
            raise ArgumentError("cov: weights are not supported")
        return record(st.cov, (self,), (correction,))

    def corrcoef(self) -> Any:
        """Correlations of the rows."""
        return record(st.corrcoef, (self,))

    def mode(self, dim: int = -1, keepdim: bool = False) -> Any:
        """The commonest value along an axis (the smallest of equals), and the last place of it."""
        values = np.moveaxis(np.atleast_1d(value_of(self)), dim, -1)
        flat = values.reshape(-1, values.shape[-1])
        found, places = np.empty(len(flat), values.dtype), np.empty(len(flat), np.int64)
        for row, line in enumerate(flat):
            different, counts = np.unique(line, return_counts=True)
            found[row] = different[np.argmax(counts)]
            same = np.isnan(line) if found[row] != found[row] else line == found[row]
            places[row] = np.flatnonzero(same)[-1]
        shape = values.shape[:-1]
        at = wrap(places.reshape(shape))
        if self.ndim:
            taken = record(take_along_axis, (self, at.unsqueeze(dim)), (dim,))
            return RESULTS["mode"](taken if keepdim else taken.squeeze(dim),
                                   at.unsqueeze(dim) if keepdim else at)
        return RESULTS["mode"](self, at.reshape(()))

    def unique(self, sorted: bool = True, return_inverse: bool = False,
               return_counts: bool = False, dim: int | None = None) -> Any:
        """The different values in order (observes them)."""
        found = np.unique(value_of(self), return_inverse=True, return_counts=True, axis=dim)
        values, inverse, counts = found
        shape = self.shape if dim is None else (self.shape[dim],)
        results = [wrap(values)]
        if return_inverse:
            results.append(wrap(np.asarray(inverse).reshape(shape)))
        if return_counts:
            results.append(wrap(counts))
        return results[0] if len(results) == 1 else tuple(results)

    def unique_consecutive(self, return_inverse: bool = False, return_counts: bool = False,
                           dim: int | None = None) -> Any:
        """Runs of equal values, once each."""
        if dim is not None:
            raise ArgumentError("unique_consecutive: dim is not supported", hint="flatten first")
        flat = value_of(self).reshape(-1)
        first = np.concatenate([[True], flat[1:] != flat[:-1]]) if flat.size else np.zeros(0, bool)
        results = [wrap(flat[first])]
        if return_inverse:
            results.append(wrap((np.cumsum(first) - 1).reshape(self.shape)))
        if return_counts:
            results.append(wrap(np.diff(np.append(np.flatnonzero(first), flat.size))))
        return results[0] if len(results) == 1 else tuple(results)

    def bincount(self, weights: Any = None, minlength: int = 0) -> Any:
        """How often each number 0, 1, 2, ... occurs, or the sum of its weights."""
        counts = np.bincount(value_of(self), None if weights is None else value_of(weights),
                             minlength)
        return wrap(counts.astype(weights.dtype.numpy) if weights is not None else counts)

    def histc(self, bins: int = 100, min: float = 0, max: float = 0) -> Any:
        """Counts in equal bins between ``min`` and ``max`` (of the data, if both are 0)."""
        check_shape("histc", (bins,), self.dtype)
        values = value_of(self)
        bounds = (values.min(), values.max()) if min == max else (min, max)
        counts, _ = np.histogram(values, bins, bounds)
        return wrap(counts.astype(values.dtype))


def _without_nan(handle: Any, dim: int | None, keepdim: bool) -> Any:
    """The k-th smallest, k by how many there are: rows are sorted with NaN last."""
    source = handle.flatten() if dim is None else handle
    axis = 0 if dim is None else dim % max(source.ndim, 1)
    values, places = source.sort(axis)
    missing = np.isnan(value_of(source)).sum(axis, keepdims=True)
    middle = wrap(np.maximum((source.shape[axis] - missing - 1) // 2, 0).astype(np.int64))
    found = RESULTS["nanmedian"](*(t.take_along_dim(middle, axis) for t in (values, places)))
    if dim is None:
        return found.values.reshape(())
    return found if keepdim else RESULTS["nanmedian"](*(t.squeeze(axis) for t in found))


def _kth(x: Node, k: int, axis: int, keepdim: bool) -> list[Node]:
    values, places = fn.kth_value(x, k, axis)
    return [_kept(values, x, axis, keepdim), _kept(places, x, axis, keepdim)]

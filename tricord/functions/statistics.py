"""Order statistics, histograms and covariances."""

from __future__ import annotations

import itertools
import math

import numpy as np

from ..errors import ArgumentError, ShapeError, nearest
from ..ir.dtypes import float64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import sort as st
from ..ir.ops.movement import concatenate, reshape, transpose
from ..ir.ops.structural import constant
from ..ir.shapes import normalise_axes
from .elementwise import conj, floating, is_nan
from .manipulation import narrow
from .products import matmul
from .reduction import Axes, mean
from .searching import bincount, searchsorted, take

__all__ = ["corrcoef", "cov", "histogram", "median", "quantile"]

METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


def _to_last(x: Node, axes: tuple[int, ...]) -> Node:
    """The axes joined to one, at the end."""
    kept = [a for a in range(x.ndim) if a not in axes]
    moved = transpose(x, [*kept, *axes])
    return reshape(moved, (*(x.shape[a] for a in kept), math.prod(x.shape[a] for a in axes)))


def quantile(x: Node, q: float | tuple[float, ...], axes: Axes = None, keepdims: bool = False,
             method: str = "linear") -> Node:
    """The value below which the share ``q`` of the elements lies; a tuple adds a leading axis.

    NaN if there is a NaN. Between two elements, ``method`` says what: linear, lower, higher,
    nearest (ties to the even position), midpoint.

    Source:  numpy.quantile
    """
    if method not in METHODS:
        raise ArgumentError(f"quantile: method is one of {', '.join(METHODS)}, got {method!r}",
                            hint=nearest(method, METHODS))
    shares = q if isinstance(q, tuple) else (q,)
    if not all(0 <= share <= 1 for share in shares):
        raise ArgumentError(f"quantile: shares are between 0 and 1, got {q}")
    x = floating(x)
    found = normalise_axes(axes, x.ndim, "quantile")
    rows = _to_last(x, found)
    n = rows.shape[-1]
    if not n:
        raise ShapeError(f"quantile: no elements along the axes {found} of shape {tuple(x.shape)}")
    ordered = st.sort(rows)[0]
    parts = [_at_share(ordered, share, n, method) for share in shares]
    # NaN is sorted to the end: if the last one is NaN, there is one.
    last = narrow(ordered, -1, n - 1, n)
    parts = [ew.where(is_nan(last), last, p) for p in parts]
    shape = ([1 if a in found else s for a, s in enumerate(x.shape)] if keepdims
             else list(rows.shape[:-1]))
    if not isinstance(q, tuple):
        return reshape(parts[0], shape)
    stacked = [reshape(p, (1, *shape)) for p in parts]
    return concatenate(stacked, 0)


def _at_share(ordered: Node, share: float, n: int, method: str) -> Node:
    place = share * (n - 1)
    low, high = math.floor(place), math.ceil(place)
    if method == "nearest":
        low = high = int(np.rint(place))
    elif method == "lower":
        high = low
    elif method == "higher":
        low = high
    first = narrow(ordered, -1, low, low + 1)
    if low == high:
        return first
    weight = 0.5 if method == "midpoint" else place - low
    second = narrow(ordered, -1, high, high + 1)
    # From the nearer end, so that equal neighbours give exactly themselves.
    span = second - first
    return first + span * weight if weight < 0.5 else second - span * (1 - weight)


def median(x: Node, axes: Axes = None, keepdims: bool = False, method: str = "midpoint") -> Node:
    """The middle element, or the mean of the middle two (``method="lower"``: the lower)."""
    return quantile(x, 0.5, axes, keepdims, method)


def histogram(x: Node, edges: tuple[float, ...], weights: Node | None = None) -> Node:
    """How many elements lie between neighbouring edges; the last bin includes its upper edge.

    Shapes:  edges (bins + 1,) ascending -> (bins,)
    """
    bins = len(edges) - 1
    if bins < 1 or any(a > b for a, b in itertools.pairwise(edges)):
        raise ArgumentError("histogram: needs at least two edges, in ascending order")
    flat = ew.cast(reshape(x, (x.size,)), float64)
    borders = constant(np.asarray(edges), float64)
    place = searchsorted(borders, flat, "right")
    at_top = ew.equal(flat, ew.scalar_like(edges[-1], flat))
    # Bin 0 collects what lies below, bin bins + 1 what lies above; both are dropped.
    place = ew.where(at_top, ew.scalar_like(bins, place), place)
    return narrow(bincount(place, bins + 2, weights), 0, 1, bins + 1)


def cov(x: Node, correction: float = 1, rows_are_variables: bool = True) -> Node:
    """Covariance matrix of variables, each a row of observations.

    Shapes:  (variables, observations) -> (variables, variables); a vector is one variable
    """
    if x.ndim > 2:
        raise ShapeError(f"cov: takes a matrix or a vector, got shape {tuple(x.shape)}")
    x = floating(x)
    matrix = reshape(x, (1, x.size)) if x.ndim < 2 else x
    if x.ndim == 2 and not rows_are_variables:
        matrix = transpose(matrix, (1, 0))
    centred = matrix - mean(matrix, 1, True)
    product = matmul(centred, conj(transpose(centred, (1, 0))))
    n = max(matrix.shape[1] - correction, 0)
    result = product / ew.scalar_like(n, product)
    return result if x.ndim == 2 else reshape(result, ())


def corrcoef(x: Node, rows_are_variables: bool = True) -> Node:
    """Correlation coefficients, in [-1, 1]; NaN for a variable that does not vary."""
    matrix = cov(x, 1, rows_are_variables)
    if not matrix.ndim:
        return matrix / matrix
    n = matrix.shape[0]
    places = constant(np.arange(n) * (n + 1), "int64")
    deviation = ew.sqrt(ew.real(take(matrix, places)) if matrix.dtype.is_complex
                        else take(matrix, places))
    scaled = matrix / reshape(deviation, (n, 1)) / reshape(deviation, (1, n))
    if matrix.dtype.is_complex:
        return scaled
    one = ew.scalar_like(1, scaled)
    return ew.maximum(ew.minimum(scaled, one), -one)

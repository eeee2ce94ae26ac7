"""keras.ops: sums, means, extremes, running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...functions import creation, reduction, statistics
from ...functions import elementwise as ew
from ...ir.dtypes import as_dtype, int32
from ...tensor import record
from .. import config
from .._operation import as_tensor, op
from .elementwise import floats, isclose


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


def _small_as_int32(x: Any, function: Any, *static: Any) -> Any:
    """Sums of bools and small integers stay int32, as in Keras."""
    kind = x.dtype
    result = function(x, *static)
    if kind.kind in "iub" and result.dtype.name == "int64" and kind.name != "int64":
        unsigned = kind.kind == "u" and kind.itemsize >= 4
        return ew.cast(result, as_dtype("uint32") if unsigned else int32)
    return result


def _reduction(name: str, composite: Any, doc: str, floating: bool = False) -> Any:
    def function(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = floats(x) if floating else as_tensor(x)
        return record(_small_as_int32, (x,), (composite, _axes(axis), keepdims))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return op(1)(function)


sum = _reduction("sum", reduction.sum, "The sum over axes.")
prod = _reduction("prod", reduction.prod, "The product over axes.")
mean = _reduction("mean", reduction.mean, "The mean over axes.", True)
max = amax = _reduction("max", reduction.max, "The largest element over axes.")
min = amin = _reduction("min", reduction.min, "The smallest element over axes.")
all = _reduction("all", reduction.all, "Whether all elements are true.")
any = _reduction("any", reduction.any, "Whether any element is true.")
nansum = _reduction("nansum", reduction.nansum, "The sum, NaN left out.")
nanmean = _reduction("nanmean", reduction.nanmean, "The mean, NaN left out.", True)
logsumexp = _reduction("logsumexp", reduction.logsumexp, "``log(sum(exp(x)))``.", True)


def _spread(x: Any, kind: str, axes: Any, keepdims: bool) -> Any:
    function = reduction.var if kind == "var" else reduction.std
    return function(x, axes, 0, keepdims)


@op(1)
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance over axes."""
    return record(_spread, (floats(x),), ("var", _axes(axis), keepdims))


@op(1)
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation over axes."""
    return record(_spread, (floats(x),), ("std", _axes(axis), keepdims))


@op(1)
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements are not zero, int32."""
    return record(_as_int32, (as_tensor(x),), (reduction.count_nonzero, _axes(axis), False))


def _as_int32(x: Any, function: Any, *static: Any) -> Any:
    return ew.cast(function(x, *static), int32)


@op(1)
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest element is, int32."""
    return record(_as_int32, (as_tensor(x),), (reduction.argmax, axis, keepdims))


@op(1)
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest element is, int32."""
    return record(_as_int32, (as_tensor(x),), (reduction.argmin, axis, keepdims))


@op(1)
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle element, or the mean of the two."""
    return record(statistics.median, (floats(x),), (_axes(axis), keepdims))


@op(1)
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear",
             keepdims: bool = False) -> Any:
    """The elements at these shares (0 to 1) of the sorted ones."""
    q = tuple(np.asarray(q).ravel().tolist()) if np.ndim(q) else float(q)
    return record(statistics.quantile, (floats(x),), (q, _axes(axis), keepdims, method))


@op(1)
def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear",
               keepdims: bool = False) -> Any:
    """`quantile` at shares in percent."""
    share = np.asarray(q, np.float64) / 100.0
    return quantile(x, share if np.ndim(q) else float(share), axis, method, keepdims)


@op(2)
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The weighted mean."""
    x = floats(x)
    if weights is None:
        return mean(x, axis)
    weights = as_tensor(weights)
    if weights.ndim == 1 and x.ndim > 1 and isinstance(axis, int):
        shape = [1] * x.ndim
        shape[axis] = -1
        weights = _reshaped(weights, tuple(shape))
    return sum(x * weights, axis) / sum(weights * record(creation.ones_like, (x,), (None,)), axis)


@op(1)
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest minus the smallest element."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


def _running(name: str, composite: Any) -> Any:
    def function(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
        x = as_tensor(x)
        if dtype is not None:
            x = record(ew.cast, (x,), (as_dtype(config.standardize_dtype(dtype)),))
        if axis is None:
            x, axis = _reshaped(x, (-1,)), 0
        return record(_small_as_int32, (x,), (composite, axis))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Running {name[3:]} along an axis."
    return op(1)(function)


cumsum = _running("cumsum", reduction.cumulative_sum)
cumprod = _running("cumprod", reduction.cumulative_prod)


@op(1)
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbours."""
    return record(reduction.diff, (as_tensor(a),), (n, axis))


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    return as_tensor(x).reshape(*shape)


@op(2)
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8,
             equal_nan: bool = False) -> Any:
    """Whether all elements differ by little."""
    return all(isclose(x1, x2, rtol, atol, equal_nan))

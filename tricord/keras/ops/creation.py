"""keras.ops: new tensors."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ...functions import creation
from ...functions import elementwise as ew
from ...ir.dtypes import DType, as_dtype
from ...tensor import record
from ...tensor.handle import Handle
from ...tensor.recorder import value_of, wrap
from .. import config
from .._operation import as_tensor, op


def _dtype(dtype: Any, default: str | None = None) -> DType:
    return as_dtype(config.standardize_dtype(dtype if dtype is not None else default))


def zeros(shape: Any, dtype: Any = None) -> Any:
    """All zero."""
    return wrap(np.zeros(_shape(shape), _dtype(dtype).numpy))


def ones(shape: Any, dtype: Any = None) -> Any:
    """All one."""
    return wrap(np.ones(_shape(shape), _dtype(dtype).numpy))


empty = zeros


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere."""
    value = value_of(fill_value) if isinstance(fill_value, Handle) else np.asarray(fill_value)
    return wrap(np.full(_shape(shape), value, _dtype(dtype).numpy))


def _shape(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on a diagonal."""
    return wrap(np.eye(N, M, k, _dtype(dtype).numpy))


def identity(n: int, dtype: Any = None) -> Any:
    """Ones on the diagonal."""
    return eye(n, dtype=dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Numbers from start to before stop; int32 if all are whole."""
    given = [float(v) if isinstance(v, Handle) and v.dtype.is_floating_point else
             int(v) if isinstance(v, Handle) else v for v in (start, stop, step) if v is not None]
    if dtype is None:
        whole = builtins.all(isinstance(v, (int, np.integer)) for v in given)
        dtype = "int32" if whole else config.floatx()
    start, stop = (0, given[0]) if stop is None else (given[0], given[1])
    size = 1 if step is None else given[-1]
    return wrap(np.arange(start, stop, size).astype(_dtype(dtype).numpy))


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True,
             retstep: bool = False, dtype: Any = None, axis: int = 0) -> Any:
    """Evenly spaced numbers."""
    a = np.asarray(start) if not isinstance(start, Handle) else value_of(start)
    b = np.asarray(stop) if not isinstance(stop, Handle) else value_of(stop)
    found, step = np.linspace(a, b, num, endpoint, True, axis=axis)
    result = wrap(np.asarray(found).astype(_dtype(dtype).numpy))
    return (result, step) if retstep else result


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: float = 10,
             dtype: Any = None, axis: int = 0) -> Any:
    """Numbers evenly spaced in their logarithms."""
    return wrap(np.logspace(start, stop, num, endpoint, base, axis=axis).astype(
        _dtype(dtype).numpy))


def array(x: Any, dtype: Any = None) -> Any:
    """A tensor of numbers."""
    found = as_tensor(x, dtype)
    return found if dtype is None or found.dtype == config.standardize_dtype(dtype) else (
        record(ew.cast, (found,), (_dtype(dtype),)))


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below a diagonal."""
    return wrap(np.tri(N, M, k, _dtype(dtype).numpy))


def _like(name: str, composite: Any) -> Any:
    def function(x: Any, dtype: Any = None) -> Any:
        return record(composite, (as_tensor(x),), (None if dtype is None else _dtype(dtype),))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``{name.split('_')[0]}`` of the same shape."
    return op(1)(function)


zeros_like = _like("zeros_like", creation.zeros_like)
ones_like = _like("ones_like", creation.ones_like)
empty_like = zeros_like


@op(1)
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere, of the same shape."""
    x = as_tensor(x)
    return full(x.shape, fill_value, dtype or x.dtype.name)


def hanning(x: int) -> Any:
    """A raised cosine."""
    return wrap(np.hanning(int(x)).astype(np.float32))


def hamming(x: int) -> Any:
    """A raised cosine on a foot."""
    return wrap(np.hamming(int(x)).astype(np.float32))


def blackman(x: int) -> Any:
    """A sum of two cosines."""
    return wrap(np.blackman(int(x)).astype(np.float32))


def bartlett(x: int) -> Any:
    """A triangle."""
    return wrap(np.bartlett(int(x)).astype(np.float32))


def kaiser(x: int, beta: float) -> Any:
    """A Bessel function's window."""
    return wrap(np.kaiser(int(x), beta).astype(np.float32))

"""Arrays for the records' samples: drawn from a fixed stream, so that a failure repeats.

They are drawn when somebody looks at them, by ``np.asarray``: importing tricord draws nothing.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import DType, as_dtype, float32

__all__ = ["Draw", "boolean", "distinct", "integers", "later", "positive", "spd", "uniform"]

Array = np.ndarray[Any, Any]


class Draw:
    """An array that is still to be drawn."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], Array]):
        self._make = make

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self._make()
        return array if dtype is None else array.astype(dtype)


def later(function: Callable[..., Array]) -> Callable[..., Draw]:
    """A function that draws an array, with its work put off until the array is looked at."""

    @functools.wraps(function)
    def wrapped(*args: Any, **keywords: Any) -> Draw:
        return Draw(functools.partial(function, *args, **keywords))

    return wrapped


def _generator(*facts: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(facts).encode()))


@later
def uniform(*shape: int, low: float = -2.0, high: float = 2.0, dtype: DType | str = float32,
            seed: int = 0) -> Array:
    """Uniform numbers in ``[low, high)``; for a complex dtype in both components."""
    dtype = as_dtype(dtype)
    draw = _generator("uniform", shape, low, high, seed)
    values = draw.uniform(low, high, shape)
    if dtype.is_complex:
        values = values + 1j * draw.uniform(low, high, shape)
    return np.asarray(values).astype(dtype.numpy)


@later
def positive(*shape: int, low: float = 0.25, high: float = 3.0, dtype: DType | str = float32,
             seed: int = 0) -> Array:
    """Uniform numbers well above zero."""
    return np.asarray(uniform(*shape, low=low, high=high, dtype=dtype, seed=seed))


@later
def distinct(*shape: int, dtype: DType | str = float32, seed: int = 0) -> Array:
    """Numbers at least 0.1 apart, shuffled: no ties, so max, sort and the like are smooth there."""
    size = int(np.prod(shape))
    values = _generator("distinct", shape, seed).permutation(size) * 0.1 - 0.05 * size + 0.03
    return values.reshape(shape).astype(as_dtype(dtype).numpy)


@later
def integers(*shape: int, low: int = -5, high: int = 6, dtype: DType | str = "int32",
             seed: int = 0) -> Array:
    """Whole numbers in ``[low, high)``."""
    dtype = as_dtype(dtype)
    low = max(low, 0) if dtype.kind == "u" else low
    return np.asarray(_generator("integers", shape, low, high, seed).integers(
        low, high, shape)).astype(dtype.numpy)


@later
def boolean(*shape: int, seed: int = 0) -> Array:
    """True or False."""
    return np.asarray(_generator("boolean", shape, seed).integers(0, 2, shape)).astype(bool)


@later
def spd(*batch: int, size: int = 3, dtype: DType | str = float32, seed: int = 0) -> Array:
    """Symmetric positive definite matrices with well separated eigenvalues."""
    draw = _generator("spd", batch, size, seed)
    q, _ = np.linalg.qr(draw.standard_normal((*batch, size, size)))
    values = np.arange(1, size + 1) + draw.uniform(0, 0.3, (*batch, size))
    matrices: Array = (q * values[..., None, :]) @ np.swapaxes(q, -1, -2)
    return matrices.astype(as_dtype(dtype).numpy)

"""Tensors out of nothing: constants, ramps, identities. All arguments are static."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, as_dtype, bool_, float64, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast, concatenate
from ..ir.ops.structural import constant, iota

__all__ = ["arange", "eye", "full", "full_like", "linspace", "logspace", "ones", "ones_like", "tri",
           "zeros", "zeros_like"]

Number = bool | int | float | complex


def _default(value: Number) -> DType:
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (complex, np.complexfloating)):
        return as_dtype("complex64" if ar.DEFAULT_FLOAT is not float64 else "complex128")
    return ar.DEFAULT_FLOAT


def full(shape: Sequence[int], value: Number, dtype: DType | None = None) -> Node:
    """One number everywhere; in the default dtype for that kind of number unless given."""
    if any(s < 0 for s in shape):
        raise ShapeError(f"full: sizes must not be negative, got {tuple(shape)}")
    return broadcast(constant(value, dtype or _default(value)), tuple(shape), ())


def zeros(shape: Sequence[int], dtype: DType | None = None) -> Node:
    return full(shape, 0, dtype or ar.DEFAULT_FLOAT)


def ones(shape: Sequence[int], dtype: DType | None = None) -> Node:
    return full(shape, 1, dtype or ar.DEFAULT_FLOAT)


def full_like(x: Node, value: Number, dtype: DType | None = None) -> Node:
    """One number in the shape of ``x``, and in its dtype unless given."""
    return full(x.shape, value, dtype or x.dtype)


def zeros_like(x: Node, dtype: DType | None = None) -> Node:
    return full_like(x, 0, dtype)


def ones_like(x: Node, dtype: DType | None = None) -> Node:
    return full_like(x, 1, dtype)


def arange(start: float, stop: float | None = None, step: float = 1,
           dtype: DType | None = None) -> Node:
    """``start, start + step, ...`` before ``stop``; with one argument, from 0 up to it.

    Dtypes:  int64 if all arguments are integers, else the default floating dtype
    """
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ArgumentError("arange: the step must not be zero")
    whole = all(isinstance(v, (int, np.integer)) for v in (start, stop, step))
    dtype = dtype or (int64 if whole else ar.DEFAULT_FLOAT)
    count = max(-((start - stop) // step) if whole else math.ceil((stop - start) / step), 0)
    if dtype.kind in "biu":
        counted = iota((int(count),), int64)
        return ew.cast(counted * int(step) + int(start), dtype)
    counted = iota((int(count),), float64)
    return ew.cast(counted * float(step) + float(start), dtype)


def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True,
             dtype: DType | None = None) -> Node:
    """``num`` equally spaced numbers from ``start`` to ``stop``, which is exact if included."""
    if num < 0:
        raise ArgumentError(f"linspace: num must not be negative, got {num}")
    dtype = dtype or (_default(1j) if isinstance(start, complex) or isinstance(stop, complex)
                      else ar.DEFAULT_FLOAT)
    wide = as_dtype("complex128") if dtype.is_complex else float64
    parts = num - 1 if endpoint else num
    ramp = ew.cast(iota((num,), float64), wide)
    values = ramp * ((stop - start) / max(parts, 1)) + start
    if endpoint and num > 1:
        inner = full((num - 1,), True, bool_)
        last = full((1,), False, bool_)
        values = ew.where(concatenate([inner, last], 0), values, ew.scalar_like(stop, values))
    return ew.cast(values, dtype)


def logspace(start: float, stop: float, num: int = 50, base: float = 10.0,
             dtype: DType | None = None) -> Node:
    """``base ** linspace(start, stop, num)``."""
    exponents = linspace(start, stop, num, dtype=float64)
    return ew.cast(ew.power(ew.scalar_like(base, exponents), exponents),
                   dtype or ar.DEFAULT_FLOAT)


def tri(rows: int, columns: int | None = None, offset: int = 0,
        dtype: DType | None = None) -> Node:
    """Ones on and below the diagonal ``offset``, zeros above."""
    shape = (rows, rows if columns is None else columns)
    below = ew.less_equal(iota(shape, int64, 1), ar.add(iota(shape, int64, 0), offset))
    return ew.cast(below, dtype or ar.DEFAULT_FLOAT)


def eye(rows: int, columns: int | None = None, offset: int = 0,
        dtype: DType | None = None) -> Node:
    """Ones on the diagonal ``offset``, zeros elsewhere."""
    shape = (rows, rows if columns is None else columns)
    on = ew.equal(iota(shape, int64, 1), ar.add(iota(shape, int64, 0), offset))
    return ew.cast(on, dtype or ar.DEFAULT_FLOAT)

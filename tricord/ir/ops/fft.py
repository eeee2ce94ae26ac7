"""The discrete Fourier transform along one axis, from complex to complex, without any factor.

Transforms of real numbers, of several axes and with a norm are functions of this one, in
`functions.fft`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import DType
from ..lowering import Host
from ..node import Node
from ..record import ErrorSample, Sample
from ..samples import uniform
from ..shapes import Shape, TensorType
from .families import COMPLEX, accept, linear_unary

__all__ = ["fft"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Fourier:
    """out[k] = sum over n of x[n] exp(-2 pi i k n / size); ``inverse``: with +2 pi i."""

    axis: int
    inverse: bool = False


def _shape(p: Fourier, x: TensorType) -> Shape:
    if not 0 <= p.axis < x.ndim:
        raise ShapeError(f"fft: axis {p.axis} of a tensor of shape {tuple(x.shape)}")
    if x.shape[p.axis] == 0:
        raise ShapeError(f"fft: axis {p.axis} of shape {tuple(x.shape)} is empty")
    return x.shape


def _dtype(p: Fourier, x: TensorType) -> DType:
    accept("fft", COMPLEX, x.dtype)
    return x.dtype


def _reference(p: Fourier, x: Array) -> Array:
    # norm="forward" puts the factor on the forward transform, so the inverse has none.
    return np.fft.ifft(x, axis=p.axis, norm="forward") if p.inverse else np.fft.fft(x, axis=p.axis)


# The matrix of the transform is symmetric, so its conjugate transpose is the other direction.
_fft = linear_unary(
    "fft", lower=Host("pocketfft"), params=Fourier, shape_rule=_shape, dtype_rule=_dtype,
    transpose=lambda node, g: fft(g, node.params.axis, inverse=not node.params.inverse),
    batch=lambda p, args, batched, size: fft(args[0], p.axis + 1, inverse=p.inverse),
    reference=_reference,
    samples=[Sample((uniform(4, dtype="complex64"),), {"axis": 0}),
             Sample((uniform(3, 5, dtype="complex64"),), {"axis": 0, "inverse": True}),
             Sample((uniform(2, 7, dtype="complex128"),), {"axis": 1}),
             Sample((uniform(2, 1, dtype="complex64"),), {"axis": 1})],
    errors=[ErrorSample((uniform(3),), "fft: expected a complex", {"axis": 0}, DTypeError),
            ErrorSample((uniform(3, dtype="complex64"),), "axis 1", {"axis": 1}, ShapeError),
            ErrorSample((uniform(0, dtype="complex64"),), "is empty", {"axis": 0}, ShapeError)])


def fft(x: Node, axis: int, inverse: bool = False) -> Node:
    """The Fourier sum along an axis, or the one with the opposite sign; neither has a factor.

    Dtypes:  complex64, complex128
    """
    return _fft(x, axis=axis, inverse=inverse)

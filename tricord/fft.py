"""Fourier transforms: the ``fft`` extension of the Python array API standard 2024.12.

``norm`` says which way is divided by the length: "backward" the inverse, "forward" the transform
itself, "ortho" both by its square root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import ArgumentError, DTypeError
from .functions import fft as fn
from .ir import arithmetic as ar
from .ir.dtypes import as_dtype
from .ir.memory import check_shape
from .ir.node import Node
from .namespace._arguments import (
    integer,
    integers,
    number,
    refuse_strings,
    sequence,
    tensor_of,
    where_now,
)
from .tensor.array_attributes import as_device
from .tensor.recorder import record, wrap
from .tensor.tensor import Tensor

__all__ = ["fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft",
           "irfft", "irfftn", "rfft", "rfftfreq", "rfftn"]

_NORMS = ("backward", "ortho", "forward")


def _along_axis(name: str, function: Callable[..., Node]) -> Any:
    def apply(x: Tensor, /, *, n: int | None = None, axis: int = -1,
              norm: str = "backward") -> Tensor:
        refuse_strings(name, norm, _NORMS)
        return record(function, (tensor_of(x),),  # type: ignore[no-any-return]
                      (integers(n, name), integers(axis, name), norm))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = function.__doc__
    return apply


def _along_axes(name: str, function: Callable[..., Node]) -> Any:
    def apply(x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
              norm: str = "backward") -> Tensor:
        refuse_strings(name, norm, _NORMS)
        return record(function, (tensor_of(x),),  # type: ignore[no-any-return]
                      (None if s is None else integers(sequence(s, f"{name}: s"), name),
                       None if axes is None else integers(sequence(axes, f"{name}: axes"), name),
                       norm))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = function.__doc__
    return apply


fft = _along_axis("fft", fn.fft)
ifft = _along_axis("ifft", fn.ifft)
rfft = _along_axis("rfft", fn.rfft)
irfft = _along_axis("irfft", fn.irfft)
hfft = _along_axis("hfft", fn.hfft)
ihfft = _along_axis("ihfft", fn.ihfft)
fftn = _along_axes("fftn", fn.fftn)
ifftn = _along_axes("ifftn", fn.ifftn)
rfftn = _along_axes("rfftn", fn.rfftn)
irfftn = _along_axes("irfftn", fn.irfftn)


def _frequencies(name: str, function: Callable[..., Any]) -> Any:
    def apply(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
        as_device(device)
        wanted = ar.DEFAULT_FLOAT if dtype is None else as_dtype(dtype)
        if not wanted.is_floating_point:
            raise DTypeError(f"{name}: expected a floating dtype, got {wanted}", where=where_now())
        n, d = integer(n, f"{name}: n"), number(d, f"{name}: d")
        if n < 1 or d == 0:
            raise ArgumentError(f"{name}: needs at least one sample, and a distance that is not "
                                f"zero, got n={n}, d={d}", where=where_now())
        check_shape(name, (n,), wanted)
        return wrap(np.asarray(function(n, d)).astype(wanted.numpy))  # type: ignore[no-any-return]

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = (f"The frequencies, in cycles per unit of ``d``, that belong to "
                     f"`{name[:-4]}` of ``n`` samples ``d`` apart.")
    return apply


fftfreq = _frequencies("fftfreq", np.fft.fftfreq)
rfftfreq = _frequencies("rfftfreq", np.fft.rfftfreq)


def _shift(name: str, function: Callable[..., Node]) -> Any:
    def apply(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
        at = integers(tuple(axes) if isinstance(axes, range) else axes, name)
        return record(function, (tensor_of(x),), (at,))  # type: ignore[no-any-return]

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = function.__doc__
    return apply


fftshift = _shift("fftshift", fn.fftshift)
ifftshift = _shift("ifftshift", fn.ifftshift)

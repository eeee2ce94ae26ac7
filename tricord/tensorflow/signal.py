"""``tf.signal``: Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..functions import fft as composites
from ..ir.dtypes import complex64, complex128, float64
from ..ir.node import Node
from ._names import public_names, unknown_name
from ._op import op
from .tensors import apply, cast_to, convert, static_ints


def _transform(name: str, function: Callable[..., Node], axes: int, real: bool) -> Any:
    def call(input: Any, fft_length: Any = None) -> Any:
        x = convert(input)
        if not real and not x.dtype.is_complex:
            x = cast_to(x, complex128 if x.dtype is float64 else complex64)
        length = None if fft_length is None else static_ints(fft_length, name)
        if axes == 1:
            size = length[0] if isinstance(length, tuple) else length
            return apply(_along_last, (x,), function, size)
        return apply(_along_several, (x,), function, length, axes)

    call.__name__ = name
    call.__doc__ = function.__doc__
    return op(call, name=name.upper())


def _along_last(x: Node, function: Callable[..., Node], length: Any) -> Node:
    return function(x, length)


def _along_several(x: Node, function: Callable[..., Node], length: Any, axes: int) -> Node:
    return function(x, length, tuple(range(-axes, 0)))


fft = _transform("fft", composites.fft, 1, False)
ifft = _transform("ifft", composites.ifft, 1, False)
rfft = _transform("rfft", composites.rfft, 1, True)
irfft = _transform("irfft", composites.irfft, 1, True)
fft2d = _transform("fft2d", composites.fftn, 2, False)
ifft2d = _transform("ifft2d", composites.ifftn, 2, False)
rfft2d = _transform("rfft2d", composites.rfftn, 2, True)
irfft2d = _transform("irfft2d", composites.irfftn, 2, True)
fft3d = _transform("fft3d", composites.fftn, 3, False)
ifft3d = _transform("ifft3d", composites.ifftn, 3, False)

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))

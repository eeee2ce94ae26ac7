"""Discrete Fourier transforms, under the names and norms of the array API's fft extension.

``norm`` says where the factor of 1/n goes: "backward" on the inverse, "forward" on the forward
transform, "ortho" its root on both. Transforms of real numbers are computed through complex ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir.dtypes import DType, as_dtype, complex64, complex128, float32, float64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import fft as primitive
from ..ir.ops import movement as mv
from ..ir.ops.structural import constant, iota
from ..ir.shapes import normalise_axes, normalise_axis
from .elementwise import floating
from .manipulation import narrow, roll
from .products import _here

__all__ = ["fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft",
           "irfft", "irfftn", "rfft", "rfftfreq", "rfftn"]

Axes = Sequence[int] | int | None
_OTHER_WAY = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _factor(what: str, norm: str, n: int, inverse: bool) -> float:
    if norm not in _OTHER_WAY:
        raise _here(ArgumentError(f'{what}: norm is "backward", "ortho" or "forward", got '
                                  f"{norm!r}"))
    if norm == "ortho":
        return 1 / math.sqrt(n)
    return 1 / n if (norm == "backward") == inverse else 1.0


def _complex(x: Node) -> Node:
    """``x`` as complex numbers: complex128 for float64, complex64 for everything narrower."""
    return x if x.dtype.is_complex else ew.cast(
        floating(x), complex128 if x.dtype is float64 else complex64)


def _real_input(what: str, x: Node) -> Node:
    if x.dtype.is_complex:
        raise _here(DTypeError(f"{what}: takes real numbers, got {x.dtype}",
                               hint=f"use {what[1:]}" if what[0] == "r" else "take real(x)"))
    return x


def _resized(what: str, x: Node, n: int, axis: int) -> Node:
    """``x`` cut off, or with zeros at the end, to size n along an axis."""
    if n < 1:
        raise _here(ShapeError(f"{what}: the length must be positive, got {n}",
                               hint="the axis is empty" if x.shape[axis] == 0 else None))
    size = x.shape[axis]
    if n <= size:
        return narrow(x, axis, 0, n)
    high = [n - size if a == axis else 0 for a in range(x.ndim)]
    return mv.pad(x, constant(0, x.dtype), [0] * x.ndim, high)


def _scaled(x: Node, factor: float) -> Node:
    return x if factor == 1 else x * factor


def _transform(what: str, x: Node, n: int | None, axis: int, norm: str, inverse: bool) -> Node:
    at = normalise_axis(axis, x.ndim, what)
    length = x.shape[at] if n is None else n
    factor = _factor(what, norm, max(length, 1), inverse)
    ready = _resized(what, _complex(x), length, at)
    return _scaled(primitive.fft(ready, at, inverse=inverse), factor)


# ---- one axis

def fft(x: Node, n: int | None = None, axis: int = -1, norm: str = "backward") -> Node:
    """``out[k] = sum over j of x[j] exp(-2 pi i j k / n)`` along an axis.

    ``n``: the length to which the axis is cut or filled with zeros.

    Dtypes:  float64 and complex128 -> complex128, all others -> complex64
    Source:  array API, fft.fft
    """
    return _transform("fft", x, n, axis, norm, inverse=False)


def ifft(x: Node, n: int | None = None, axis: int = -1, norm: str = "backward") -> Node:
    """The inverse of `fft`."""
    return _transform("ifft", x, n, axis, norm, inverse=True)


def rfft(x: Node, n: int | None = None, axis: int = -1, norm: str = "backward") -> Node:
    """The first half of the `fft` of real numbers; the other half is its mirror image.

    Shapes:  n along the axis -> n // 2 + 1
    """
    at = normalise_axis(axis, x.ndim, "rfft")
    whole = _transform("rfft", _real_input("rfft", x), n, at, norm, inverse=False)
    return narrow(whole, at, 0, whole.shape[at] // 2 + 1)


def irfft(x: Node, n: int | None = None, axis: int = -1, norm: str = "backward") -> Node:
    """The inverse of `rfft`: real numbers from half a spectrum.

    Shapes:  m along the axis -> n, by default 2 * (m - 1)
    Dtypes:  complex64 -> float32, complex128 -> float64
    """
    at = normalise_axis(axis, x.ndim, "irfft")
    n = 2 * (x.shape[at] - 1) if n is None else n
    half = _resized("irfft", _complex(x), n // 2 + 1 if n > 0 else n, at)
    mirrored = ew.conj(mv.flip(narrow(half, at, 1, n - n // 2), axes=(at,)))
    whole = primitive.fft(mv.concatenate([half, mirrored], at), at, inverse=True)
    return _scaled(ew.real(whole), _factor("irfft", norm, n, inverse=True))


def hfft(x: Node, n: int | None = None, axis: int = -1, norm: str = "backward") -> Node:
    """The real spectrum of a signal whose second half mirrors its first, which is given."""
    _factor("hfft", norm, 1, inverse=False)
    return irfft(ew.conj(_complex(x)), n, axis, _OTHER_WAY[norm])


def ihfft(x: Node, n: int | None = None, axis: int = -1, norm: str = "backward") -> Node:
    """The inverse of `hfft`."""
    _factor("ihfft", norm, 1, inverse=True)
    return ew.conj(rfft(_real_input("ihfft", x), n, axis, _OTHER_WAY[norm]))


# ---- several axes

def _plan(what: str, x: Node, s: Sequence[int] | None, axes: Axes
          ) -> tuple[list[int | None], list[int]]:
    """Lengths and axes, as many as each other."""
    if axes is None:
        found = list(range(x.ndim))[x.ndim - (x.ndim if s is None else len(s)):]
    else:
        listed = [axes] if isinstance(axes, int) else axes
        found = [normalise_axis(a, x.ndim, what) for a in listed]
    lengths: list[int | None] = [None] * len(found) if s is None else list(s)
    if len(lengths) != len(found) or (s is not None and len(lengths) > x.ndim):
        raise _here(ArgumentError(f"{what}: {len(lengths)} lengths for {len(found)} axes"))
    if not found:
        raise _here(ArgumentError(f"{what}: needs at least one axis"))
    return lengths, found


def fftn(x: Node, s: Sequence[int] | None = None, axes: Axes = None,
         norm: str = "backward") -> Node:
    """`fft` along several axes, by default all; ``s``: their lengths."""
    for n, axis in zip(*_plan("fftn", x, s, axes), strict=True):
        x = _transform("fftn", x, n, axis, norm, inverse=False)
    return x


def ifftn(x: Node, s: Sequence[int] | None = None, axes: Axes = None,
          norm: str = "backward") -> Node:
    """The inverse of `fftn`."""
    for n, axis in zip(*_plan("ifftn", x, s, axes), strict=True):
        x = _transform("ifftn", x, n, axis, norm, inverse=True)
    return x


def rfftn(x: Node, s: Sequence[int] | None = None, axes: Axes = None,
          norm: str = "backward") -> Node:
    """`rfft` along the last of the axes, then `fft` along the others."""
    lengths, found = _plan("rfftn", _real_input("rfftn", x), s, axes)
    x = rfft(x, lengths[-1], found[-1], norm)
    for n, axis in zip(lengths[:-1], found[:-1], strict=True):
        x = _transform("rfftn", x, n, axis, norm, inverse=False)
    return x


def irfftn(x: Node, s: Sequence[int] | None = None, axes: Axes = None,
           norm: str = "backward") -> Node:
    """The inverse of `rfftn`."""
    lengths, found = _plan("irfftn", x, s, axes)
    for n, axis in zip(lengths[:-1], found[:-1], strict=True):
        x = _transform("irfftn", x, n, axis, norm, inverse=True)
    return irfft(x, lengths[-1], found[-1], norm)


# ---- frequencies and their order

def _frequencies(what: str, n: int, d: float, count: int, dtype: DType | str) -> Node:
    if n < 1:
        raise _here(ArgumentError(f"{what}: the length must be positive, got {n}"))
    index = iota((count,), axis=0)
    if count == n:  # the second half are the negative ones
        late = ew.greater_equal(index, ew.scalar_like((n + 1) // 2, index))
        index = ew.where(late, index - n, index)
    return ew.cast(index, as_dtype(dtype)) / (n * d)


def fftfreq(n: int, d: float = 1.0, dtype: DType | str = float32) -> Node:
    """The frequencies of `fft`'s output, for samples ``d`` apart: cycles per unit of ``d``."""
    return _frequencies("fftfreq", n, d, n, dtype)


def rfftfreq(n: int, d: float = 1.0, dtype: DType | str = float32) -> Node:
    """The frequencies of `rfft`'s output."""
    return _frequencies("rfftfreq", n, d, n // 2 + 1, dtype)


def _shifted(x: Node, axes: Axes, what: str, sign: int) -> Node:
    found = normalise_axes(axes, x.ndim, what)
    halves = tuple(x.shape[a] // 2 if sign > 0 else -(x.shape[a] // 2) for a in found)
    return roll(x, halves, found) if found else x


def fftshift(x: Node, axes: Axes = None) -> Node:
    """The zero frequency moved to the middle of the axes, by default all."""
    return _shifted(x, axes, "fftshift", 1)


def ifftshift(x: Node, axes: Axes = None) -> Node:
    """The inverse of `fftshift`; they differ for odd lengths."""
    return _shifted(x, axes, "ifftshift", -1)

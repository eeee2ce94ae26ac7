"""``torch.fft``: `tricord.functions.fft` with PyTorch's argument names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..functions import fft as fn
from ..ir import arithmetic as ar
from ..ir.dtypes import as_dtype
from ..tensor import record
from ._names import unknown_name

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn",
           "ifftshift", "ihfft", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn"]


def _along(composite: Callable[..., Any]) -> Callable[..., Any]:
    def transform(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *,
                  out: Any = None) -> Any:
        return record(composite, (input,), (n, dim, norm or "backward"))

    transform.__name__, transform.__doc__ = composite.__name__, composite.__doc__
    return transform


def _tuple(value: Any) -> Any:
    return value if value is None else (value,) if isinstance(value, int) else tuple(value)


def _over(composite: Callable[..., Any], name: str, default: Any) -> Callable[..., Any]:
    def transform(input: Any, s: Any = None, dim: Any = default, norm: str | None = None, *,
                  out: Any = None) -> Any:
        return record(composite, (input,), (_tuple(s), _tuple(dim), norm or "backward"))

    transform.__name__, transform.__doc__ = name, composite.__doc__
    return transform


fft, ifft, rfft, irfft = map(_along, (fn.fft, fn.ifft, fn.rfft, fn.irfft))
hfft, ihfft = map(_along, (fn.hfft, fn.ihfft))
fftn, ifftn = _over(fn.fftn, "fftn", None), _over(fn.ifftn, "ifftn", None)
rfftn, irfftn = _over(fn.rfftn, "rfftn", None), _over(fn.irfftn, "irfftn", None)
fft2, ifft2 = _over(fn.fftn, "fft2", (-2, -1)), _over(fn.ifftn, "ifft2", (-2, -1))
rfft2, irfft2 = _over(fn.rfftn, "rfft2", (-2, -1)), _over(fn.irfftn, "irfft2", (-2, -1))


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None,
            requires_grad: bool = False) -> Any:
    """The frequencies of `fft`'s results."""
    return record(fn.fftfreq, (), (n, d, as_dtype(dtype or ar.DEFAULT_FLOAT)))


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Any:
    """The frequencies of `rfft`'s results."""
    return record(fn.rfftfreq, (), (n, d, as_dtype(dtype or ar.DEFAULT_FLOAT)))


def fftshift(input: Any, dim: Any = None) -> Any:
    """Frequency zero moved to the middle."""
    return record(fn.fftshift, (input,), (_tuple(dim),))


def ifftshift(input: Any, dim: Any = None) -> Any:
    """`fftshift` undone."""
    return record(fn.ifftshift, (input,), (_tuple(dim),))


__getattr__ = unknown_name("torch.fft", lambda: globals())

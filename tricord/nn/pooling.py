"""Pooling layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import functional as fn
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d",
    "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d",
    "MaxUnpool3d",
]

Ints = int | Sequence[int]


class _MaxPool(Module):
    """The maximum of each window: (N, C, *) -> (N, C, *)."""

    _function: Callable[..., Any]

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
                 dilation: Ints = 1, return_indices: bool = False, ceil_mode: bool = False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Any) -> Any:
        """See the class."""
        return self._function(input, self.kernel_size, self.stride, self.padding, self.dilation,
                              self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPool):
    """The maximum of each window over one spatial axis."""

    _function = staticmethod(fn.max_pool1d)


class MaxPool2d(_MaxPool):
    """The maximum of each window over two spatial axes."""

    _function = staticmethod(fn.max_pool2d)


class MaxPool3d(_MaxPool):
    """The maximum of each window over three spatial axes."""

    _function = staticmethod(fn.max_pool3d)


class _AvgPool(Module):
    """The mean of each window: (N, C, *) -> (N, C, *)."""

    _function: Callable[..., Any]

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True,
                 divisor_override: int | None = None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Any) -> Any:
        """See the class."""
        return self._function(input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                              self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window over one spatial axis."""

    _function = staticmethod(fn.avg_pool1d)

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True):
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.kernel_size, self.stride, self.padding = (
            (v,) if isinstance(v, int) else tuple(v)
            for v in (self.kernel_size, self.stride, padding))


class AvgPool2d(_AvgPool):
    """The mean of each window over two spatial axes."""

    _function = staticmethod(fn.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of each window over three spatial axes."""

    _function = staticmethod(fn.avg_pool3d)


class _LPPool(Module):
    """``sum(x**p) ** (1/p)`` of each window."""

    _function: Callable[..., Any]

    def __init__(self, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
                 ceil_mode: bool = False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Any) -> Any:
        """See the class."""
        return self._function(input, float(self.norm_type), self.kernel_size, self.stride,
                              self.ceil_mode)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return (f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
                f"stride={self.stride}, ceil_mode={self.ceil_mode}")


class LPPool1d(_LPPool):
    """The p-norm of each window over one spatial axis."""

    _function = staticmethod(fn.lp_pool1d)


class LPPool2d(_LPPool):
    """The p-norm of each window over two spatial axes."""

    _function = staticmethod(fn.lp_pool2d)


class LPPool3d(_LPPool):
    """The p-norm of each window over three spatial axes."""

    _function = staticmethod(fn.lp_pool3d)


class _Adaptive(Module):
    """Pooling to a size."""

    _function: Callable[..., Any]

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """See the class."""
        return self._function(input, self.output_size)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"


class _AdaptiveMax(_Adaptive):
    def __init__(self, output_size: Any, return_indices: bool = False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Any) -> Any:
        """See the class."""
        return self._function(input, self.output_size, self.return_indices)


class AdaptiveAvgPool1d(_Adaptive):
    """Means over one spatial axis divided into ``output_size`` bins."""

    _function = staticmethod(fn.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_Adaptive):
    """Means over two spatial axes divided into ``output_size`` bins."""

    _function = staticmethod(fn.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_Adaptive):
    """Means over three spatial axes divided into ``output_size`` bins."""

    _function = staticmethod(fn.adaptive_avg_pool3d)


class AdaptiveMaxPool1d(_AdaptiveMax):
    """Maxima over one spatial axis divided into ``output_size`` bins."""

    _function = staticmethod(fn.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """Maxima over two spatial axes divided into ``output_size`` bins."""

    _function = staticmethod(fn.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMax):
    """Maxima over three spatial axes divided into ``output_size`` bins."""

    _function = staticmethod(fn.adaptive_max_pool3d)


class _MaxUnpool(Module):
    """Maxima put back at the places that a pooling layer gave, zero elsewhere."""

    _function: Callable[..., Any]
    _spatial: int

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0):
        super().__init__()
        self.kernel_size, self.stride, self.padding = (
            (v,) * self._spatial if isinstance(v, int) else tuple(v)
            for v in (kernel_size, kernel_size if stride is None else stride, padding))

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """See the class."""
        return self._function(input, indices, self.kernel_size, self.stride, self.padding,
                              output_size)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Unpooling over one spatial axis."""

    _spatial = 1
    _function = staticmethod(fn.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Unpooling over two spatial axes."""

    _spatial = 2
    _function = staticmethod(fn.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Unpooling over three spatial axes."""

    _spatial = 3
    _function = staticmethod(fn.max_unpool3d)

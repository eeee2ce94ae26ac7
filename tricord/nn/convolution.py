"""Convolution layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import ArgumentError, nearest
from ..functions.convolution import conv, conv_transpose
from ..ir.ops.convolution import dilated
from ..tensor import record
from . import functional as fn
from . import init
from .linear import parameter, uniform_within
from .module import Module

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
           "ConvTranspose3d"]

Ints = int | Sequence[int]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Convolution(Module):
    """Sizes, parameters and their initial values; what all convolutions share."""

    #: how many spatial axes
    spatial: int
    transposed = False

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints,
                 padding: str | Ints, output_padding: Ints, dilation: Ints, groups: int,
                 bias: bool, padding_mode: str, device: Any, dtype: Any):
        super().__init__()
        if groups <= 0:
            raise ArgumentError("groups must be a positive integer")
        for what, channels in (("in", in_channels), ("out", out_channels)):
            if channels % groups:
                raise ArgumentError(f"{what}_channels must be divisible by groups, got "
                                    f"{channels} and {groups}")
        if padding_mode not in PADDING_MODES:
            raise ArgumentError(f"padding_mode must be one of {PADDING_MODES}, but got "
                                f"padding_mode='{padding_mode}'",
                                hint=nearest(padding_mode, PADDING_MODES))
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ArgumentError(f"Invalid padding string '{padding}', should be one of "
                                "'valid', 'same'", hint=nearest(padding, ("valid", "same")))
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = self._each(kernel_size)
        self.stride = self._each(stride)
        self.padding = padding if isinstance(padding, str) else self._each(padding)
        self.dilation = self._each(dilation)
        self.output_padding = self._each(output_padding)
        self.groups = groups
        self.padding_mode = padding_mode
        first, second = ((in_channels, out_channels // groups) if self.transposed
                         else (out_channels, in_channels // groups))
        self.weight = parameter((first, second, *self.kernel_size), device, dtype)
        self.bias = parameter((out_channels,), device, dtype) if bias else None
        self.reset_parameters()

    def _each(self, value: Ints) -> tuple[int, ...]:
        return (value,) * self.spatial if isinstance(value, int) else tuple(value)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan = self.weight.shape[1] * math.prod(self.kernel_size)
            uniform_within(self.bias, fan)

    def extra_repr(self) -> str:
        """Sizes and options."""
        ones, zeros = (1,) * self.spatial, (0,) * self.spatial
        text = (f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
                f"stride={self.stride}")
        if self.padding != zeros:
            text += f", padding={self.padding}"
        if self.dilation != ones:
            text += f", dilation={self.dilation}"
        if self.output_padding != zeros:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_Convolution):
    """Shapes:  (N, in_channels, *) -> (N, out_channels, *), or both without N
    Parameters:  weight (out_channels, in_channels/groups, *kernel_size), bias (out_channels,)
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1,
                 padding: str | Ints = 0, dilation: Ints = 1, groups: int = 1, bias: bool = True,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, 0, dilation,
                         groups, bias, padding_mode, device, dtype)

    def _widths(self) -> tuple[int, ...]:
        """Padding for `functional.pad`: the last axis first."""
        widths: list[int] = []
        for axis in reversed(range(self.spatial)):
            if isinstance(self.padding, str):
                total = (dilated(self.kernel_size[axis], self.dilation[axis]) - 1
                         if self.padding == "same" else 0)
                widths += [total // 2, total - total // 2]
            else:
                widths += [self.padding[axis]] * 2
        return tuple(widths)

    def forward(self, input: Any) -> Any:
        """See the class."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = fn.pad(input, self._widths(), self.padding_mode), 0
        options = (self.stride, padding, self.dilation, self.groups)
        bias = self.bias
        if bias is None:
            return record(conv, (input, self.weight), (None, *options))
        return record(conv, (input, self.weight, bias), options)


class Conv1d(_Conv):
    """Convolution over one spatial axis: (N, C, L)."""

    spatial = 1


class Conv2d(_Conv):
    """Convolution over two spatial axes: (N, C, H, W).

    ``padding="same"`` keeps the size (divided by the stride, rounded up).

    >>> Conv2d(3, 8, 3, padding=1)
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    """

    spatial = 2


class Conv3d(_Conv):
    """Convolution over three spatial axes: (N, C, D, H, W)."""

    spatial = 3


class _ConvTranspose(_Convolution):
    """Shapes:  (N, in_channels, *) -> (N, out_channels, *), or both without N
    Parameters:  weight (in_channels, out_channels/groups, *kernel_size), bias (out_channels,)
    """

    transposed = True

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1,
                 padding: Ints = 0, output_padding: Ints = 0, groups: int = 1, bias: bool = True,
                 dilation: Ints = 1, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None):
        if padding_mode != "zeros":
            raise ArgumentError(f"Only 'zeros' padding mode is supported for "
                                f"{type(self).__name__}")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, output_padding,
                         dilation, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Any, output_size: Sequence[int] | None = None) -> Any:
        """``output_size`` chooses among the sizes that a stride leaves open."""
        more = self.output_padding if output_size is None else self._more(input, output_size)
        static = (self.stride, self.padding, more, self.groups, self.dilation)
        bias = self.bias
        if bias is None:
            return record(conv_transpose, (input, self.weight), (None, *static))
        return record(conv_transpose, (input, self.weight, bias), static)

    def _more(self, input: Any, output_size: Sequence[int]) -> tuple[int, ...]:
        wanted = tuple(output_size)[-self.spatial:]
        more = []
        for n, size, s, p, k, d in zip(input.shape[-self.spatial:], wanted, self.stride,
                                       self.padding, self.kernel_size, self.dilation):
            least = (n - 1) * s - 2 * int(p) + dilated(k, d)
            if not least <= size < least + s:
                raise ArgumentError(f"{type(self).__name__}: requested an output size of {wanted}, "
                                    f"but valid sizes range from {least} to {least + s - 1}")
            more.append(size - least)
        return tuple(more)


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution over one spatial axis."""

    spatial = 1


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution over two spatial axes."""

    spatial = 2


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution over three spatial axes."""

    spatial = 3

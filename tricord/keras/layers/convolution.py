"""Convolutions, transposed, depthwise and separable, in one to three space dimensions."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, ShapeError
from ...functions import convolution as composites
from ...functions.mixed import mixed
from ...nn.functional._record import record_some
from .. import config
from ..input_spec import InputSpec
from .base import Layer
from .core import positive
from .standard import keep, one_of, several, weight

__all__ = ["Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose",
           "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]

_conv = mixed(composites.conv)
_depthwise = mixed(composites.depthwise_conv)
_separable = mixed(composites.separable_conv)


class _Convolution(Layer):
    """What all of them share: the grid, the layout, the activation and the bias."""

    rank = 0
    _paddings: tuple[str, ...] = ("valid", "same")

    def _keep_grid(self, kernel_size: Any, strides: Any, padding: Any, data_format: Any,
                   dilation_rate: Any) -> None:
        rank = self.rank
        self.kernel_size = several("kernel_size", kernel_size, rank)
        self.strides = several("strides", strides, rank)
        self.dilation_rate = several("dilation_rate", dilation_rate, rank)
        self.padding = one_of("padding", padding, self._paddings)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)
        self.bias: Any = None
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError("`strides > 1` not supported in conjunction with `dilation_rate > "
                                f"1`. Received: strides={self.strides} and "
                                f"dilation_rate={self.dilation_rate}")

    @property
    def layout(self) -> str:
        """The layout as composites call it."""
        return "N*C" if self.data_format == "channels_last" else "NC*"

    def _channels(self, input_shape: Any) -> int:
        """The number of channels, which no input may change from now on."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ShapeError(f'layer "{self.name}": the number of channels (axis {axis}) must be '
                             f"known, the input has shape {tuple(input_shape)}")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return int(channels)


class _Conv(_Convolution):
    """``activation(conv(x, kernel) + bias)``.

    Shapes:  x (N, *, C) or (N, C, *), kernel (*kernel_size, C / groups, filters), bias (filters,)
             -> (N, *, filters) or (N, filters, *)
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1,
                 activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        keep(self, filters=positive("filters", filters), groups=positive("groups", groups),
             activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
             bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
             bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
             bias_constraint=bias_constraint)
        if filters % groups:
            raise ArgumentError("The number of filters must be evenly divisible by the number of "
                                f"groups. Received: groups={groups}, filters={filters}.")
        self._keep_grid(kernel_size, strides, padding, data_format, dilation_rate)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ShapeError("The number of input channels must be evenly divisible by the number "
                             f"of groups. Received groups={self.groups}, but the input has "
                             f"{channels} channels (full input shape is {tuple(input_shape)}).")
        self.kernel = weight(self, "kernel",
                             (*self.kernel_size, channels // self.groups, self.filters))
        if self.use_bias:
            self.bias = weight(self, "bias", (self.filters,))
        self._static = (self.strides, self.padding, self.dilation_rate, self.groups, self.layout,
                        "*IO")

    def call(self, inputs: Any) -> Any:
        return self.activation(record_some(_conv, (inputs, self.kernel, self.bias), self._static))


class Conv1D(_Conv):
    """Convolution over one axis of space or time; ``padding="causal"`` looks back only."""

    rank = 1
    _paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """Convolution over images.

    >>> import numpy as np
    >>> Conv2D(8, 3, padding="same")(np.ones((2, 28, 28, 1), "float32")).shape
    (2, 28, 28, 8)
    """

    rank = 2


class Conv3D(_Conv):
    """Convolution over volumes."""

    rank = 3


# ---- transposed

def _transposed(x: Any, kernel: Any, bias: Any, stride: Any, padding: str, output_padding: Any,
                dilation: Any, layout: str) -> Any:
    widths = composites.keras_transpose_padding(padding, kernel.shape[:-2], stride, dilation,
                                                output_padding)
    return composites.conv_transpose(x, kernel, bias, stride, widths, 0, 1, dilation, layout,
                                     "*OI")


_conv_transpose = mixed(_transposed)


class _ConvTranspose(_Convolution):
    """The transpose of a convolution: it makes images larger by ``strides``.

    Shapes:  kernel (*kernel_size, filters, C), else as Conv
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 output_padding: Any = None, data_format: str | None = None,
                 dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        keep(self, filters=positive("filters", filters), activation=activation, use_bias=use_bias,
             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        self._keep_grid(kernel_size, strides, padding, data_format, dilation_rate)
        self.output_padding = None if output_padding is None else several(
            "output_padding", output_padding, self.rank, least=0)
        if self.output_padding and any(
                p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
            raise ArgumentError(f"output_padding={self.output_padding} must be smaller than "
                                f"strides={self.strides}")

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, self.filters, channels))
        if self.use_bias:
            self.bias = weight(self, "bias", (self.filters,))
        self._static = (self.strides, self.padding, self.output_padding, self.dilation_rate,
                        self.layout)

    def call(self, inputs: Any) -> Any:
        return self.activation(record_some(_conv_transpose, (inputs, self.kernel, self.bias),
                                           self._static))


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over one axis."""

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over images."""

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over volumes."""

    rank = 3


# ---- depthwise and separable

class _DepthwiseConv(_Convolution):
    """Each channel on its own, with ``depth_multiplier`` results per channel.

    Shapes:  x (N, *, C), kernel (*kernel_size, C, depth_multiplier) -> (N, *, C * multiplier)
    """

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 depth_multiplier: int = 1, data_format: str | None = None,
                 dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        keep(self, depth_multiplier=positive("depth_multiplier", depth_multiplier),
             activation=activation, use_bias=use_bias, bias_initializer=bias_initializer,
             depthwise_initializer=depthwise_initializer, bias_regularizer=bias_regularizer,
             depthwise_regularizer=depthwise_regularizer, bias_constraint=bias_constraint,
             depthwise_constraint=depthwise_constraint)
        self._keep_grid(kernel_size, strides, padding, data_format, dilation_rate)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels, self.depth_multiplier),
                             "depthwise")
        if self.use_bias:
            self.bias = weight(self, "bias", (channels * self.depth_multiplier,))
        self._static = (self.strides, self.padding, self.dilation_rate, self.layout)

    def call(self, inputs: Any) -> Any:
        return self.activation(record_some(_depthwise, (inputs, self.kernel, self.bias),
                                           self._static))


class DepthwiseConv1D(_DepthwiseConv):
    """Depthwise convolution over one axis."""

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Depthwise convolution over images."""

    rank = 2


class _SeparableConv(_Convolution):
    """A depthwise convolution, then one with a single tap that mixes the channels.

    Shapes:  depthwise_kernel (*kernel_size, C, depth_multiplier), pointwise_kernel
             (1..., C * depth_multiplier, filters), bias (filters,)
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1,
                 depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, pointwise_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, pointwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        keep(self, filters=positive("filters", filters), activation=activation, use_bias=use_bias,
             depth_multiplier=positive("depth_multiplier", depth_multiplier),
             depthwise_initializer=depthwise_initializer,
             pointwise_initializer=pointwise_initializer, bias_initializer=bias_initializer,
             depthwise_regularizer=depthwise_regularizer, bias_regularizer=bias_regularizer,
             pointwise_regularizer=pointwise_regularizer, bias_constraint=bias_constraint,
             depthwise_constraint=depthwise_constraint,
             pointwise_constraint=pointwise_constraint)
        self._keep_grid(kernel_size, strides, padding, data_format, dilation_rate)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        between = channels * self.depth_multiplier
        self.depthwise_kernel = weight(
            self, "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier),
            "depthwise")
        self.pointwise_kernel = weight(
            self, "pointwise_kernel", (*(1,) * self.rank, between, self.filters), "pointwise")
        if self.use_bias:
            self.bias = weight(self, "bias", (self.filters,))
        self._static = (self.strides, self.padding, self.dilation_rate, self.layout)

    def call(self, inputs: Any) -> Any:
        return self.activation(record_some(
            _separable, (inputs, self.depthwise_kernel, self.pointwise_kernel, self.bias),
            self._static))


class SeparableConv1D(_SeparableConv):
    """Separable convolution over one axis."""

    rank = 1


class SeparableConv2D(_SeparableConv):
    """Separable convolution over images."""

    rank = 2

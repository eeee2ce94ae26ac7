"""Layers that pad, resize and rearrange images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ShapeError
from . import functional as fn
from .module import Module

__all__ = [
    "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d",
    "ConstantPad2d", "ConstantPad3d", "Fold", "PixelShuffle", "PixelUnshuffle", "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "Unfold", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]

Ints = int | Sequence[int]


class _Pad(Module):
    """``padding`` is one width, or (left, right, top, bottom, ...), the last axis first."""

    _spatial: int
    _mode: str

    def __init__(self, padding: Ints):
        super().__init__()
        self.padding = ((padding,) * (2 * self._spatial) if isinstance(padding, int)
                        else tuple(padding))
        if len(self.padding) != 2 * self._spatial:
            raise ShapeError(f"{type(self).__name__}: expected one width or {2 * self._spatial}, "
                             f"got {self.padding}")

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The widths."""
        return str(self.padding)


class _ConstantPad(_Pad):
    _mode = "constant"

    def __init__(self, padding: Ints, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Widths and value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A value around one axis."""

    _spatial = 1


class ConstantPad2d(_ConstantPad):
    """A value around two axes."""

    _spatial = 2


class ConstantPad3d(_ConstantPad):
    """A value around three axes."""

    _spatial = 3


class ZeroPad1d(_Pad):
    """Zeros around one axis."""

    _spatial, _mode = 1, "constant"


class ZeroPad2d(_Pad):
    """Zeros around two axes."""

    _spatial, _mode = 2, "constant"


class ZeroPad3d(_Pad):
    """Zeros around three axes."""

    _spatial, _mode = 3, "constant"


class ReflectionPad1d(_Pad):
    """The input mirrored at its border, one axis."""

    _spatial, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The input mirrored at its border, two axes."""

    _spatial, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """The input mirrored at its border, three axes."""

    _spatial, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The border repeated, one axis."""

    _spatial, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The border repeated, two axes."""

    _spatial, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The border repeated, three axes."""

    _spatial, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """The other end, one axis."""

    _spatial, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """The other end, two axes."""

    _spatial, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """The other end, three axes."""

    _spatial, _mode = 3, "circular"


class Upsample(Module):
    """Spatial axes resized to ``size``, or by ``scale_factor``."""

    def __init__(self, size: Ints | None = None,
                 scale_factor: float | Sequence[float] | None = None, mode: str = "nearest",
                 align_corners: bool | None = None, recompute_scale_factor: bool | None = None):
        super().__init__()
        self.size = size
        self.scale_factor = (tuple(map(float, scale_factor))
                             if isinstance(scale_factor, (tuple, list))
                             else float(scale_factor) if scale_factor else None)
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners,
                              self.recompute_scale_factor)

    def extra_repr(self) -> str:
        """Size or factor, and mode."""
        first = (f"scale_factor={self.scale_factor}" if self.scale_factor is not None
                 else f"size={self.size}")
        return f"{first}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` of images by the nearest pixel."""

    def __init__(self, size: Ints | None = None, scale_factor: Any = None):
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` of images, bilinear with aligned corners."""

    def __init__(self, size: Ints | None = None, scale_factor: Any = None):
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Module):
    """Channels become pixels: (*, C*r*r, H, W) -> (*, C, H*r, W*r)."""

    def __init__(self, upscale_factor: int):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Pixels become channels: (*, C, H*r, W*r) -> (*, C*r*r, H, W)."""

    def __init__(self, downscale_factor: int):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels of all groups interleaved."""

    def __init__(self, groups: int):
        super().__init__()
        self.groups = groups

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """How many groups."""
        return f"groups={self.groups}"


class Unfold(Module):
    """All patches of an image as columns: (N, C, H, W) -> (N, C * taps, patches)."""

    def __init__(self, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0,
                 stride: Ints = 1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return (f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
                f"padding={self.padding}, stride={self.stride}")


class Fold(Unfold):
    """Columns added up at their places: (N, C * taps, patches) -> (N, C, *output_size)."""

    def __init__(self, output_size: Ints, kernel_size: Ints, dilation: Ints = 1,
                 padding: Ints = 0, stride: Ints = 1):
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding,
                       self.stride)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return f"output_size={self.output_size}, {super().extra_repr()}"

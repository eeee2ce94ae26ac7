"""Convolutions, patches, padding and resizing on tensors, with PyTorch's names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ArgumentError, NotSupportedError, ShapeError
from ...functions import convolution as composites
from ...functions import manipulation, resize, sampling_grid
from ...ir.node import Node
from ...tensor import Tensor, record
from ._record import tensors_only

__all__ = ["affine_grid", "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
           "conv_transpose2d", "conv_transpose3d", "fold", "grid_sample", "interpolate", "pad",
           "pixel_shuffle", "pixel_unshuffle", "unfold", "upsample"]

Ints = int | Sequence[int]


def _static(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _convolution(spatial: int) -> Callable[..., Any]:
    name = f"conv{spatial}d"

    def apply(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
              padding: str | Ints = 0, dilation: Ints = 1, groups: int = 1) -> Any:
        if weight.ndim != spatial + 2:
            raise ShapeError(f"{name}: expected a weight with {spatial + 2} axes, got shape "
                             f"{tuple(weight.shape)}")
        static = (_static(stride), _static(padding), _static(dilation), groups)
        if bias is None:
            return record(composites.conv, (input, weight), (None, *static))
        return record(composites.conv, (input, weight, bias), static)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"""Convolution over {spatial} spatial axes.

    Shapes:  input (N, C, *) or (C, *), weight (O, C/groups, *taps), bias (O,) -> (N, O, *)
    """
    return apply


conv1d, conv2d, conv3d = map(_convolution, (1, 2, 3))


def _transposed(spatial: int) -> Callable[..., Any]:
    name = f"conv_transpose{spatial}d"

    def apply(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
              padding: Ints = 0, output_padding: Ints = 0, groups: int = 1,
              dilation: Ints = 1) -> Any:
        if weight.ndim != spatial + 2:
            raise ShapeError(f"{name}: expected a weight with {spatial + 2} axes, got shape "
                             f"{tuple(weight.shape)}")
        static = (_static(stride), _static(padding), _static(output_padding), groups,
                  _static(dilation))
        if bias is None:
            return record(composites.conv_transpose, (input, weight), (None, *static))
        return record(composites.conv_transpose, (input, weight, bias), static)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"""Transposed convolution over {spatial} spatial axes.

    Shapes:  input (N, C, *) or (C, *), weight (C, O/groups, *taps), bias (O,) -> (N, O, *)
    """
    return apply


conv_transpose1d, conv_transpose2d, conv_transpose3d = map(_transposed, (1, 2, 3))


def unfold(input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0,
           stride: Ints = 1) -> Any:
    """All patches of an image as columns: (N, C, H, W) -> (N, C * taps, patches)."""
    return record(composites.unfold, (input,), tuple(map(_static, (
        kernel_size, dilation, padding, stride))))


def fold(input: Tensor, output_size: Ints, kernel_size: Ints, dilation: Ints = 1,
         padding: Ints = 0, stride: Ints = 1) -> Any:
    """Columns added up at their places: (N, C * taps, patches) -> (N, C, *output_size)."""
    return record(composites.fold, (input,), tuple(map(_static, (
        output_size, kernel_size, dilation, padding, stride))))


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Any:
    """Channels become pixels: (*, C*r*r, H, W) -> (*, C, H*r, W*r)."""
    return record(composites.pixel_shuffle, (input,), (upscale_factor,))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Any:
    """Pixels become channels: (*, C, H*r, W*r) -> (*, C*r*r, H, W)."""
    return record(composites.pixel_unshuffle, (input,), (downscale_factor,))


def channel_shuffle(input: Tensor, groups: int) -> Any:
    """Channels of all groups interleaved."""
    return record(composites.channel_shuffle, (input,), (groups,))


def _pad_last(x: Node, widths: tuple[int, ...], mode: str, value: float) -> Node:
    pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)][::-1]
    return manipulation.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, mode, value)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant",
        value: float | None = None) -> Any:
    """Longer at both ends: ``pad`` is (left, right, top, bottom, ...), the last axis first.

    ``mode`` is "constant", "reflect", "replicate" or "circular"; widths may be negative.
    """
    tensors_only("pad", input)
    widths = tuple(pad)
    if len(widths) % 2 or len(widths) > 2 * input.ndim:
        raise ShapeError(f"pad: Padding length must be divisible by two and at most twice the "
                         f"number of dimensions of the input, got {len(widths)} widths for shape "
                         f"{tuple(input.shape)}")
    if mode != "constant" and value not in (None, 0):
        raise ArgumentError(f'pad: Padding mode "{mode}" doesn\'t take in value argument')
    return record(_pad_last, (input,), (widths, mode, 0 if value is None else value))


def interpolate(input: Tensor, size: Ints | None = None,
                scale_factor: float | Sequence[float] | None = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Any:
    """Spatial axes resized to ``size``, or by ``scale_factor``.

    Modes: nearest, nearest-exact, linear (3-D input), bilinear, bicubic (4-D), trilinear (5-D),
    area.
    """
    if antialias:
        raise NotSupportedError("interpolate: antialias is not offered",
                                hint="blur first, e.g. avg_pool2d, or antialias=False")
    if align_corners is not None and mode in ("nearest", "area", "nearest-exact"):
        raise ArgumentError("interpolate: align_corners option can only be set with the "
                            "interpolating modes: linear | bilinear | bicubic | trilinear")
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate: only one of size or scale_factor should be defined"
                            if size is not None else
                            "interpolate: either size or scale_factor should be defined")
    count = input.ndim - 2
    if size is not None:
        sizes = (size,) * count if isinstance(size, int) else tuple(size)
        scales = None
    else:
        assert scale_factor is not None
        factors = ((float(scale_factor),) * count if isinstance(scale_factor, (int, float))
                   else tuple(map(float, scale_factor)))
        if len(factors) != count:
            raise ShapeError(f"interpolate: {len(factors)} scale factors for {count} spatial axes")
        sizes = resize.scaled_sizes(input.shape[2:], factors)
        scales = None if recompute_scale_factor else factors
    return record(resize.interpolate, (input,), (sizes, mode, bool(align_corners), scales))


def upsample(input: Tensor, size: Ints | None = None,
             scale_factor: float | Sequence[float] | None = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Any:
    """`interpolate` under its old name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """Where an affine map (N, 2, 3) sends each pixel of (N, C, H, W): (N, H, W, 2)."""
    return record(sampling_grid.affine_grid, (theta,), (tuple(size), bool(align_corners)))


def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Any:
    """``input`` (N, C, H, W) at the positions of ``grid`` (N, A, B, 2): (N, C, A, B)."""
    return record(sampling_grid.grid_sample, (input, grid),
                  (mode, padding_mode, bool(align_corners)))

"""Layers that move elements about: Flatten, Reshape, padding, cropping, upsampling."""

from __future__ import annotations

import math
from typing import Any

from ...errors import ArgumentError, ShapeError
from ...functions import manipulation, resize
from ...tensor import record
from ..config import standardize_data_format
from ..input_spec import InputSpec
from .base import Layer
from .standard import several

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D", "Flatten", "Permute", "RepeatVector",
           "Reshape", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D",
           "ZeroPadding2D", "ZeroPadding3D"]


class Flatten(Layer):
    """All axes but the batch as one."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)
        self._channels_first = self.data_format == "channels_first"

    def call(self, inputs: Any) -> Any:
        return record(_flatten, (inputs,), (self._channels_first,))


def _flatten(x: Any, channels_first: bool) -> Any:
    if channels_first and x.ndim > 2:
        x = manipulation.moveaxis(x, 1, -1)
    size = math.prod(x.shape[1:])
    return manipulation.reshape(x, (x.shape[0], size))


class Reshape(Layer):
    """Another shape for each sample; one size may be -1."""

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = tuple(int(n) for n in target_shape)

    def call(self, inputs: Any) -> Any:
        return record(_reshape, (inputs,), (self.target_shape,))


def _reshape(x: Any, shape: tuple[int, ...]) -> Any:
    size = math.prod(x.shape[1:])
    known = math.prod(n for n in shape if n != -1)
    if (-1 in shape and (not known or size % known)) or (-1 not in shape and known != size):
        raise ShapeError("The total size of the tensor must be unchanged. Received: input_shape="
                         f"{tuple(x.shape[1:])}, target_shape={shape}")
    sizes = tuple(size // known if n == -1 else n for n in shape)
    return manipulation.reshape(x, (x.shape[0], *sizes))


class Permute(Layer):
    """The axes of each sample in another order; 1 is the first after the batch."""

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError("Invalid permutation argument `dims` for Permute Layer. The set of "
                                "indices in `dims` must be consecutive and start from 1. Received "
                                f"dims={dims}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return record(manipulation.permute_dims, (inputs,), ((0, *self.dims),))


class RepeatVector(Layer):
    """A vector n times: (batch, features) -> (batch, n, features)."""

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(n, int):
            raise ArgumentError(f"Expected an integer value for `n`, got {type(n)}.")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return record(_repeat, (inputs,), (self.n,))


def _repeat(x: Any, n: int) -> Any:
    return manipulation.broadcast_to(manipulation.expand_dims(x, 1), (x.shape[0], n, x.shape[1]))


def _pairs(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """A number, a number per axis, or a pair (before, after) per axis."""
    if isinstance(value, int):
        return ((value, value),) * rank
    if rank == 1 and len(value) == 2 and all(isinstance(v, int) for v in value):
        return ((int(value[0]), int(value[1])),)
    if len(value) != rank:
        raise ArgumentError(f"`{name}` should have {rank} elements. Received: {value}.")
    return tuple(several(name, v, 2, least=0) for v in value)  # type: ignore[misc]


class _Around(Layer):
    """Zeros put around, or elements cut off."""

    rank = 2
    _word = "padding"

    def _set(self, value: Any, data_format: Any) -> None:
        self.data_format = standardize_data_format(data_format)
        self._widths = _pairs(value, self.rank, self._word)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _all_axes(self) -> tuple[tuple[int, int], ...]:
        none = (0, 0)
        if self.data_format == "channels_first":
            return (none, none, *self._widths)
        return (none, *self._widths, none)


class _ZeroPadding(_Around):
    def call(self, inputs: Any) -> Any:
        return record(manipulation.pad, (inputs,), (self._all_axes(),))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps."""

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set(padding, data_format)
        self.padding = self._widths[0]


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images."""

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set(padding, data_format)
        self.padding = self._widths


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes."""

    rank = 3

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self._set(padding, data_format)
        self.padding = self._widths


class _Cropping(_Around):
    _word = "cropping"

    def call(self, inputs: Any) -> Any:
        widths = self._all_axes()
        for axis, (low, high) in enumerate(widths):
            if low + high >= inputs.shape[axis] and (low or high):
                raise ShapeError(f"`cropping` parameter of {type(self).__name__} layer must be "
                                 f"smaller than the input shape. Received: input_shape="
                                 f"{tuple(inputs.shape)}, cropping={self.cropping}")
        return record(_cropped, (inputs,), (widths,))


def _cropped(x: Any, widths: tuple[tuple[int, int], ...]) -> Any:
    for axis, (low, high) in enumerate(widths):
        if low or high:
            x = manipulation.narrow(x, axis, low, x.shape[axis] - high)
    return x


class Cropping1D(_Cropping):
    """Steps cut off at both ends."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(**kwargs)
        self._set(cropping, "channels_last")
        self.cropping = self._widths[0]


class Cropping2D(_Cropping):
    """Rows and columns cut off images."""

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self._set(cropping, data_format)
        self.cropping = self._widths


class Cropping3D(_Cropping):
    """Planes cut off volumes."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self._set(cropping, data_format)
        self.cropping = self._widths


class _UpSampling(Layer):
    rank = 2
    interpolation = "nearest"

    def _set(self, size: Any, data_format: Any) -> None:
        self.size = several("size", size, self.rank)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        first = 2 if self.data_format == "channels_first" else 1
        self._spatial = tuple(range(first, first + self.rank))

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return record(resize.upsample_repeat, (inputs,), (self.size, self._spatial))
        return record(_resized, (inputs,), (self.size, self.interpolation, self._spatial))


def _resized(x: Any, factors: tuple[int, ...], mode: str, spatial: tuple[int, ...]) -> Any:
    sizes = tuple(x.shape[a] * f for a, f in zip(spatial, factors, strict=True))
    return resize.interpolate(x, sizes, mode, spatial=spatial)


class UpSampling1D(_UpSampling):
    """Each step repeated."""

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self._set(size, "channels_last")
        self.size_ = self.size
        self.size = int(self.size_[0])  # type: ignore[assignment]

    def call(self, inputs: Any) -> Any:
        return record(resize.upsample_repeat, (inputs,), (self.size_, self._spatial))


class UpSampling2D(_UpSampling):
    """Images made larger by whole factors: repeated, or interpolated."""

    rank = 2

    def __init__(self, size: Any = (2, 2), data_format: str | None = None,
                 interpolation: str = "nearest", **kwargs: Any):
        super().__init__(**kwargs)
        self._set(size, data_format)
        if interpolation not in ("nearest", "bilinear", "bicubic"):
            raise ArgumentError(f"UpSampling2D: interpolation {interpolation!r}; offered are "
                                "nearest, bilinear, bicubic")
        self.interpolation = interpolation


class UpSampling3D(_UpSampling):
    """Volumes made larger by repeating."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set(size, data_format)

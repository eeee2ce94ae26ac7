"""The basics of `tf.image`: sizes, flips, crops and colours of batches of images (NHWC)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, NotSupportedError, ShapeError
from ..functions import resize as rs
from ..ir.dtypes import bool_, float32
from ..ir.node import Node
from ..tensor.recorder import wrap
from . import array_ops, math_ops, random_ops
from ._op import op
from .dtypes import as_dtype
from .tensors import EagerTensor, apply, cast_to, convert, static_ints, where_now

__all__ = ["ResizeMethod", "adjust_brightness", "adjust_contrast", "central_crop",
           "convert_image_dtype", "crop_to_bounding_box", "flip_left_right", "flip_up_down",
           "grayscale_to_rgb", "pad_to_bounding_box", "per_image_standardization",
           "random_brightness", "random_contrast", "random_crop", "random_flip_left_right",
           "random_flip_up_down", "resize", "resize_with_crop_or_pad", "rgb_to_grayscale", "rot90"]


class ResizeMethod:
    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3, LANCZOS5 = "lanczos3", "lanczos5"
    GAUSSIAN, MITCHELLCUBIC = "gaussian", "mitchellcubic"


_METHODS = {"bilinear": "bilinear", "nearest": "nearest-exact"}


def _image(images: Any) -> tuple[Any, int]:
    """The tensor, and the place of the height axis."""
    x = convert(images)
    if x.ndim not in (3, 4):
        raise ShapeError(f"'images' must have either 3 or 4 dimensions, got shape "
                         f"{tuple(x.shape)}", where=where_now())
    return x, x.ndim - 3


@op
def resize(images: Any, size: Any, method: Any = "bilinear", preserve_aspect_ratio: bool = False,
           antialias: bool = False) -> Any:
    """Images of another size; floats, unless ``method`` is nearest."""
    x, at = _image(images)
    if method not in _METHODS or antialias or preserve_aspect_ratio:
        raise NotSupportedError(f"resize: method={method!r}, antialias={antialias}, "
                                f"preserve_aspect_ratio={preserve_aspect_ratio}",
                                where=where_now(), hint="method 'bilinear' or 'nearest'")
    sizes = static_ints(size, "resize")
    if method == "bilinear":
        x = cast_to(x, float32) if not x.dtype.is_floating_point else x
    return apply(_resized, (x,), tuple(sizes), _METHODS[method], at)


def _resized(x: Node, sizes: tuple[int, ...], mode: str, at: int) -> Node:
    return rs.interpolate(x, sizes, mode, spatial=(at, at + 1))


@op
def flip_left_right(image: Any) -> Any:
    """Mirrored from side to side."""
    x, at = _image(image)
    return array_ops.reverse(x, [at + 1])


@op
def flip_up_down(image: Any) -> Any:
    """Mirrored from top to bottom."""
    x, at = _image(image)
    return array_ops.reverse(x, [at])


@op
def rot90(image: Any, k: int = 1) -> Any:
    """Turned by quarters, counter-clockwise."""
    x, at = _image(image)
    return apply(array_ops.mv.rot90, (x,), int(k), (at, at + 1))


def _chosen(x: Any, changed: Any, seed: Any) -> Any:
    """Each image of a batch, or its changed version, with equal chances."""
    count = x.shape[0] if x.ndim == 4 else 1
    drawn = math_ops.less(random_ops.uniform([count], seed=seed), 0.5)
    mask = array_ops.reshape(drawn, [count, 1, 1, 1] if x.ndim == 4 else [1, 1, 1])
    return array_ops.where(mask, changed, x)


@op(random=True)
def random_flip_left_right(image: Any, seed: Any = None) -> Any:
    """Each image mirrored with probability one half."""
    x, _ = _image(image)
    return _chosen(x, flip_left_right(x), seed)


@op(random=True)
def random_flip_up_down(image: Any, seed: Any = None) -> Any:
    """Each image mirrored with probability one half."""
    x, _ = _image(image)
    return _chosen(x, flip_up_down(x), seed)


@op
def crop_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any,
                         target_width: Any) -> Any:
    """A box of the images."""
    x, at = _image(image)
    numbers = [static_ints(v, "crop") for v in (offset_height, offset_width, target_height,
                                                target_width)]
    begin, size = [0] * x.ndim, [int(s) for s in x.shape]
    begin[at:at + 2], size[at:at + 2] = numbers[:2], numbers[2:]
    return array_ops.slice(x, begin, size)


@op
def pad_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any,
                        target_width: Any) -> Any:
    """The images inside a larger frame of zeros."""
    x, at = _image(image)
    top, left, height, width = (static_ints(v, "pad") for v in (
        offset_height, offset_width, target_height, target_width))
    widths = [[0, 0]] * x.ndim
    widths[at] = [top, height - top - x.shape[at]]
    widths[at + 1] = [left, width - left - x.shape[at + 1]]
    if min(v for pair_ in widths for v in pair_) < 0:
        raise ArgumentError("pad_to_bounding_box: the target is smaller than the image",
                            where=where_now())
    return array_ops.pad(x, widths)


@op
def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """Cut or framed evenly to a size."""
    x, at = _image(image)
    for axis, target in ((at, static_ints(target_height, "resize")),
                         (at + 1, static_ints(target_width, "resize"))):
        more = target - x.shape[axis]
        if more > 0:
            widths = [[0, 0]] * x.ndim
            widths[axis] = [more // 2, more - more // 2]
            x = array_ops.pad(x, widths)
        elif more < 0:
            begin, size = [0] * x.ndim, [int(s) for s in x.shape]
            begin[axis], size[axis] = -more // 2, target
            x = array_ops.slice(x, begin, size)
    return x


@op
def central_crop(image: Any, central_fraction: float) -> Any:
    """The middle of the images."""
    x, at = _image(image)
    begin, size = [0] * x.ndim, [int(s) for s in x.shape]
    for axis in (at, at + 1):
        begin[axis] = int((x.shape[axis] - x.shape[axis] * central_fraction) / 2)
        size[axis] = x.shape[axis] - 2 * begin[axis]
    return array_ops.slice(x, begin, size)


@op(random=True)
def random_crop(value: Any, size: Any, seed: Any = None) -> Any:
    """A box of this size somewhere in the tensor."""
    x, sizes = convert(value), static_ints(size, "random_crop")
    begin = []
    for n, s in zip(x.shape, sizes, strict=True):
        if s > n:
            raise ArgumentError(f"Need value.shape >= size, got {tuple(x.shape)} and {sizes}",
                                where=where_now())
        drawn = random_ops.uniform([], 0, n - s + 1, dtype="int32", seed=seed) if n > s else 0
        begin.append(static_ints(drawn, "random_crop"))
    return array_ops.slice(x, begin, sizes)


@op
def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False) -> Any:
    """Another dtype; floats are in [0, 1), integers fill their range."""
    x, wanted = convert(image), as_dtype(dtype)
    if x.dtype is wanted:
        return x
    if x.dtype.kind in "iu" and wanted.is_floating_point:
        top = float(np.iinfo(x.dtype.numpy).max)
        return math_ops.multiply(cast_to(x, wanted), 1.0 / top)
    if x.dtype.is_floating_point and wanted.kind in "iu":
        top = float(np.iinfo(wanted.numpy).max)
        scaled = math_ops.multiply(x, top + 0.5)
        return math_ops.saturate_cast(scaled, wanted) if saturate else cast_to(scaled, wanted)
    if x.dtype is bool_ or wanted is bool_:
        return math_ops.cast(x, wanted)
    return cast_to(x, wanted)


@op
def rgb_to_grayscale(images: Any) -> Any:
    """The brightness of colours, one channel."""
    x, _ = _image(images)
    original = x.dtype
    as_floats = convert_image_dtype(x, float32)
    weights = wrap(np.array([0.2989, 0.5870, 0.1140], np.float32), EagerTensor)
    gray = array_ops.expand_dims(math_ops.tensordot(as_floats, weights, [[-1], [-1]]), -1)
    return convert_image_dtype(gray, original)


@op
def grayscale_to_rgb(images: Any) -> Any:
    """The channel three times."""
    x, _ = _image(images)
    return array_ops.tile(x, [1] * (x.ndim - 1) + [3])


@op
def adjust_brightness(image: Any, delta: Any) -> Any:
    """``delta`` added to an image of floats in [0, 1)."""
    x = convert(image)
    found = math_ops.add(convert_image_dtype(x, float32), delta)
    return convert_image_dtype(found, x.dtype, saturate=True)


@op
def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Distances from the mean of each channel times a factor."""
    x, at = _image(images)
    values = convert_image_dtype(x, float32)
    mean = math_ops.reduce_mean(values, axis=[at, at + 1], keepdims=True)
    found = math_ops.add(math_ops.multiply(math_ops.subtract(values, mean), contrast_factor), mean)
    return convert_image_dtype(found, x.dtype, saturate=True)


@op(random=True)
def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Any:
    """`adjust_brightness` by a random amount."""
    return adjust_brightness(image, random_ops.uniform([], -max_delta, max_delta, seed=seed))


@op(random=True)
def random_contrast(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """`adjust_contrast` by a random factor."""
    return adjust_contrast(image, random_ops.uniform([], lower, upper, seed=seed))


@op
def per_image_standardization(image: Any) -> Any:
    """Each image with mean 0 and variance 1 (at least ``1 / sqrt(n)`` in the denominator)."""
    x, at = _image(image)
    values = x if x.dtype.is_floating_point else cast_to(x, float32)
    axes = [at, at + 1, at + 2]
    count = float(np.prod([x.shape[a] for a in axes]))
    mean = math_ops.reduce_mean(values, axes, True)
    deviation = math_ops.reduce_std(values, axes, True)
    return math_ops.truediv(math_ops.subtract(values, mean),
                            math_ops.maximum(deviation, float(1.0 / np.sqrt(count))))


def is_jpeg(contents: Any) -> Any:
    raise NotSupportedError("tf.image: reading files is not supported by tricord",
                            hint="PIL.Image.open and tf.constant(numpy.asarray(image))")


decode_jpeg = decode_png = decode_image = is_jpeg


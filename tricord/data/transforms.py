"""Transforms of images, after torchvision's: composed, and applied sample by sample.

An array is taken as an image (height, width) or (height, width, channels), a PIL image as the array
it holds, a Tensor as (..., height, width); each comes back as an array or a Tensor. Random
transforms draw from the sample's own generator (``sample_rng``), so an augmentation does not depend
on workers or on the order of loading.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, NotSupportedError, ShapeError
from .arrays import as_array
from .collate import is_tensor, tensor_from_array
from .seeds import current_sample, standalone_rng

__all__ = [
    "CenterCrop",
    "Compose",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "Resize",
    "ToTensor",
]


class Compose:
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        return f"Compose({self.transforms})"


class Lambda:
    """A function as a transform. With worker processes it cannot be a ``lambda`` expression."""

    def __init__(self, lambd: Callable[[Any], Any]):
        if not callable(lambd):
            raise ArgumentError(f"Lambda: expected a function, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)


class ToTensor:
    """An image (h, w) or (h, w, c) as a Tensor (c, h, w); uint8 becomes float32 in 0..1.

    Other dtypes keep their values, as in torchvision.
    """

    def __call__(self, image: Any) -> Any:
        pixels = as_array(image)
        if pixels.ndim not in (2, 3):
            raise ShapeError(f"ToTensor: expected an image of 2 or 3 axes, got {pixels.ndim} "
                             f"(shape {pixels.shape})")
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        if pixels.dtype == np.uint8:
            pixels = pixels.astype(np.float32) / np.float32(255)
        return tensor_from_array(pixels)


class Normalize:
    """``(x - mean) / std`` per channel of a Tensor (c, h, w)."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False):
        self.mean = np.asarray(mean, np.float64)
        self.std = np.asarray(std, np.float64)
        self.inplace = inplace  # accepted: the result is new in any case
        if (self.std == 0).any():
            raise ArgumentError(f"Normalize: std evaluated to zero, leading to division by zero: "
                                f"{std}")

    def __call__(self, image: Any) -> Any:
        pixels = as_array(image)
        if pixels.dtype.kind != "f":
            raise ArgumentError(f"Normalize: expected floats, got {pixels.dtype}",
                                hint="put ToTensor() before it")
        if pixels.ndim < 3:
            raise ShapeError(f"Normalize: expected (..., c, h, w), got shape {pixels.shape}")
        mean, std = (value.reshape(-1, 1, 1).astype(pixels.dtype)
                     for value in (self.mean, self.std))
        if mean.shape[0] not in (1, pixels.shape[-3]):
            raise ShapeError(f"Normalize: {mean.shape[0]} means for {pixels.shape[-3]} channels "
                             f"(shape {pixels.shape})")
        return _like(image, (pixels - mean) / std)


def _like(original: Any, pixels: np.ndarray) -> Any:
    return tensor_from_array(pixels) if is_tensor(original) else pixels


def _as_image(image: Any) -> tuple[np.ndarray, int, int]:
    """The pixels, and which axes are height and width."""
    pixels = as_array(image)
    if pixels.ndim < 2:
        raise ShapeError(f"expected an image, got an array of shape {pixels.shape}")
    return (pixels, pixels.ndim - 2, pixels.ndim - 1) if is_tensor(image) else (pixels, 0, 1)


class _Random:
    """Draws from the sample being loaded; called by hand, from a stream of its own."""

    def __init__(self) -> None:
        self._calls = 0

    def rng(self) -> np.random.Generator:
        sample = current_sample.get()
        if sample is not None:
            return sample.rng()
        self._calls += 1
        return standalone_rng(zlib.crc32(type(self).__name__.encode()), self._calls)


class _RandomFlip(_Random):
    _axis = 0

    def __init__(self, p: float = 0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"{type(self).__name__}: expected 0 <= p <= 1, got {p}")
        self.p = p

    def __call__(self, image: Any) -> Any:
        if self.rng().random() >= self.p:
            return image
        pixels, *axes = _as_image(image)
        return _like(image, np.flip(pixels, axes[self._axis]))


class RandomHorizontalFlip(_RandomFlip):
    """Left and right exchanged with probability ``p``."""

    _axis = 1


class RandomVerticalFlip(_RandomFlip):
    """Top and bottom exchanged with probability ``p``."""

    _axis = 0


def _pair(size: int | Sequence[int], what: str) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else tuple(size) * (2 if len(size) == 1 else 1)
    if len(pair) != 2 or min(pair) <= 0:
        raise ArgumentError(f"{what}: expected a positive size or (height, width), got {size}")
    return pair


_PAD_MODES = {"constant": "constant", "edge": "edge", "reflect": "reflect",
              "symmetric": "symmetric"}


def _margins(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    if isinstance(padding, int):
        return (padding,) * 4
    if len(padding) not in (1, 2, 4):
        raise ArgumentError(f"padding: expected a number, (left-right, top-bottom) or (left, top, "
                            f"right, bottom), got {tuple(padding)}")
    return tuple((tuple(padding) * (4 // len(padding)))[:4])  # type: ignore[return-value]


class Pad:
    """Pixels added on each side: a number, (left-right, top-bottom) or (left, top, right, bottom).

    ``padding_mode``: constant (the value ``fill``), edge, reflect or symmetric.
    """

    def __init__(self, padding: int | Sequence[int], fill: float = 0,
                 padding_mode: str = "constant"):
        if padding_mode not in _PAD_MODES:
            raise ArgumentError(f"padding_mode: expected one of {', '.join(_PAD_MODES)}, got "
                                f"{padding_mode!r}")
        self.margins = _margins(padding)
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, image: Any) -> Any:
        pixels, rows, columns = _as_image(image)
        left, top, right, bottom = self.margins
        widths = [(0, 0)] * pixels.ndim
        widths[rows], widths[columns] = (top, bottom), (left, right)
        options = {"constant_values": self.fill} if self.padding_mode == "constant" else {}
        return _like(image, np.pad(pixels, widths, mode=self.padding_mode, **options))


class CenterCrop:
    """The middle ``size`` of an image; a smaller one is padded with zeros first."""

    def __init__(self, size: int | Sequence[int]):
        self.size = _pair(size, "CenterCrop")

    def __call__(self, image: Any) -> Any:
        pixels, rows, columns = _as_image(image)
        lacking = [max(self.size[i] - pixels.shape[axis], 0)
                   for i, axis in enumerate((rows, columns))]
        if any(lacking):
            top, left = lacking[0] // 2, lacking[1] // 2
            image = Pad((left, top, lacking[1] - left, lacking[0] - top))(image)
            pixels = as_array(image)
        # Halves are rounded to even, as torchvision's int(round()) does.
        top = round((pixels.shape[rows] - self.size[0]) / 2.0)
        left = round((pixels.shape[columns] - self.size[1]) / 2.0)
        return _like(image, _crop(pixels, rows, columns, top, left, self.size))


def _crop(pixels: np.ndarray, rows: int, columns: int, top: int, left: int,
          size: tuple[int, int]) -> np.ndarray:
    window = [slice(None)] * pixels.ndim
    window[rows] = slice(top, top + size[0])
    window[columns] = slice(left, left + size[1])
    return pixels[tuple(window)]


class RandomCrop(_Random):
    """A window of ``size`` at a random place, after optional padding."""

    def __init__(self, size: int | Sequence[int], padding: int | Sequence[int] | None = None,
                 pad_if_needed: bool = False, fill: float = 0, padding_mode: str = "constant"):
        super().__init__()
        self.size = _pair(size, "RandomCrop")
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode
        if padding is not None:
            Pad(padding, fill, padding_mode)  # refuses a bad one now

    def __call__(self, image: Any) -> Any:
        if self.padding is not None:
            image = Pad(self.padding, self.fill, self.padding_mode)(image)
        pixels, rows, columns = _as_image(image)
        if self.pad_if_needed:
            lacking = [max(wanted - pixels.shape[axis], 0)
                       for wanted, axis in zip(self.size, (rows, columns), strict=True)]
            if any(lacking):  # as torchvision: on both sides
                image = Pad((lacking[1], lacking[0]), self.fill, self.padding_mode)(image)
                pixels = as_array(image)
        room = (pixels.shape[rows] - self.size[0], pixels.shape[columns] - self.size[1])
        if min(room) < 0:
            raise ShapeError(f"Required crop size {self.size} is larger than input image size "
                             f"{(pixels.shape[rows], pixels.shape[columns])}",
                             hint="padding=..., or pad_if_needed=True")
        top, left = self.rng().integers(0, [room[0] + 1, room[1] + 1])
        return _like(image, _crop(pixels, rows, columns, int(top), int(left), self.size))


class Resize:
    """To ``size``: (height, width), or a number for the shorter side.

    Bilinear with antialiasing, as in Pillow; ``interpolation="nearest"`` takes the pixel under the
    centre of the new one, as Pillow does for images (PyTorch: ``nearest-exact``).
    """

    def __init__(self, size: int | Sequence[int], interpolation: Any = "bilinear",
                 max_size: int | None = None, antialias: bool | None = True):
        name = str(getattr(interpolation, "value", interpolation)).lower()
        if name not in ("bilinear", "nearest"):
            raise NotSupportedError(f"Resize: interpolation {name!r} is not offered",
                                    hint="bilinear or nearest")
        self.size = size
        self.interpolation = name
        self.max_size = max_size
        self.antialias = antialias is not False

    def _target(self, height: int, width: int) -> tuple[int, int]:
        if not isinstance(self.size, int) and len(self.size) == 2:
            return _pair(self.size, "Resize")
        [shorter] = [self.size] if isinstance(self.size, int) else self.size
        longer = int(shorter * max(height, width) / min(height, width))
        if self.max_size is not None and longer > self.max_size:
            shorter, longer = int(self.max_size * shorter / longer), self.max_size
        return (shorter, longer) if height <= width else (longer, shorter)

    def __call__(self, image: Any) -> Any:
        pixels, rows, columns = _as_image(image)
        target = self._target(pixels.shape[rows], pixels.shape[columns])
        result = pixels
        for axis, size in ((columns, target[1]), (rows, target[0])):
            result = self._along(result, axis, size)
        if pixels.dtype.kind in "iu" and result.dtype != pixels.dtype:
            bounds = np.iinfo(pixels.dtype)
            result = np.clip(np.floor(result + 0.5), bounds.min, bounds.max)
        return _like(image, result.astype(pixels.dtype))

    def _along(self, pixels: np.ndarray, axis: int, size: int) -> np.ndarray:
        old = pixels.shape[axis]
        if old == size:
            return pixels
        if self.interpolation == "nearest":
            return np.take(pixels, (2 * np.arange(size) + 1) * old // (2 * size), axis=axis)
        weights = _triangle_weights(old, size, self.antialias)
        moved = np.moveaxis(pixels.astype(np.float64), axis, -1) @ weights.T
        return np.moveaxis(moved, -1, axis)


def _triangle_weights(old: int, new: int, antialias: bool) -> np.ndarray:
    """How much each old pixel counts in each new one, (new, old); rows sum to 1."""
    scale = old / new
    reach = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(new) + 0.5) * scale
    if not antialias:
        # Without antialiasing the border pixel is repeated beyond the border.
        centres = np.clip(centres, 0.5, old - 0.5)
    distance = np.abs((np.arange(old) + 0.5)[None, :] - centres[:, None]) / reach
    weights = np.maximum(0.0, 1.0 - distance)
    return weights / weights.sum(axis=1, keepdims=True)

"""Images resized, cropped, and changed at random in training."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, NotSupportedError, ShapeError
from ...functions import augmentation as composites
from ...functions import manipulation
from ...functions.elementwise import cast
from ...ir.dtypes import as_dtype
from ...tensor import record
from .. import config
from .core import positive
from .regularization import Randomised
from .standard import number, one_of

__all__ = ["CenterCrop", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip",
           "RandomRotation", "RandomTranslation", "RandomZoom", "Resizing"]

_FILLS = ("reflect", "wrap", "constant", "nearest")
_NO_LABELS = ("bounding_boxes", "segmentation_masks")


class _ImageLayer(Randomised):
    """Images (N, H, W, C), or one of them, or a dict with them under ``images``."""

    def _keep_images(self, data_format: str | None, seed: int | None = None) -> None:
        self.data_format = config.standardize_data_format(data_format)
        self._keep_seed(seed)
        self.supports_masking = False

    def call(self, data: Any, training: bool = True) -> Any:
        if isinstance(data, dict):
            for name in _NO_LABELS:
                if name in data:
                    raise NotSupportedError(f"{type(self).__name__}: {name} are not transformed",
                                            hint="pass images and labels only")
            return {**data, "images": self.call(data["images"], training)}
        images = data
        dtype = as_dtype(self.compute_dtype)
        if images.dtype is not dtype:
            images = record(cast, (images,), (dtype,))
        if images.ndim not in (3, 4):
            raise ShapeError(f"{type(self).__name__}: expected images of rank 3 or 4, got shape "
                             f"{tuple(images.shape)}")
        single, first = images.ndim == 3, self.data_format == "channels_first"
        if single:
            images = record(manipulation.expand_dims, (images,), (0,))
        if first:
            images = record(manipulation.moveaxis, (images,), (1, 3))
        images = self._transformed(images, bool(training))
        if first:
            images = record(manipulation.moveaxis, (images,), (3, 1))
        return record(manipulation.squeeze, (images,), (0,)) if single else images

    def _transformed(self, images: Any, training: bool) -> Any:
        """Images (N, H, W, C) in a floating dtype, changed."""
        raise NotImplementedError

    def _drawn(self, function: Any, images: Any, *static: Any) -> Any:
        key, ordinal = self._draw()
        return record(function, (images, key), (ordinal, *static))


class Resizing(_ImageLayer):
    """Images resized; with one of the two ``..._to_aspect_ratio`` without stretching them."""

    def __init__(self, height: int, width: int, interpolation: str = "bilinear",
                 crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False,
                 fill_mode: str = "constant", fill_value: float = 0.0, antialias: bool = False,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)
        self.interpolation = one_of("interpolation", interpolation,
                                    ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5",
                                     "area"))
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ArgumentError("Only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can "
                                "be set")
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = one_of("fill_mode", fill_mode, ("constant",))
        self.fill_value = fill_value
        self.antialias = antialias
        self._keep_images(data_format)

    def _transformed(self, images: Any, training: bool) -> Any:
        padding = float(self.fill_value) if self.pad_to_aspect_ratio else None
        return record(composites.fitted, (images,), (
            self.height, self.width, self.interpolation, bool(self.crop_to_aspect_ratio), padding,
            bool(self.antialias)))


class CenterCrop(_ImageLayer):
    """The middle of each image; smaller images are cropped to the shape and made larger."""

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)
        self._keep_images(data_format)

    def _transformed(self, images: Any, training: bool) -> Any:
        return record(composites.centre_crop, (images,), (self.height, self.width))


class RandomCrop(_ImageLayer):
    """In training a piece from a place of its own in each image, else the middle."""

    def __init__(self, height: int, width: int, seed: int | None = None,
                 data_format: str | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)
        self._keep_images(data_format, seed)

    def _transformed(self, images: Any, training: bool) -> Any:
        height, width = images.shape[1:3]
        if not training or height < self.height or width < self.width:
            return record(composites.centre_crop, (images,), (self.height, self.width))
        return self._drawn(composites.random_crop, images, self.height, self.width)


#: what a mode of `RandomFlip` mirrors
_MIRRORED = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (2, 1)}


class RandomFlip(_ImageLayer):
    """In training each image is mirrored with probability 1/2."""

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.mode = one_of("mode", mode, tuple(_MIRRORED))
        self._keep_images(data_format, seed)

    def _transformed(self, images: Any, training: bool) -> Any:
        if not training:
            return images
        return self._drawn(composites.flipped, images, _MIRRORED[self.mode])


def _span(what: str, factor: Any, low: float = -1.0, high: float = 1.0) -> tuple[float, float]:
    """A number f as (-f, f), a pair as it is."""
    if isinstance(factor, (list, tuple)):
        if len(factor) != 2:
            raise ArgumentError(f"`{what}` should be a number or a pair of numbers. Received: "
                                f"{what}={factor}")
        pair = sorted(float(number(what, f, low, high)) for f in factor)
        return pair[0], pair[1]
    size = abs(float(number(what, factor, low, high)))
    return max(-size, low), size


class _Affine(_ImageLayer):
    """Turned, moved or zoomed, each image its own way."""

    def _keep_fill(self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float,
                   data_format: str | None) -> None:
        self.fill_mode = one_of("fill_mode", fill_mode, _FILLS)
        self.interpolation = one_of("interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_value = fill_value
        self._keep_images(data_format, seed)

    def _moved(self, images: Any, turn: Any = (0.0, 0.0), down: Any = (0.0, 0.0),
               across: Any = (0.0, 0.0), tall: Any = (0.0, 0.0), wide: Any = (0.0, 0.0)) -> Any:
        return self._drawn(composites.random_affine, images, turn, down, across, tall, wide,
                           self.interpolation, self.fill_mode, float(self.fill_value))


class RandomRotation(_Affine):
    """In training turned about the centre by up to ``factor`` of a full turn."""

    def __init__(self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
                 seed: int | None = None, fill_value: float = 0.0,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.factor = _span("factor", factor)
        self._keep_fill(fill_mode, interpolation, seed, fill_value, data_format)

    def _transformed(self, images: Any, training: bool) -> Any:
        return self._moved(images, turn=self.factor) if training else images


class RandomTranslation(_Affine):
    """In training moved by up to these shares of height and width."""

    def __init__(self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect",
                 interpolation: str = "bilinear", seed: int | None = None,
                 fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down, self._across = (_span("height_factor", height_factor),
                                    _span("width_factor", width_factor))
        self._keep_fill(fill_mode, interpolation, seed, fill_value, data_format)

    def _transformed(self, images: Any, training: bool) -> Any:
        return self._moved(images, down=self._down, across=self._across) if training else images


class RandomZoom(_Affine):
    """In training zoomed by up to these shares; above zero is out, below zero in."""

    def __init__(self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
                 interpolation: str = "bilinear", seed: int | None = None,
                 fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._tall = _span("height_factor", height_factor)
        self._wide = None if width_factor is None else _span("width_factor", width_factor)
        self._keep_fill(fill_mode, interpolation, seed, fill_value, data_format)

    def _transformed(self, images: Any, training: bool) -> Any:
        return self._moved(images, tall=self._tall, wide=self._wide) if training else images


class RandomContrast(_ImageLayer):
    """In training differences from the mean are multiplied by 1 to ``1 + factor``.

    A pair of factors (a, b) means ``1 - a`` to ``1 + b``.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.factor = _span("factor", factor, 0.0)
        self.value_range = value_range
        self._keep_images(data_format, seed)

    def _transformed(self, images: Any, training: bool) -> Any:
        if not training:
            return images
        low, high = self.factor
        limits = (float(self.value_range[0]), float(self.value_range[1]))
        return self._drawn(composites.contrasted, images, 1 - low, 1 + high, limits)


class RandomBrightness(_ImageLayer):
    """In training a share of the range of values is added to all pixels of an image."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.factor = _span("factor", factor)
        self.value_range = value_range
        self._keep_images(data_format, seed)

    def _transformed(self, images: Any, training: bool) -> Any:
        if not training:
            return images
        limits = (float(self.value_range[0]), float(self.value_range[1]))
        return self._drawn(composites.brightened, images, *self.factor, limits)

"""Images from files and back, through Pillow."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotSupportedError
from .._arguments import checked
from ..config import standardize_data_format

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img"]


def _pillow() -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise NotSupportedError("images need Pillow", hint="pip install pillow") from None


@checked
def load_img(path: Any, color_mode: str = "rgb", target_size: Any = None,
             interpolation: str = "nearest", keep_aspect_ratio: bool = False) -> Any:
    """A Pillow image from a file."""
    image = _pillow().open(path)
    modes = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
    if color_mode not in modes:
        raise ArgumentError("color_mode must be 'grayscale', 'rgb', or 'rgba'. Received: "
                            f"{color_mode}")
    image = image.convert(modes[color_mode])
    if target_size is not None:
        ways = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
        if interpolation not in ways:
            raise ArgumentError(f"Invalid interpolation method {interpolation} specified. "
                                f"Supported methods are {', '.join(ways)}")
        image = image.resize((target_size[1], target_size[0]), ways[interpolation])
    return image


@checked
def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None,
                 ) -> np.ndarray[Any, Any]:
    """A Pillow image as an array (height, width, channels)."""
    array = np.asarray(img, dtype=dtype or "float32")
    array = array[:, :, None] if array.ndim == 2 else array
    first = standardize_data_format(data_format) == "channels_first"
    return array.transpose(2, 0, 1) if first else array


@checked
def array_to_img(x: Any, data_format: str | None = None, scale: bool = True,
                 dtype: Any = None) -> Any:
    """An array as a Pillow image; ``scale`` stretches its values to 0 ... 255."""
    array = np.asarray(x, dtype=dtype or "float32")
    if array.ndim != 3:
        raise ArgumentError("Expected image array to have rank 3 (single image). Got array with "
                            f"shape: {array.shape}")
    if standardize_data_format(data_format) == "channels_first":
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        top = array.max()
        array = array / top * 255 if top else array
    if array.shape[2] not in (1, 3, 4):
        raise ArgumentError(f"Unsupported channel number: {array.shape[2]}")
    pixels = array.astype("uint8")
    return _pillow().fromarray(pixels[:, :, 0] if array.shape[2] == 1 else pixels)


@checked
def save_img(path: Any, x: Any, data_format: str | None = None, file_format: str | None = None,
             scale: bool = True, **kwargs: Any) -> None:
    """Write an array as an image file."""
    array_to_img(x, data_format, scale).save(path, format=file_format, **kwargs)

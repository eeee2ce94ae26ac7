"""``torchvision.utils``: many pictures as one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..data.arrays import as_array
from ..errors import ArgumentError, ShapeError
from ..tensor import wrap
from ..torch._names import unknown_name

__all__ = ["make_grid", "save_image"]


def make_grid(tensor: Any, nrow: int = 8, padding: int = 2, normalize: bool = False,
              value_range: tuple[float, float] | None = None, scale_each: bool = False,
              pad_value: float = 0.0) -> Any:
    """Pictures side by side, ``nrow`` in a row, with a frame of ``padding`` pixels.

    Shapes:  (n, c, h, w), (n, h, w) as a list, or one picture -> (3 or c, height, width)
    """
    pictures = _batch(tensor)
    if normalize:
        whole = value_range or (float(pictures.min()), float(pictures.max()))
        pictures = np.stack([_scaled(p, value_range or (
            (float(p.min()), float(p.max())) if scale_each else whole)) for p in pictures])
    count, channels, height, width = pictures.shape
    if count == 1:
        return wrap(pictures[0].copy())
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    grid = np.full((channels, rows * (height + padding) + padding,
                    columns * (width + padding) + padding), pad_value, pictures.dtype)
    for place, picture in enumerate(pictures):
        top = (place // columns) * (height + padding) + padding
        left = (place % columns) * (width + padding) + padding
        grid[:, top:top + height, left:left + width] = picture
    return wrap(grid)


def _batch(tensor: Any) -> np.ndarray:
    """(n, c, h, w), grey pictures with three equal channels."""
    if isinstance(tensor, (list, tuple)):
        tensor = np.stack([as_array(t) for t in tensor])
    pictures = as_array(tensor)
    if pictures.ndim == 2:
        pictures = pictures[None]
    if pictures.ndim == 3:
        pictures = pictures[None]
    if pictures.ndim != 4:
        raise ShapeError(f"make_grid: expected pictures (n, c, h, w), got shape {pictures.shape}")
    return np.repeat(pictures, 3, axis=1) if pictures.shape[1] == 1 else pictures


def _scaled(picture: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    low, high = bounds
    return (np.clip(picture, low, high) - low) / max(high - low, 1e-5)


def save_image(tensor: Any, fp: Any, format: str | None = None, **options: Any) -> None:
    """Refused: pictures are written by Pillow or matplotlib.

    Raises:  ArgumentError
    """
    raise ArgumentError("save_image: writing pictures is not part of tricord",
                        hint="plt.imsave(path, make_grid(x).permute(1, 2, 0).numpy())")


__getattr__ = unknown_name("torchvision.utils", lambda: __all__)

"""The face of torchvision that its tutorials use: data sets, transforms, picture grids."""

from __future__ import annotations

from ..torch._names import unknown_name as _unknown_name
from . import datasets, transforms, utils

__all__ = ["datasets", "transforms", "utils"]

__version__ = "0.28.0+tricord"

__getattr__ = _unknown_name("torchvision", lambda: __all__, {
    "models": "torch.nn.Sequential and its layers; model definitions are not included",
    "ops": "torch.nn.functional", "io": "Pillow reads pictures: numpy.asarray(Image.open(path))"})

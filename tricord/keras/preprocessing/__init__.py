"""Preprocessing of images and sequences."""

from .._module import names_of
from ..utils.arrays import timeseries_dataset_from_array
from . import image, sequence

__all__ = ["image", "sequence", "timeseries_dataset_from_array"]
__getattr__ = names_of(__name__, __all__, {
    "text": "use layers.TextVectorization"})

"""How pictures are resized."""

from __future__ import annotations

from enum import Enum

__all__ = ["InterpolationMode"]


class InterpolationMode(Enum):
    """How `Resize` finds pixels."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"

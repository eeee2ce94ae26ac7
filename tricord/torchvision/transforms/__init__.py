"""``torchvision.transforms``: those of `tricord.data.transforms`."""

from __future__ import annotations

from enum import Enum

from ...data import transforms as _own
from ...data.transforms import *  # noqa: F403
from ...torch._names import unknown_name

__all__ = [*_own.__all__, "InterpolationMode"]


class InterpolationMode(Enum):
    """How `Resize` finds pixels."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


__getattr__ = unknown_name("torchvision.transforms", lambda: __all__)

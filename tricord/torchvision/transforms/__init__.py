# ruff: noqa: F403, PLE0604 - it lists the names of others
"""``torchvision.transforms``: those of `tricord.data.transforms`."""

from __future__ import annotations

from ...data import transforms as _own
from ...data.transforms import *
from ...torch._names import unknown_name as _unknown_name
from .modes import InterpolationMode

__all__ = [*_own.__all__, "InterpolationMode"]


__getattr__ = _unknown_name("torchvision.transforms", lambda: __all__)

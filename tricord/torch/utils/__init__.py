"""``torch.utils``."""

from __future__ import annotations

from .._names import unknown_name as _unknown_name
from . import checkpoint, data

__all__ = ["checkpoint", "data"]

__getattr__ = _unknown_name("torch.utils", lambda: __all__, {
    "tensorboard": "write a csv file, or install tensorboardX",
    "cpp_extension": "tricord.primitive adds operations in Python"})

"""Reading and writing entries of a parameter group, which may be tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor.handle import Handle
from ..tensor.recorder import wrap
from ..tensor.views import replace

__all__ = ["set_group_value"]


def set_group_value(group: dict[str, Any], name: str, value: float) -> None:
    """Write a number; a tensor that is there keeps being the one that everybody holds."""
    held = group[name]
    if isinstance(held, Handle):
        replace(held, wrap(np.full(tuple(held.shape), value, held.dtype.numpy)))
    else:
        group[name] = value

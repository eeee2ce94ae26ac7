"""``torch.optim.lr_scheduler``."""

from __future__ import annotations

from ...optim import lr_scheduler as _own
from ...optim.lr_scheduler import *  # noqa: F403
from .._names import unknown_name

__all__ = list(_own.__all__)

_LRScheduler = _own.LRScheduler

__getattr__ = unknown_name("torch.optim.lr_scheduler", lambda: __all__)

"""``torch.nn.functional``."""

from __future__ import annotations

from ...nn import functional as _own
from ...nn.functional import *  # noqa: F403
from .._names import unknown_name

__all__ = list(_own.__all__)

__getattr__ = unknown_name("torch.nn.functional", lambda: __all__)

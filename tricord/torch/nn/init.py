"""``torch.nn.init``."""

from __future__ import annotations

from ...nn import init as _own
from ...nn.init import *  # noqa: F403
from .._names import unknown_name

__all__ = list(_own.__all__)

__getattr__ = unknown_name("torch.nn.init", lambda: __all__)

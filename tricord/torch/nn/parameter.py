"""``torch.nn.parameter``."""

from __future__ import annotations

from ...tensor import Parameter
from .._names import unknown_name

__all__ = ["Parameter"]

__getattr__ = unknown_name("torch.nn.parameter", lambda: __all__)

"""``torch.nn.modules``: the modules under the path where PyTorch defines them."""

from __future__ import annotations

from ... import nn as _nn
from ...nn import *  # noqa: F403
from .._names import unknown_name

__all__ = list(_nn.__all__)

__getattr__ = unknown_name("torch.nn.modules", lambda: __all__)

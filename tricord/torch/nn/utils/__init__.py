# ruff: noqa: F401, F403, PLE0605 - it lists the names of others
"""``torch.nn.utils``."""

from __future__ import annotations

from ....nn import utils as _own
from ....nn.utils import *
from ..._names import unknown_name as _unknown_name
from . import rnn

__all__ = sorted({*_own.__all__, "rnn"})

__getattr__ = _unknown_name("torch.nn.utils", lambda: __all__)

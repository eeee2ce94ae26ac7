"""``torch.nn.utils``."""

from __future__ import annotations

from ....nn import utils as _own
from ....nn.utils import *  # noqa: F403
from ..._names import unknown_name
from . import rnn

__all__ = sorted({*(n for n in _own.__all__), "rnn"})

__getattr__ = unknown_name("torch.nn.utils", lambda: __all__)

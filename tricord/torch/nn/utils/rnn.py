"""``torch.nn.utils.rnn``."""

from __future__ import annotations

from ....nn.utils import rnn as _own
from ....nn.utils.rnn import *  # noqa: F403
from ..._names import unknown_name

__all__ = list(_own.__all__)

__getattr__ = unknown_name("torch.nn.utils.rnn", lambda: __all__)

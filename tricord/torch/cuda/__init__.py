# ruff: noqa: F401, F403, PLE0605 - it lists the names of others
"""``torch.cuda``: tells that there is no such device."""

from __future__ import annotations

from .._names import unknown_name as _unknown_name
from . import absent as _absent
from . import amp
from .absent import *

globals().update(_absent.ABSENT)

__all__ = sorted({*_absent.__all__, *_absent.ABSENT, "amp"})

__getattr__ = _unknown_name("torch.cuda", lambda: __all__)

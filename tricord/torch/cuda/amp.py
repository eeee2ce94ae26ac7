"""``torch.cuda.amp``: `torch.amp` for a device that is not there, which switches it off."""

from __future__ import annotations

from typing import Any

from .. import amp
from .._names import unknown_name

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

custom_fwd, custom_bwd = amp.custom_fwd, amp.custom_bwd


class autocast(amp.autocast):
    """A context that changes nothing."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True):
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """Passes losses through unscaled."""

    def __init__(self, init_scale: float = 65536.0, growth_factor: float = 2.0,
                 backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True):
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval,
                         enabled)


__getattr__ = unknown_name("torch.cuda.amp", lambda: __all__)

"""``torch.amp``: mixed precision. Switched off it does nothing; switched on it is refused.

A model runs in another precision by casting it: ``model.to(torch.bfloat16)``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..errors import NotSupportedError
from ._names import unknown_name

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


class autocast:
    """A context (or decorator) that changes nothing, because it must be disabled.

    For ``device_type="cuda"`` it is disabled by itself, there being no such device.

    Raises:  NotSupportedError if it is enabled for the CPU
    """

    def __init__(self, device_type: str = "cuda", dtype: Any = None, enabled: bool = True,
                 cache_enabled: bool | None = None):
        kind = str(device_type).partition(":")[0]
        if enabled and kind == "cpu":
            raise NotSupportedError("autocast: mixed precision on the cpu is not supported; "
                                    "nothing is cast behind your back",
                                    hint="enabled=False, or model.to(torch.bfloat16)")

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return call


class GradScaler:
    """Scales losses for float16 on graphics devices; without one it passes everything through."""

    def __init__(self, device: str = "cuda", init_scale: float = 65536.0,
                 growth_factor: float = 2.0, backoff_factor: float = 0.5,
                 growth_interval: int = 2000, enabled: bool = True):
        if enabled and str(device).partition(":")[0] == "cpu":
            raise NotSupportedError("GradScaler: there is no loss scaling on the cpu",
                                    hint="enabled=False; bfloat16 needs no scaling")

    def scale(self, outputs: Any) -> Any:
        """The same."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Gradients were not scaled."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step()``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """There is no scale to update."""

    def get_scale(self) -> float:
        return 1.0

    def is_enabled(self) -> bool:
        return False

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to load."""


def is_autocast_available(device_type: str) -> bool:
    return False


def custom_fwd(function: Any = None, *, device_type: str = "cuda",
               cast_inputs: Any = None) -> Any:
    """The function itself."""
    return function if function is not None else lambda f: f


def custom_bwd(function: Any = None, *, device_type: str = "cuda") -> Any:
    """The function itself."""
    return function if function is not None else lambda f: f


__getattr__ = unknown_name("torch.amp", lambda: globals())

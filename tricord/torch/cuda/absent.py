"""What ``torch.cuda`` answers where there is no such device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import NotSupportedError

__all__ = ["ABSENT", "device_count", "empty_cache", "get_rng_state_all", "init", "ipc_collect",
           "is_available", "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all",
           "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved",
           "reset_peak_memory_stats", "seed_all", "set_rng_state_all", "synchronize"]


def is_available() -> bool:
    """False: tricord computes on the CPU."""
    return False


def device_count() -> int:
    """None of them."""
    return 0


def is_initialized() -> bool:
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    return False


# Programs call these without asking; they concern all devices, of which there are none.

def manual_seed(seed: int) -> None:
    """Seeds nothing; `torch.manual_seed` seeds the CPU."""


manual_seed_all = manual_seed


def seed_all() -> None:
    pass


def init() -> None:
    pass


def synchronize(device: Any = None) -> None:
    """Nothing runs elsewhere that could be waited for."""


def empty_cache() -> None:
    pass


def ipc_collect() -> None:
    pass


def reset_peak_memory_stats(device: Any = None) -> None:
    pass


def memory_allocated(device: Any = None) -> int:
    return 0


memory_reserved = max_memory_allocated = max_memory_reserved = memory_allocated


def get_rng_state_all() -> list[Any]:
    return []


def set_rng_state_all(new_states: Any) -> None:
    pass


def _absent(name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError(f"torch.cuda.{name}: there is no cuda device, tricord computes on "
                                "the cpu", hint="if torch.cuda.is_available(): ...")

    function.__name__ = name
    return function


#: What can only be asked of a device.
ABSENT = {name: _absent(name) for name in (
    "Event", "Stream", "current_device", "current_stream", "device", "get_device_capability",
    "get_device_name", "get_device_properties", "get_rng_state", "mem_get_info", "memory_summary",
    "set_device", "set_rng_state", "stream")}

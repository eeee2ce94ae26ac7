"""``torch.mps``: tells that there is no such device."""

from __future__ import annotations

from ._names import unknown_name

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "synchronize"]


def is_available() -> bool:
    """False: tricord computes on the CPU."""
    return False


def device_count() -> int:
    return 0


def manual_seed(seed: int) -> None:
    """Seeds nothing; `torch.manual_seed` seeds the CPU."""


def synchronize() -> None:
    pass


def empty_cache() -> None:
    pass


__getattr__ = unknown_name("torch.mps", lambda: globals())

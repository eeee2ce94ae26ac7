"""``torch.backends.cpu``."""

from __future__ import annotations

from .._names import unknown_name

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """Which instructions PyTorch would use; tricord chooses its own."""
    return "DEFAULT"


__getattr__ = unknown_name("torch.backends.cpu", lambda: __all__)

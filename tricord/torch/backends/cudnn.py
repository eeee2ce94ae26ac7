"""``torch.backends.cudnn``: not there; its switches are kept and change nothing."""

from __future__ import annotations

from .._names import unknown_name

__all__ = ["is_available", "is_built", "version"]

enabled = False
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    return False


def version() -> None:
    return None


__getattr__ = unknown_name("torch.backends.cudnn", lambda: globals())

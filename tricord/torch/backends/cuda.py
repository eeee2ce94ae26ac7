"""``torch.backends.cuda``: not there; its switches are kept and change nothing."""

from __future__ import annotations

from types import SimpleNamespace

from .._names import unknown_name

__all__ = ["is_available", "is_built", "version"]

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False)


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    return False


def version() -> None:
    return None


__getattr__ = unknown_name("torch.backends.cuda", lambda: globals())

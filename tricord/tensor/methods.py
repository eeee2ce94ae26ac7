"""Methods of a tensor, as PyTorch names them. Each is one recorded function."""

from __future__ import annotations

from .handle import Handle

__all__ = ["Methods"]


class Methods(Handle):
    """Filled in below the functions."""

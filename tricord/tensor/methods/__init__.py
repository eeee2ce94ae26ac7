"""Methods of a tensor, as PyTorch names them."""

from .collected import Methods

__all__ = ["Methods"]

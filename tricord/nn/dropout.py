"""Dropout layers: random while training, nothing in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..functions.dropout import check_rate
from . import functional as fn
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
           "FeatureAlphaDropout"]


class _Dropout(Module):
    _function: Callable[..., Any]

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        check_rate(type(self).__name__, p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """See the class."""
        if not self.training:
            return input
        return self._function(input, self.p, True, self.inplace)

    def extra_repr(self) -> str:
        """The rate."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Each element zero with probability ``p``, the others divided by ``1 - p``."""

    _function = staticmethod(fn.dropout)


class Dropout1d(_Dropout):
    """Whole channels of (N, C, L) dropped."""

    _function = staticmethod(fn.dropout1d)


class Dropout2d(_Dropout):
    """Whole channels of (N, C, H, W) dropped."""

    _function = staticmethod(fn.dropout2d)


class Dropout3d(_Dropout):
    """Whole channels of (N, C, D, H, W) dropped."""

    _function = staticmethod(fn.dropout3d)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance of self-normalising networks."""

    _function = staticmethod(fn.alpha_dropout)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels."""

    _function = staticmethod(fn.feature_alpha_dropout)

"""Window functions of signal processing, as vectors.

Source: Harris, "On the use of windows for harmonic analysis", Proceedings of the IEEE, 1978.
A periodic window of length n is a symmetric one of length n + 1 without its last element.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..ir.dtypes import DType, float32, float64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.structural import iota
from .creation import ones

__all__ = ["bartlett_window", "cosine_window"]


def _places(length: int, periodic: bool) -> Node:
    """0 ... 1 along the window."""
    last = length if periodic else length - 1
    return iota((length,), float64) / last


def cosine_window(length: int, weights: Sequence[float], periodic: bool = True,
                  dtype: DType = float32) -> Node:
    """``sum((-1)**k * weights[k] * cos(2 pi k x))``: Hann (0.5, 0.5), Hamming, Blackman.

    Shapes:  -> (length,)
    """
    if length < 2:
        return ones((length,), dtype)
    x = _places(length, periodic)
    total = x * 0.0
    for k, weight in enumerate(weights):
        total = total + ew.cos(x * (2 * math.pi * k)) * ((-1) ** k * weight)
    return ew.cast(total, dtype)


def bartlett_window(length: int, periodic: bool = True, dtype: DType = float32) -> Node:
    """A triangle from 0 to 1 and back.

    Shapes:  -> (length,)
    """
    if length < 2:
        return ones((length,), dtype)
    return ew.cast(1 - ew.absolute(_places(length, periodic) * 2 - 1), dtype)

"""Noise drawn and put on a tensor in one composite; each takes the key and ordinal of one draw."""

from __future__ import annotations

import math

from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast_to
from .dropout import check_rate
from .random import dropout_mask, normal

__all__ = ["alpha_dropped", "gaussian_dropped", "noisy"]


def noisy(x: Node, key: Node, ordinal: int, stddev: float) -> Node:
    """x plus normal noise of mean 0 and that deviation."""
    return x + normal(key, x.shape, ordinal, 0.0, stddev, x.dtype)


def gaussian_dropped(x: Node, key: Node, ordinal: int, rate: float) -> Node:
    """x times normal noise of mean 1 and deviation ``sqrt(rate / (1 - rate))``.

    Source:  Srivastava et al. 2014, Dropout, section 10
    """
    check_rate("gaussian_dropout", rate)
    return x * normal(key, x.shape, ordinal, 1.0, math.sqrt(rate / (1 - rate)), x.dtype)


def alpha_dropped(x: Node, key: Node, ordinal: int, rate: float,
                  noise_shape: tuple[int, ...]) -> Node:
    """`dropout.alpha_dropout` with decisions shared along the axes where ``noise_shape`` is 1."""
    check_rate("alpha_dropout", rate)
    low = -1.7580993408473766  # -selu's alpha * scale
    scale = 1 / math.sqrt((low * low * rate + 1) * (1 - rate))
    keep = broadcast_to(dropout_mask(key, noise_shape, ordinal, rate), x.shape)
    return ew.where(keep, x, ew.scalar_like(low, x)) * scale - low * scale * rate

"""Dropout and its relatives. Each takes the key and ordinal of one draw (see `random`)."""

from __future__ import annotations

import math

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast_to, reshape
from .random import dropout_mask

__all__ = ["alpha_dropout", "channel_dropout", "channel_shape", "check_rate", "dropout",
           "gaussian_dropout", "gaussian_noise"]


def check_rate(what: str, rate: float) -> None:
    if not 0.0 <= rate <= 1.0:
        raise ArgumentError(f"{what}: dropout probability has to be between 0 and 1, but got "
                            f"{rate}")


def channel_shape(x: Node, axis: int = 1) -> tuple[int, ...]:
    """The noise shape that drops whole channels: batch and channels, ones elsewhere."""
    kept = (0, axis % x.ndim) if x.ndim > 1 else (0,)
    return tuple(s if a in kept else 1 for a, s in enumerate(x.shape))


def _mask(what: str, x: Node, key: Node, ordinal: int, rate: float,
          noise_shape: tuple[int, ...] | None) -> Node:
    check_rate(what, rate)
    if not x.dtype.is_inexact:
        raise DTypeError(f"{what}: expected a floating dtype, got {x.dtype}")
    shape = tuple(x.shape) if noise_shape is None else noise_shape
    if len(shape) != x.ndim or any(n not in (1, s) for n, s in zip(shape, x.shape, strict=True)):
        raise ShapeError(f"{what}: noise shape {shape} does not stretch to {tuple(x.shape)}")
    return broadcast_to(dropout_mask(key, shape, ordinal, rate), x.shape)


def dropout(x: Node, key: Node, ordinal: int, rate: float = 0.5,
            noise_shape: tuple[int, ...] | None = None) -> Node:
    """Each element zero with probability ``rate``, the others divided by ``1 - rate``.

    ``noise_shape`` has ones on axes that share a decision.
    """
    check_rate("dropout", rate)
    if rate == 1:
        return x * 0
    keep = _mask("dropout", x, key, ordinal, rate, noise_shape)
    return ew.where(keep, x * (1 / (1 - rate)), ew.zeros_like(x))


def channel_dropout(x: Node, key: Node, ordinal: int, rate: float, batched: bool = True,
                    axis: int = 1) -> Node:
    """`dropout` of whole channels.

    Shapes:  (N, C, *) or, with ``batched`` false, (C, *)
    """
    shape = channel_shape(x, axis) if batched else (x.shape[0], *(1,) * (x.ndim - 1))
    return dropout(x, key, ordinal, rate, shape)


def alpha_dropout(x: Node, key: Node, ordinal: int, rate: float = 0.5,
                  channels: bool = False) -> Node:
    """Dropout towards SELU's lowest value, scaled so that mean 0 and variance 1 stay.

    Source:  Klambauer et al. 2017, Self-Normalizing Neural Networks
    """
    check_rate("alpha_dropout", rate)
    if rate == 1:
        return x * 0
    low = -1.7580993408473766  # -selu's alpha * scale
    scale = 1 / math.sqrt((low * low * rate + 1) * (1 - rate))
    keep = _mask("alpha_dropout", x, key, ordinal, rate, channel_shape(x) if channels else None)
    return ew.where(keep, x, ew.scalar_like(low, x)) * scale - low * scale * rate


def gaussian_dropout(x: Node, noise: Node, rate: float) -> Node:
    """``x`` times normal ``noise`` of mean 1 and deviation ``sqrt(rate / (1 - rate))`` (Keras)."""
    check_rate("gaussian_dropout", rate)
    return x * (1 + reshape(noise, x.shape) * math.sqrt(rate / (1 - rate)))


def gaussian_noise(x: Node, noise: Node, stddev: float) -> Node:
    """``x`` plus normal ``noise`` of that deviation (Keras)."""
    return x + reshape(noise, x.shape) * stddev

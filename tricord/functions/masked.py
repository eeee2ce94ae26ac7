"""Statistics over the steps of a sequence that a mask keeps."""

from __future__ import annotations

from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast, expand_dims
from ..ir.ops.reduce import restore
from .reduction import sum as sum_

__all__ = ["either_step", "masked_moments", "mean_of_kept", "steps"]


def steps(mask: Node, x: Node, axis: int) -> Node:
    """A mask (N, L) stretched over x, whose steps are on ``axis``; a mask of x's rank as it is."""
    mask = mask if mask.dtype.kind == "b" else ew.not_equal(mask, ew.zeros_like(mask))
    return broadcast(mask, x.shape, (0, axis) if mask.ndim == 2 else range(mask.ndim))


def mean_of_kept(x: Node, mask: Node, axis: int = 1, keepdims: bool = False) -> Node:
    """The mean along ``axis`` of the steps that the mask keeps.

    Shapes:  x (N, L, C), or (N, C, L) with axis 2; mask (N, L) -> (N, C)
    """
    kept = steps(mask, x, axis)
    total = sum_(ew.where(kept, x, ew.zeros_like(x)), axis)
    result = total / sum_(ew.cast(kept, x.dtype), axis)
    return expand_dims(result, axis) if keepdims else result


def masked_moments(x: Node, mask: Node, axes: tuple[int, ...], epsilon: float,
                   ) -> tuple[Node, Node]:
    """Mean and variance over the axes, of what the mask (lacking the last axis of x) keeps.

    ``epsilon`` is added to the number of elements, so that none kept gives zeros.
    """
    kept = broadcast(mask, x.shape, range(mask.ndim))
    count = sum_(ew.cast(kept, x.dtype), axes) + epsilon
    mean = sum_(ew.where(kept, x, ew.zeros_like(x)), axes) / count
    centred = ew.where(kept, x - restore(mean, x, axes), ew.zeros_like(x))
    return mean, sum_(centred * centred, axes) / count


def either_step(kept: Node, new: Node, old: Node) -> Node:
    """``new`` for the examples whose step the mask (N,) keeps, ``old`` for the others."""
    mask = kept if kept.dtype.kind == "b" else ew.not_equal(kept, ew.zeros_like(kept))
    return ew.where(broadcast(mask, new.shape, (0,)), new, old)

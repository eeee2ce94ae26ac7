"""Batch normalisation as Keras has it: any batch size, biased variance, masked steps left out."""

from __future__ import annotations

from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.dtypes import float32
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast, reshape
from ..ir.ops.reduce import reduce_sum
from ..ir.shapes import normalise_axis
from .normalization import batch_norm, moved

__all__ = ["train_batch_normalization"]


def train_batch_normalization(x: Node, running_mean: Node, running_var: Node,
                              weight: Node | None = None, bias: Node | None = None,
                              mask: Node | None = None, momentum: float = 0.99,
                              eps: float = 1e-3, axis: int = -1) -> tuple[Node, Node, Node]:
    """Normalised by the batch's statistics; and the running ones, moved by ``1 - momentum``.

    Shapes:  x (batch, *), vectors (C,), mask over the leading axes of x -> x's, (C,), (C,)
    """
    axis = normalise_axis(axis, x.ndim, "batch_normalization")
    others = tuple(a for a in range(x.ndim) if a != axis)
    wide = ew.cast(x, float32) if x.dtype.itemsize < 4 else x
    if mask is None:
        count: Node | int = max(x.size // max(x.shape[axis], 1), 1)
        average = reduce_sum(wide, others) / count
        centred = wide - broadcast(average, wide.shape, (axis,))
        variance = reduce_sum(centred * centred, others) / count
    else:
        keep = reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
        share = ew.cast(broadcast(reshape(keep, mask.shape), wide.shape, tuple(range(mask.ndim))),
                        wide.dtype)
        count = reduce_sum(share, others) + 1e-7
        average = reduce_sum(wide * share, others) / count
        centred = wide - broadcast(average, wide.shape, (axis,))
        variance = reduce_sum(centred * centred * share, others) / count
    y = batch_norm(x, average, variance, weight, bias, eps, axis)
    return y, moved(running_mean, average, 1 - momentum), moved(running_var, variance, 1 - momentum)

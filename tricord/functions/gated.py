"""Activations with a learned slope, and softmax of what a mask keeps."""

from __future__ import annotations

from ..errors import ShapeError
from ..ir import arithmetic
from ..ir.dtypes import bool_, float16
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from .activation import relu, softmax

__all__ = ["learned_relu", "softmax_of_kept"]


def learned_relu(x: Node, slope: Node) -> Node:
    """``max(x, 0) + slope * min(x, 0)``; slopes broadcast over the batch axis."""
    return relu(x) - slope * relu(-x)


def softmax_of_kept(x: Node, mask: Node, axis: int | tuple[int, ...] = -1) -> Node:
    """Softmax over the elements that the mask keeps; the others get 0, even if none is kept.

    Shapes:  mask broadcastable to x; not bool: kept where above 0.5
    """
    short = mask.ndim > x.ndim or any(m not in (1, n) for m, n in zip(
        mask.shape[::-1], x.shape[::-1], strict=False))
    if short:
        raise ShapeError("The `mask` must be broadcastable to `inputs`. Received: inputs.shape="
                         f"{tuple(x.shape)}, mask.shape={tuple(mask.shape)}")
    kept = mask if mask.dtype is bool_ else ew.cast(mask, x.dtype) > 0.5
    low = -3e4 if x.dtype is float16 else -1e9
    return arithmetic.select(kept, softmax(arithmetic.select(kept, x, low), axis), 0.0)

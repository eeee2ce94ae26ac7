"""Several tensors into one, as Keras's merging layers do it.

Tensors of lower rank get axes of size one after the batch axis; then they broadcast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import broadcast_to, concatenate, expand_dims, move_axis
from ..ir.shapes import normalise_axis
from .elementwise import maximum, minimum
from .places import l2_normalize
from .reduction import any as any_

__all__ = ["add", "average", "batch_dot", "either", "joined_mask", "maximum_of", "minimum_of",
           "multiply", "multiply_kept", "subtract"]


def _aligned(nodes: tuple[Node, ...]) -> list[Node]:
    """All of the largest rank."""
    rank = max(x.ndim for x in nodes)
    return [expand_dims(x, *range(1, 1 + rank - x.ndim)) if x.ndim < rank else x for x in nodes]


def _folded(step: Callable[[Any, Any], Any], nodes: tuple[Node, ...]) -> Node:
    first, *rest = _aligned(nodes)
    for x in rest:
        first = step(first, x)
    return first


def add(*nodes: Node) -> Node:
    """The sum of all."""
    return _folded(arithmetic.add, nodes)


def subtract(*nodes: Node) -> Node:
    """The first minus the second.

    Raises:  ArgumentError if there are not two
    """
    if len(nodes) != 2:
        raise ArgumentError("A `Subtract` layer should be called on exactly 2 inputs, it got "
                            f"{len(nodes)}")
    return _folded(arithmetic.subtract, nodes)


def multiply(*nodes: Node) -> Node:
    """The product of all."""
    return _folded(arithmetic.multiply, nodes)


def average(*nodes: Node) -> Node:
    """The mean of all."""
    return add(*nodes) / len(nodes)


def maximum_of(*nodes: Node) -> Node:
    """The largest, element by element."""
    return _folded(maximum, nodes)


def minimum_of(*nodes: Node) -> Node:
    """The smallest, element by element."""
    return _folded(minimum, nodes)


def either(*masks: Node) -> Node:
    """True where any is."""
    return _folded(ew.bitwise_or, masks)


def multiply_kept(*arguments: Any) -> Node:
    """The product of all, where a masked step counts as 1; a step that all mask is 0.

    ``multiply_kept(*tensors, *masks, masked)``: ``masked`` says which tensors have a mask.
    """
    *nodes, masked = arguments
    tensors, masks = nodes[:len(masked)], iter(nodes[len(masked):])
    kept: list[Node] = []
    filled = []
    for x, there in zip(tensors, masked, strict=True):
        if there:
            mask = broadcast_to(expand_dims(next(masks), x.ndim - 1), x.shape)
            kept.append(mask)
            x = ew.where(mask, x, ew.scalar_like(1, x))
        filled.append(x)
    result = multiply(*filled)
    if all(masked):
        result = arithmetic.select(either(*kept), result, 0)
    return result


def batch_dot(x: Node, y: Node, axes: tuple[int, int], normalise: bool = False) -> Node:
    """Sums of products over one axis of each, example by example.

    Shapes:  x (N, *a, k), y (N, k, *b) with k on ``axes`` -> (N, *a, *b), or (N, 1) of vectors
    Source:  keras.layers.Dot
    """
    at, on = (normalise_axis(a, n.ndim, "Dot") for a, n in zip(axes, (x, y), strict=True))
    if 0 in (at, on):
        raise ShapeError("Dot: axis 0 is the batch, it cannot be summed over",
                         hint="add a batch axis: keras.ops.expand_dims(x, 0)")
    if x.shape[at] != y.shape[on]:
        raise ShapeError(f"Incompatible input shapes: axis values {x.shape[at]} (at axis {at}) != "
                         f"{y.shape[on]} (at axis {on}). Full input shapes: {tuple(x.shape)}, "
                         f"{tuple(y.shape)}")
    if normalise:
        x, y = l2_normalize(x, at, 1e-24), l2_normalize(y, on, 1e-24)
    result = dot_general(move_axis(x, at, x.ndim - 1), move_axis(y, on, 1),
                         ((x.ndim - 1,), (1,)), ((0,), (0,)))
    return expand_dims(result, 1) if result.ndim == 1 else result


def joined_mask(*arguments: Any) -> Node:
    """The mask of tensors joined along an axis: kept where any feature is.

    ``joined_mask(*tensors, *masks, masked, axis)``: ``masked`` says which tensors have a mask; the
    others are kept.
    """
    *nodes, masked, axis = arguments
    tensors, masks = nodes[:len(masked)], iter(nodes[len(masked):])
    parts = []
    for x, there in zip(tensors, masked, strict=True):
        mask = next(masks) if there else ew.equal(ew.zeros_like(x), ew.zeros_like(x))
        while mask.ndim < x.ndim:
            mask = expand_dims(mask, mask.ndim)
        parts.append(broadcast_to(mask, x.shape))
    return any_(concatenate(parts, normalise_axis(axis, parts[0].ndim, "Concatenate")), -1)

"""Pass: every dot product brought to the form of a matrix product.

before:  dot x[2,3,4] y[4,5]                     contract the last axis with the first
after:   reshape (dot (reshape x to [6,4]) y)    one axis each: batch (if any), rows, columns, inner
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..ir.node import Node
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import reshape, transpose

__all__ = ["as_matrix_product"]


def as_matrix_product(node: Node) -> Node | None:
    """A rule of `simplify`: the product over operands of two axes, or three with a batch."""
    p = node.params
    x, y = node.parents
    batch = [x.shape[a] for a in p.left_batch]
    left_free = [a for a in range(x.ndim) if a not in (*p.left_contract, *p.left_batch)]
    right_free = [a for a in range(y.ndim) if a not in (*p.right_contract, *p.right_batch)]
    few = 1 if batch else 0
    if all(len(g) == 1 for g in (p.left_contract, left_free, right_free)) and len(batch) == few:
        return None
    left, left_at = _merged(x, [p.left_batch, left_free, p.left_contract])
    right, right_at = _merged(y, [p.right_batch, p.right_contract, right_free])
    b = ((left_at[0],), (right_at[0],)) if batch else ((), ())
    if not batch:
        left, left_at = _without(left, left_at)
        right, right_at = _without(right, right_at)
    product = dot_general(left, right, ((left_at[2],), (right_at[1],)), b)
    return reshape(product, node.shape)


def _merged(x: Node, groups: Sequence[Sequence[int]]) -> tuple[Node, list[int]]:
    """Axes of each group merged into one; returns where each group's axis is.

    Axes that are neighbours in order are merged where they stand; else they are moved first.
    """
    standing = all(list(g) == list(range(g[0], g[0] + len(g))) for g in groups if g)
    if not standing:
        order = [a for g in groups for a in g]
        x = transpose(x, order)
        places = iter(range(x.ndim))
        groups = [[next(places) for _ in g] for g in groups]
    # Groups in the order in which they stand; an empty one counts as an axis of one in front.
    by_place = sorted(range(len(groups)), key=lambda i: (bool(groups[i]), list(groups[i])))
    sizes = [math.prod(x.shape[a] for a in groups[i]) for i in by_place]
    at = [by_place.index(i) for i in range(len(groups))]
    return reshape(x, sizes), at


def _without(x: Node, at: Sequence[int]) -> tuple[Node, list[int]]:
    """Drop the axis of the first group, which is one long."""
    first = at[0]
    shape = [s for a, s in enumerate(x.shape) if a != first]
    return reshape(x, shape), [a - (a > first) for a in at]

"""Masks: bools that say which steps of a sequence count."""

from __future__ import annotations

from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from .elementwise import where
from .manipulation import expand_dims
from .reduction import any as any_
from .reduction import sum as sum_

__all__ = ["all_of", "any_not_equal_to", "keep", "masked_mean", "not_equal_to", "zero_steps"]


def _differs(x: Node, value: float) -> Node:
    return ew.not_equal(x, ew.zeros_like(x) + value if value else ew.zeros_like(x))


def not_equal_to(x: Node, value: float) -> Node:
    """True where x is not the value."""
    return _differs(x, value)


def any_not_equal_to(x: Node, value: float) -> Node:
    """True where not all of the last axis is the value.

    Shapes:  (*, features) -> (*)
    """
    return any_(_differs(x, value), -1)


def zero_steps(x: Node, value: float) -> Node:
    """x, with zeros where all of the last axis is the value."""
    return x * ew.cast(any_(_differs(x, value), -1, True), x.dtype)


def all_of(*masks: Node) -> Node:
    """True where all are."""
    found = masks[0]
    for mask in masks[1:]:
        found = ew.bitwise_and(found, mask)
    return found


def keep(x: Node, mask: Node) -> Node:
    """x where the mask holds, zeros elsewhere; the mask lacks trailing axes of x."""
    while mask.ndim < x.ndim:
        mask = expand_dims(mask, -1)
    return where(mask, x, 0)


def masked_mean(x: Node, mask: Node, axis: int = 1, keepdims: bool = False) -> Node:
    """The mean over the steps that the mask keeps.

    Shapes:  x (batch, steps, features) or, with axis 2, (batch, features, steps); mask
             (batch, steps)
    """
    share = ew.cast(mask, x.dtype)
    share = expand_dims(share, 2 if axis == 1 else 1)
    return sum_(x * share, axis, keepdims) / sum_(share, axis, keepdims)

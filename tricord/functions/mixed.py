"""Composites in mixed precision: weights take the dtype of the data they meet.

A layer keeps its weights in one dtype (float32) and may compute in another (bfloat16). Data in
whole numbers or bools take the dtype of the weights instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ir.node import Node
from ..ir.ops import elementwise as ew

__all__ = ["mixed", "same_dtype"]


def same_dtype(x: Node, *weights: Node) -> list[Node]:
    """x and the weights, all in x's dtype; in that of the first weight if x holds no floats."""
    dtype = x.dtype if x.dtype.is_inexact or not weights else weights[0].dtype
    return [ew.cast(n, dtype) if n.dtype is not dtype else n for n in (x, *weights)]


def mixed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The composite with its node operands brought to one dtype. Call it once per function.

    Operands come first, static values after them; an operand may be None.
    """
    def composite(*arguments: Any) -> Any:
        nodes = [a for a in arguments if isinstance(a, Node)]
        cast = iter(same_dtype(*nodes))
        return function(*(next(cast) if isinstance(a, Node) else a for a in arguments))

    composite.__name__ = composite.__qualname__ = function.__name__
    composite.__doc__ = function.__doc__
    return composite

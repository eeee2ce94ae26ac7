"""Checkpoints: functions whose inside is computed again in the backward pass instead of kept.

Chen, Xu, Zhang, Guestrin: "Training Deep Nets with Sublinear Memory Cost" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..ir.closure import trace_closed
from ..ir.node import Node
from ..ir.ops.control import call

__all__ = ["checkpoint"]


def checkpoint(function: Callable[..., Node | Sequence[Node]], *operands: Node) -> list[Node]:
    """The results of ``function(*operands)``, keeping only the operands for the backward pass.

    The function may use other nodes too; they count as operands.

    Cost:  the function's forward pass a second time during the backward pass; memory for its
           operands and results instead of all that happens inside

    >>> from ..ir.graph import make_input
    >>> from ..ir.shapes import tensor_type
    >>> from ..ir.dtypes import float32
    >>> x = make_input(0, tensor_type((3,), float32))
    >>> checkpoint(lambda x: x * x + 1, x)
    [<pick float32[3]>]
    """
    graph, captured = trace_closed(function, [n.type for n in operands])
    return call(graph, [*captured, *operands])

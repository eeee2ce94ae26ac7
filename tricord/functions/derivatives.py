"""Whole derivative matrices of recorded functions: all rows at once, as one batch."""

from __future__ import annotations

from typing import Any

from ..autodiff import batch_graph, gradients
from ..ir.graph import Graph, make_input
from ..ir.node import Node
from ..ir.ops.elementwise import zeros_like
from ..ir.ops.movement import reshape
from ..ir.shapes import TensorType
from .creation import eye, full

__all__ = ["jacobians"]

#: Slots of stand-ins for cotangents; no program has that many inputs.
_STAND_INS = 1 << 29


def jacobians(*rest: Any) -> list[Node]:
    """The Jacobian of every output with respect to each of the first ``count`` inputs.

    ``rest``: the operands of the graph, then the graph and ``count``. Outputs vary slowest.

    Shapes:  (*output.shape, *input.shape) each
    """
    *nodes, graph, count = rest
    return [row for place, output in enumerate(graph.outputs)
            for row in _rows(nodes, graph, output, count, _STAND_INS + 2 * place)]


def _rows(nodes: list[Node], graph: Graph, output: Node, count: int, slot: int) -> list[Node]:
    wrt = graph.inputs[:count]
    seed = make_input(slot, output.type)
    found = gradients([output], [seed], wrt)
    size = output.type.size
    wide = make_input(slot + 1, TensorType((size, *output.shape), output.dtype))
    known = [(i, g) for i, g in enumerate(found) if g is not None]
    batched = batch_graph([g for _, g in known], {seed: wide}, size)
    unit = reshape(eye(size, dtype=output.dtype), wide.shape)
    applied = Graph((*graph.inputs, wide), tuple(batched)).apply([*nodes, unit])
    rows = {i: reshape(row, (*output.shape, *wrt[i].shape))
            for (i, _), row in zip(known, applied, strict=True)}
    return [rows[i] if i in rows else full((*output.shape, *x.shape), 0, zeros_like(x).dtype)
            for i, x in enumerate(wrt)]

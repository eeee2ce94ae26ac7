"""A graph called as one operation: its inside is kept apart from the program around it.

The derivative is again a call, of the body's derivative, which holds the forward computation too.
So nothing inside a body is kept for the backward pass: it is computed again. That is what
`autodiff.checkpoint` is made of; whoever inlines a call gives that up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....errors import ArgumentError, ShapeError
from ...dtypes import DType, float32, float64
from ...evaluate import prepared
from ...graph import Graph
from ...lowering import Control
from ...node import Node
from ...record import ErrorSample, Primitive, Sample, register
from ...samples import uniform
from ...shapes import Shape, TensorType, tensor_type
from ..movement import broadcast_leading
from .bodies import batched_graph, canonical, check_inputs, jvp_graph, vjp_graph

__all__ = ["Call", "call"]


@dataclass(frozen=True)
class Call:
    body: Graph


def _shape(p: Call, *types: TensorType) -> list[Shape]:
    check_inputs("call", "the graph", p.body, types)
    if not p.body.outputs:
        raise ArgumentError("call: the graph has no outputs")
    return [t.shape for t in p.body.output_types]


def _dtype(p: Call, *types: TensorType) -> list[DType]:
    return [t.dtype for t in p.body.output_types]


def _vjp(node: Node, *cotangents: Node | None) -> list[Node | None]:
    given = [c for c in cotangents if c is not None]
    body, found = vjp_graph(node.params.body, tuple(n.needs_grad for n in node.parents),
                            tuple(c is not None for c in cotangents))
    parts = iter(call(body, [*node.parents, *given]))
    return [next(parts) if f else None for f in found]


def _jvp(node: Node, *tangents: Node | None) -> list[Node | None]:
    given = [t for t in tangents if t is not None]
    body, found = jvp_graph(node.params.body, tuple(t is not None for t in tangents))
    parts = iter(call(body, [*node.parents, *given]))
    return [next(parts) if f else None for f in found]


def _batch(p: Call, args: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    body, with_axis = batched_graph(p.body, tuple(batched), size)
    return [o if w else broadcast_leading(o, size)
            for o, w in zip(call(body, args), with_axis, strict=True)]


def _reference(p: Call, *arrays: Any) -> tuple[Any, ...]:
    return tuple(prepared(p.body)(arrays))


def _samples() -> list[Sample]:
    pair = [tensor_type((2, 3), float64)] * 2
    return [Sample((uniform(2, 3, dtype="float64"), uniform(2, 3, dtype="float64", seed=1)),
                   {"body": Graph.trace(lambda x, y: (x * y * y, x + 1), pair)}),
            Sample((uniform(2, 3), uniform(2, 3, seed=1)), {"body": Graph.trace(
                lambda x, y: x * y, [tensor_type((2, 3), float32)] * 2)}, differentiable=False)]


def _errors() -> list[ErrorSample]:
    body = Graph.trace(lambda x: x * x, [tensor_type((2,), float32)])
    return [ErrorSample((uniform(3),), "input 0 of the graph is float32[2], got float32[3]",
                        {"body": body}, ShapeError),
            ErrorSample((uniform(2), uniform(2)), "takes 1 inputs, got 2", {"body": body},
                        ArgumentError)]


_call = register(Primitive(
    "call", lower=Control("call"),
    params=Call, shape_rule=_shape, dtype_rule=_dtype, vjp=_vjp, jvp=_jvp, batch=_batch,
    reference=_reference, samples=_samples, errors=_errors, several_outputs=True))


def call(body: Graph, operands: Sequence[Node]) -> list[Node]:
    """The outputs of ``body`` for these operands, as one operation.

    Cost:  as the body; in a gradient, the body's forward part is computed a second time
    """
    return list(_call(*operands, body=canonical(body)).outputs) if body.outputs else []

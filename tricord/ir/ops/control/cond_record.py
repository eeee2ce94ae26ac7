"""A choice between two graphs, made when the program runs: only the chosen one is computed.

The derivative chooses again, between the derivatives of the two graphs, and computes what it needs
of the forward part anew: the branches would keep different things, and a program has fixed shapes.
When vmap gives each example its own predicate, both graphs are computed and each example selects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import ArgumentError, DTypeError, ShapeError
from ...dtypes import DType, bool_, float32, float64
from ...evaluate import prepared
from ...graph import Graph
from ...lowering import Control
from ...node import Node, operators
from ...record import ErrorSample, Primitive, Sample, register
from ...samples import uniform
from ...shapes import Shape, TensorType, tensor_type
from ..movement import broadcast
from .bodies import (
    Flags,
    batched_graph,
    canonical,
    check_inputs,
    check_same,
    jvp_graph,
    vjp_graph,
    zeros_of,
)

__all__ = ["Cond", "cond"]


@dataclass(frozen=True)
class Cond:
    """Operands: the predicate, then what both graphs take."""

    on_true: Graph
    on_false: Graph


def check_predicate(name: str, type: TensorType) -> None:
    if type.dtype is not bool_:
        raise DTypeError(f"{name}: the predicate must be bool, got {type.dtype}",
                         hint="compare, e.g. x > 0")
    if type.ndim:
        raise ShapeError(f"{name}: the predicate must be 0-d, got shape {tuple(type.shape)}",
                         hint="use where to choose element by element, or reduce with any or all")


def _shape(p: Cond, predicate: TensorType, *types: TensorType) -> list[Shape]:
    check_predicate("cond", predicate)
    check_inputs("cond", "the true branch", p.on_true, types)
    check_inputs("cond", "the false branch", p.on_false, types)
    if len(p.on_true.outputs) != len(p.on_false.outputs) or not p.on_true.outputs:
        raise ArgumentError(f"cond: the branches give {len(p.on_true.outputs)} and "
                            f"{len(p.on_false.outputs)} outputs; both must give as many, and one "
                            "at least")
    for i, (a, b) in enumerate(zip(p.on_true.output_types, p.on_false.output_types, strict=True)):
        check_same("cond", f"output {i}", a, b, ("is", "in the false branch"))
    return [t.shape for t in p.on_true.output_types]


def _dtype(p: Cond, *types: TensorType) -> list[DType]:
    return [t.dtype for t in p.on_true.output_types]


def _derived(made: Sequence[tuple[Graph, Flags]], places: Sequence[TensorType]
             ) -> tuple[list[Graph], Flags]:
    """Two derived graphs brought to equal outputs: zeros where only the other one has a value."""
    union = tuple(any(flags) for flags in zip(*(found for _, found in made), strict=True))
    graphs = []
    for graph, found in made:
        values = iter(graph.outputs)
        outputs = [next(values) if f else zeros_of(t)
                   for f, u, t in zip(found, union, places, strict=True) if u]
        graphs.append(Graph(graph.inputs, tuple(outputs)))
    return graphs, union


def _vjp(node: Node, *cotangents: Node | None) -> list[Node | None]:
    p, (predicate, *operands) = node.params, node.parents
    wanted = tuple(n.needs_grad for n in operands)
    given = tuple(c is not None for c in cotangents)
    (on_true, on_false), union = _derived(
        [vjp_graph(p.on_true, wanted, given), vjp_graph(p.on_false, wanted, given)],
        [n.type for n in operands])
    seeds = [c for c in cotangents if c is not None]
    parts = iter(cond(predicate, on_true, on_false, [*operands, *seeds]))
    return [None, *(next(parts) if u else None for u in union)]


def _jvp(node: Node, _: None, *tangents: Node | None) -> list[Node | None]:
    p, (predicate, *operands) = node.params, node.parents
    moving = tuple(t is not None for t in tangents)
    (on_true, on_false), union = _derived(
        [jvp_graph(p.on_true, moving), jvp_graph(p.on_false, moving)], node.types)
    seeds = [t for t in tangents if t is not None]
    parts = iter(cond(predicate, on_true, on_false, [*operands, *seeds]))
    return [next(parts) if u else None for u in union]


def _batch(p: Cond, args: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    predicate, *operands = args
    flags = tuple(batched[1:])
    everything = (True,) * len(p.on_true.outputs)
    on_true, _ = batched_graph(p.on_true, flags, size, everything)
    on_false, _ = batched_graph(p.on_false, flags, size, everything)
    if not batched[0]:
        return cond(predicate, on_true, on_false, operands)
    return [operators.where(broadcast(predicate, a.shape, (0,)), a, b) for a, b in zip(
        on_true.apply(operands), on_false.apply(operands), strict=True)]


def _reference(p: Cond, predicate: Any, *arrays: Any) -> tuple[Any, ...]:
    return tuple(prepared(p.on_true if predicate else p.on_false)(arrays))


def _samples() -> list[Sample]:
    pair = [tensor_type((3,), float64)] * 2
    branches = {"on_true": Graph.trace(lambda x, y: (x * x * y, x), pair),
                "on_false": Graph.trace(lambda x, y: (y * y * y, x * x), pair)}
    double = (uniform(3, dtype="float64"), uniform(3, dtype="float64", seed=1))
    single = [tensor_type((), float32)]
    return [Sample((np.array(True), *double), branches),
            Sample((np.array(False), *double), branches),
            Sample((np.array(True), uniform()), {
                "on_true": Graph.trace(lambda x: x + 1, single),
                "on_false": Graph.trace(lambda x: x * 2, single)}, differentiable=False)]


def _errors() -> list[ErrorSample]:
    one = [tensor_type((2,), float32)]
    same = Graph.trace(lambda x: x, one)
    both = {"on_true": same, "on_false": same}
    yes = np.array(True)
    return [
        ErrorSample((uniform(), uniform(2)), "predicate must be bool", both, DTypeError),
        ErrorSample((np.array([True]), uniform(2)), "must be 0-d", both, ShapeError),
        ErrorSample((yes, uniform(3)), "got float32[3]", both, ShapeError),
        ErrorSample((yes, uniform(2)), "give 1 and 2 outputs", {
            "on_true": same, "on_false": Graph.trace(lambda x: (x, x), one)}, ArgumentError),
        ErrorSample((yes, uniform(2)), "output 0 is float32[2] and in the false branch bool[2]", {
            "on_true": same, "on_false": Graph.trace(lambda x: x > 0, one)}, DTypeError)]


_cond = register(Primitive(
    "cond", lower=Control("cond"),
    params=Cond, shape_rule=_shape, dtype_rule=_dtype, vjp=_vjp, jvp=_jvp, batch=_batch,
    reference=_reference, samples=_samples, errors=_errors, several_outputs=True))


def cond(predicate: Node, on_true: Graph, on_false: Graph,
         operands: Sequence[Node]) -> list[Node]:
    """The outputs of one of two graphs, chosen by ``predicate`` when the program runs.

    Shapes:  predicate 0-d bool; both graphs take the operands and give equal types
    Cost:    the chosen graph; both when the predicate is batched by vmap
    """
    if not on_true.outputs and not on_false.outputs:
        return []
    return list(_cond(predicate, *operands, on_true=canonical(on_true),
                      on_false=canonical(on_false)).outputs)

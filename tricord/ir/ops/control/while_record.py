"""A graph repeated while another graph says so; how often is known only when the program runs.

Reverse mode needs the state of every step, and a program has fixed shapes. Two ways:

- With ``max_iterations`` the loop is a scan of that length whose idle steps do nothing, and the
  residuals of all steps are kept: time and memory as for a scan of ``max_iterations`` steps.
- Without, only the number of steps n is kept, and each state is computed again from the start:
  memory of one state, but n * (n - 1) / 2 more steps. Fine for a handful of Newton steps; for long
  loops give ``max_iterations``, or write a scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import ArgumentError, DTypeError, ShapeError
from ...dtypes import DType, bool_, float32, float64, int32
from ...evaluate import prepared
from ...graph import Graph, make_input
from ...lowering import Control
from ...node import Node, operators
from ...record import ErrorSample, Primitive, Sample, register
from ...samples import uniform
from ...shapes import Shape, TensorType, tensor_type
from .. import elementwise as ew
from ..movement import broadcast, broadcast_leading
from ..reduce import reduce_any
from ..structural import constant
from .bodies import (
    batched_graph,
    canonical,
    check_inputs,
    check_same,
    fixpoint,
    jvp_graph,
    or_zeros,
    vjp_graph,
    zeros_of,
)
from .cond_record import cond
from .scan_record import scan_node

__all__ = ["While", "while_loop"]


@dataclass(frozen=True)
class While:
    """Operands, and inputs of both graphs: ``consts`` constants, then the carries."""

    condition: Graph
    body: Graph
    consts: int
    max_iterations: int | None = None


def _shape(p: While, *types: TensorType) -> list[Shape]:
    if not 0 <= p.consts < len(types) or (p.max_iterations is not None and p.max_iterations < 0):
        raise ArgumentError(f"while_loop: {p.consts} constants of {len(types)} operands, at most "
                            f"{p.max_iterations} steps", hint="a loop needs a carry")
    check_inputs("while_loop", "the condition", p.condition, types)
    check_inputs("while_loop", "the body", p.body, types)
    if p.condition.output_types != (tensor_type((), bool_),):
        raise DTypeError("while_loop: the condition must give one 0-d bool, got "
                         + ", ".join(map(repr, p.condition.output_types)))
    carries = types[p.consts:]
    if len(p.body.outputs) != len(carries):
        raise ArgumentError(f"while_loop: the body gives {len(p.body.outputs)} outputs for "
                            f"{len(carries)} carries")
    for i, (into, out) in enumerate(zip(carries, p.body.output_types, strict=True)):
        check_same("while_loop", f"carry {i}", into, out, ("goes in as", "comes out as"))
    return [t.shape for t in carries]


def _dtype(p: While, *types: TensorType) -> list[DType]:
    return [t.dtype for t in p.body.output_types]


def _reference(p: While, *arrays: Any) -> tuple[Any, ...]:
    condition, body = prepared(p.condition, p.consts), prepared(p.body, p.consts)
    consts, carry = arrays[:p.consts], list(arrays[p.consts:])
    asked, started = condition.start(consts), body.start(consts)
    steps = 0
    while p.max_iterations is None or steps < p.max_iterations:
        if not condition.step(asked, carry)[0]:
            break
        carry = body.step(started, carry)
        steps += 1
    return tuple(carry)


# ---- forward mode and batching: another loop

def _jvp(node: Node, *tangents: Node | None) -> list[Node | None]:
    p, body = node.params, canonical(node.params.body)
    moving = fixpoint(body, [t is not None for t in tangents], p.consts, len(body.outputs),
                      lambda type: type.dtype.is_inexact)
    derived, found = jvp_graph(body, moving)
    given = [i for i, m in enumerate(moving) if m]
    seeds = dict(zip(given, derived.inputs[len(body.inputs):]))
    const_seeds = [i for i in given if i < p.consts]
    carry_seeds = [i for i in given if i >= p.consts]
    values = iter(derived.outputs)
    out = [next(values) if f else None for f in found]
    inputs = (*body.inputs[:p.consts], *(seeds[i] for i in const_seeds),
              *body.inputs[p.consts:], *(seeds[i] for i in carry_seeds))
    outputs = (*body.outputs, *(or_zeros(out[i - p.consts], body.inputs[i].type)
                                for i in carry_seeds))
    condition = Graph(inputs, tuple(canonical(p.condition).outputs))
    parents = node.parents
    result = while_loop(
        condition, Graph(inputs, outputs),
        [*parents[:p.consts], *(or_zeros(tangents[i], parents[i].type) for i in const_seeds)],
        [*parents[p.consts:], *(or_zeros(tangents[i], parents[i].type) for i in carry_seeds)],
        p.max_iterations)
    found_for = dict(zip(carry_seeds, result[len(body.outputs):], strict=True))
    return [found_for.get(p.consts + i) for i in range(len(body.outputs))]


def _batch(p: While, args: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    carries = len(args) - p.consts
    flags = fixpoint(canonical(p.body), batched, p.consts, carries)
    condition, (each,) = batched_graph(p.condition, flags, size)
    if each:  # examples stop at different times: carry all, and let those that are done stand still
        flags = (*flags[:p.consts], *(True for _ in range(carries)))
        condition, _ = batched_graph(p.condition, flags, size)
    body, _ = batched_graph(p.body, flags, size, flags[p.consts:])
    if each:
        [goes_on] = condition.apply(body.inputs)
        held = [operators.where(broadcast(goes_on, new.shape, (0,)), new, old)
                for new, old in zip(body.outputs, body.inputs[p.consts:], strict=True)]
        body = Graph(body.inputs, tuple(held))
        condition = Graph(condition.inputs, (reduce_any(condition.outputs[0], axes=(0,)),))
    carry = [broadcast_leading(a, size) if f and not b else a for a, f, b in zip(
        args[p.consts:], flags[p.consts:], batched[p.consts:], strict=True)]
    result = while_loop(condition, body, args[:p.consts], carry, p.max_iterations)
    return [r if f else broadcast_leading(r, size)
            for r, f in zip(result, flags[p.consts:], strict=True)]


# ---- reverse mode

def _vjp(node: Node, *cotangents: Node | None) -> Sequence[Node | None]:
    if node.params.max_iterations is not None:
        return _vjp_by_scan(node, *cotangents)
    return _vjp_by_counting(node, *cotangents)


def _vjp_by_scan(node: Node, *cotangents: Node | None) -> Sequence[Node | None]:
    p = node.params
    condition, body = canonical(p.condition), canonical(p.body)
    stay = Graph(body.inputs, body.inputs[p.consts:])
    step = Graph(body.inputs, tuple(cond(condition.outputs[0], body, stay, body.inputs)))
    masked = scan_node(step, node.parents, length=p.max_iterations, consts=p.consts,
                       carries=len(body.outputs), reverse=False)[0].parents[0]
    rule = masked.op.vjp
    assert callable(rule)
    return rule(masked, *cotangents)


def _with_counter(graph: Graph, consts: int) -> tuple[Node, tuple[Node, ...]]:
    """An int32 input after all others, and the inputs with it in front of the carries."""
    counter = make_input(len(graph.inputs), tensor_type((), int32))
    return counter, (*graph.inputs[:consts], counter, *graph.inputs[consts:])


def _counted_body(p: While) -> tuple[Node, Graph]:
    """The body with a count of steps as first carry."""
    body = canonical(p.body)
    counter, inputs = _with_counter(body, p.consts)
    return counter, Graph(inputs, (counter + 1, *body.outputs))


def _vjp_by_counting(node: Node, *cotangents: Node | None) -> list[Node | None]:
    p, body = node.params, canonical(node.params.body)
    consts, start = node.parents[:p.consts], node.parents[p.consts:]
    wanted = tuple(n.needs_grad for n in node.parents)
    active = fixpoint(body, wanted, p.consts, len(start), lambda type: type.dtype.is_inexact)
    moved = [i for i in range(len(start)) if active[p.consts + i]]
    summed = [i for i in range(p.consts) if active[i]]
    counter, counted = _counted_body(p)
    condition = Graph(counted.inputs, canonical(p.condition).outputs)
    zero = constant(0, int32)
    trips = while_loop(condition, counted, consts, [zero, *start])[0]

    # Backwards: how many steps are left, cotangents of the carries, sums for the constants.
    transposed, found = vjp_graph(body, active, active[p.consts:])
    carry_types = [start[i].type for i in moved] + [consts[i].type for i in summed]
    types = [*(n.type for n in node.parents), tensor_type((), int32), *carry_types]
    inputs = [make_input(i, t, t.dtype.is_inexact) for i, t in enumerate(types)]
    mine, first = inputs[:len(body.inputs)], inputs[len(body.inputs)]
    seeds, sums = inputs[len(mine) + 1:][:len(moved)], inputs[len(mine) + 1 + len(moved):]
    left = first - 1
    state = _state_after(p, counter, counted, left, mine)
    values = iter(transposed.apply([*mine[:p.consts], *state, *seeds]))
    parts = [next(values) if f else None for f in found]
    new_seeds = [or_zeros(parts[p.consts + i], start[i].type) for i in moved]
    new_sums = [s if parts[i] is None else s + parts[i] for s, i in zip(sums, summed, strict=True)]
    back = while_loop(
        Graph(tuple(inputs), (ew.greater(first, constant(0, int32)),)),
        Graph(tuple(inputs), (left, *new_seeds, *new_sums)), [*consts, *start],
        [trips, *(or_zeros(cotangents[i], start[i].type) for i in moved),
         *(zeros_of(consts[i].type) for i in summed)])
    result: list[Node | None] = [None] * len(node.parents)
    for place, part in zip([*(p.consts + i for i in moved), *summed], back[1:], strict=True):
        result[place] = part if wanted[place] else None
    return result


def _state_after(p: While, counter: Node, counted: Graph, steps: Node, operands: Sequence[Node]
                 ) -> list[Node]:
    """The carries after so many steps from the start."""
    limit = make_input(len(counted.inputs), tensor_type((), int32))
    inputs = (*counted.inputs[:p.consts], limit, *counted.inputs[p.consts:])
    return while_loop(Graph(inputs, (ew.less(counter, limit),)), Graph(inputs, counted.outputs),
                      [*operands[:p.consts], steps],
                      [constant(0, int32), *operands[p.consts:]])[1:]


# ---- samples

def _grow(dtype: DType) -> dict[str, Any]:
    """c = c * a + c while the sum of what was added is small: four steps or so."""
    types = [tensor_type((), dtype), tensor_type((), dtype), tensor_type((2,), dtype)]
    return {"condition": Graph.trace(lambda a, i, c: i < 3.5, types),
            "body": Graph.trace(
                lambda a, i, c: (i + 1, c * c * 0.25 + c * broadcast(a, (2,), ())), types),
            "consts": 1}


def _samples() -> list[Sample]:
    arrays = [(uniform(dtype=d), np.zeros((), d.numpy), uniform(2, dtype=d, seed=1))
              for d in (float64, float32)]
    return [Sample(arrays[0], {**_grow(float64), "max_iterations": 5}),
            Sample(arrays[0], {**_grow(float64), "max_iterations": 2}),
            Sample(arrays[0], _grow(float64)),
            Sample(arrays[1], _grow(float32), differentiable=False)]


def _errors() -> list[ErrorSample]:
    one = [tensor_type((2,), float32)]
    same = Graph.trace(lambda c: c, one)
    yes = Graph.trace(lambda c: constant(True, bool_), one)
    return [
        ErrorSample((uniform(2),), "one 0-d bool", {
            "condition": Graph.trace(lambda c: c > 0, one), "body": same, "consts": 0},
            DTypeError),
        ErrorSample((uniform(2),), "comes out as bool[2]", {
            "condition": yes, "body": Graph.trace(lambda c: c > 0, one), "consts": 0}, DTypeError),
        ErrorSample((uniform(3),), "got float32[3]", {
            "condition": yes, "body": same, "consts": 0}, ShapeError),
        ErrorSample((uniform(2),), "a loop needs a carry", {
            "condition": yes, "body": same, "consts": 1}, ArgumentError)]


_while = register(Primitive(
    "while_loop", lower=Control("while_loop"),
    params=While, shape_rule=_shape, dtype_rule=_dtype, vjp=_vjp, jvp=_jvp,
    batch=_batch, reference=_reference, samples=_samples, errors=_errors, several_outputs=True))


def while_loop(condition: Graph, body: Graph, consts: Sequence[Node], carry: Sequence[Node],
               max_iterations: int | None = None) -> list[Node]:
    """The carries after ``body`` was repeated as long as ``condition`` holds.

    Both graphs take consts, then carries. At most ``max_iterations`` steps are taken, if given.

    Raises:  ShapeError, DTypeError if a carry changes its type; DTypeError if the condition does
             not give one 0-d bool
    Cost:    in reverse mode see the head of this file: give ``max_iterations`` for long loops
    """
    return list(_while(*consts, *carry, condition=canonical(condition), body=canonical(body),
                       consts=len(consts), max_iterations=max_iterations).outputs)

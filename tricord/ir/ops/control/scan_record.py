"""A graph repeated along the leading axis of its operands, a carry handed from step to step.

Forward mode and batching run the derived body in a scan of the same length. Reverse mode runs the
transposed body backwards; `scan_reverse` says how that body is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import ArgumentError, DTypeError, ShapeError
from ...dtypes import DType, float32, float64
from ...evaluate import prepared
from ...graph import Graph, substitute
from ...lowering import Control
from ...node import Node
from ...record import ErrorSample, Primitive, Sample, register
from ...samples import uniform
from ...shapes import Shape, TensorType, tensor_type
from ..contraction import dot_general
from ..movement import broadcast_leading, move_axis
from .bodies import (
    batched_graph,
    canonical,
    check_inputs,
    check_same,
    fixpoint,
    jvp_graph,
    or_zeros,
    zeros_of,
)
from .scan_reverse import Source, backward_plan

__all__ = ["Scan", "scan", "scan_node"]


@dataclass(frozen=True)
class Scan:
    """Operands and inputs of the body: ``consts`` constants, ``carries`` carries, then slices.

    Outputs of the body: the carries, then what is stacked. ``reverse``: from the last slice to the
    first; slice i and stacked output i still belong together.
    """

    body: Graph
    length: int
    consts: int
    carries: int
    reverse: bool = False

    def split(self, values: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Operands as constants, carries and slices."""
        end = self.consts + self.carries
        return (list(values[:self.consts]), list(values[self.consts:end]), list(values[end:]))


def _slice_type(p: Scan, number: int, type: TensorType) -> TensorType:
    if type.ndim == 0 or type.shape[0] != p.length:
        raise ShapeError(f"scan: operand {number} of shape {tuple(type.shape)} is scanned "
                         f"{p.length} times; its leading axis must have that size")
    return TensorType(type.shape[1:], type.dtype)


def _shape(p: Scan, *types: TensorType) -> list[Shape]:
    if p.length < 0 or not 0 <= p.consts + p.carries <= len(types):
        raise ArgumentError(f"scan: {p.consts} constants, {p.carries} carries and length "
                            f"{p.length} do not go with {len(types)} operands")
    consts, carries, xs = p.split(types)
    slices = [_slice_type(p, p.consts + p.carries + i, t) for i, t in enumerate(xs)]
    check_inputs("scan", "the body", p.body, [*consts, *carries, *slices])
    if not p.body.outputs or len(p.body.outputs) < p.carries:
        raise ArgumentError(f"scan: the body gives {len(p.body.outputs)} outputs, and must give "
                            f"the {p.carries} carries, and one output at least")
    for i, (into, out) in enumerate(zip(carries, p.body.output_types)):
        check_same("scan", f"carry {i}", into, out, ("goes in as", "comes out as"))
    stacked = [Shape((p.length, *t.shape)) for t in p.body.output_types[p.carries:]]
    return [*(t.shape for t in carries), *stacked]


def _dtype(p: Scan, *types: TensorType) -> list[DType]:
    return [t.dtype for t in p.body.output_types]


def _vjp(node: Node, *cotangents: Node | None) -> list[Node | None]:
    p, body = node.params, canonical(node.params.body)
    plan = backward_plan(body, p.consts, p.carries, tuple(n.needs_grad for n in node.parents),
                         tuple(c is not None for c in cotangents))
    consts, _, xs = p.split(node.parents)
    kept = _kept(node, plan.residuals)
    hoisted = substitute(plan.hoisted, dict(zip(body.inputs, consts)))
    carry = [or_zeros(cotangents[i], body.outputs[i].type) for i in plan.carries]
    seeds = [c for c in cotangents[p.carries:] if c is not None]
    back, stacked = scan(
        plan.body, [*(consts[i] for i in plan.consts), *hoisted],
        [*carry, *(zeros_of(consts[i].type) for i in plan.summed)],
        [*seeds, *(xs[i] for i in plan.xs), *kept], length=p.length, reverse=not p.reverse)

    result: list[Node | None] = [None] * len(node.parents)
    places = [*(p.consts + i for i in plan.carries), *plan.summed,
              *(p.consts + p.carries + i for i in plan.sliced)]
    for place, cotangent in zip(places, [*back, *stacked]):
        result[place] = cotangent
    steps: dict[Source, list[Node]] = {"operand": xs, "kept": kept,
                                       "emitted": stacked[len(plan.sliced):]}
    for product in plan.products:
        left, right = (steps[kind][i] for kind, i in (product.left, product.right))
        total = product.sum_over_steps(left, right)
        earlier = result[product.const]
        result[product.const] = total if earlier is None else earlier + total
    return [r if n.needs_grad else None for r, n in zip(result, node.parents, strict=True)]


def _kept(node: Node, residuals: Sequence[Node]) -> list[Node]:
    """Values of nodes of the body, stacked over the steps by a scan that also gives them."""
    p, body = node.params, canonical(node.params.body)
    own = {o: i for i, o in reversed(list(enumerate(body.outputs))) if i >= p.carries}
    extra = [r for r in residuals if r not in own]
    if not extra:
        return [node.outputs[own[r]] for r in residuals]
    longer = Graph(body.inputs, (*body.outputs, *extra))
    outputs = scan_node(longer, node.parents, length=p.length, consts=p.consts, carries=p.carries,
                        reverse=p.reverse)
    place = {**{r: len(body.outputs) + i for i, r in enumerate(extra)}, **own}
    return [outputs[place[r]] for r in residuals]


def _jvp(node: Node, *tangents: Node | None) -> list[Node | None]:
    p = node.params
    body = canonical(p.body)
    moving = fixpoint(body, [t is not None for t in tangents], p.consts, p.carries,
                      lambda type: type.dtype.is_inexact)
    derived, found = jvp_graph(body, moving)
    groups = p.split(range(len(body.inputs)))
    # The derived graph takes all inputs, then all tangents; a scan wants them group by group.
    seeds = dict(zip((i for i, m in enumerate(moving) if m), derived.inputs[len(body.inputs):]))
    inputs = [n for g in groups for n in (*(body.inputs[i] for i in g),
                                          *(seeds[i] for i in g if moving[i]))]
    values = iter(derived.outputs)
    out = [next(values) if f else None for f in found]
    carried = [c for c in range(p.carries) if moving[p.consts + c]]
    stacked = {i: t for i, t in enumerate(out) if i >= p.carries and t is not None}
    outputs = [*body.outputs[:p.carries],
               *(or_zeros(out[c], body.outputs[c].type) for c in carried),
               *stacked.values()]

    def with_tangents(group: Sequence[int]) -> list[Node]:
        return [*(node.parents[i] for i in group),
                *(or_zeros(tangents[i], node.parents[i].type) for i in group if moving[i])]

    carry, ys = scan(Graph(tuple(inputs), tuple(outputs)), *map(with_tangents, groups),
                     length=p.length, reverse=p.reverse)
    result: list[Node | None] = [None] * len(out)
    for place, tangent in zip([*carried, *stacked], [*carry[p.carries:], *ys], strict=True):
        result[place] = tangent
    return result


def _batch(p: Scan, args: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    flags = fixpoint(canonical(p.body), batched, p.consts, p.carries)
    touched = tuple(flags[p.consts + i] for i in range(p.carries))
    others = (False,) * (len(p.body.outputs) - p.carries)
    body, with_axis = batched_graph(p.body, flags, size, (*touched, *others))
    consts, carries, xs = p.split(args)
    for i in range(p.carries):
        if touched[i] and not batched[p.consts + i]:
            carries[i] = broadcast_leading(carries[i], size)
    start = p.consts + p.carries
    # The axis of steps comes first, that of examples after it.
    xs = [move_axis(x, 0, 1) if batched[start + i] else x for i, x in enumerate(xs)]
    carry, ys = scan(body, consts, carries, xs, length=p.length, reverse=p.reverse)
    ys = [move_axis(y, 1, 0) if w else broadcast_leading(y, size)
          for y, w in zip(ys, with_axis[p.carries:], strict=True)]
    return [*(c if t else broadcast_leading(c, size)
              for c, t in zip(carry, touched, strict=True)), *ys]


def _reference(p: Scan, *arrays: Any) -> tuple[Any, ...]:
    program = prepared(p.body, p.consts)
    consts, carry, xs = p.split(arrays)
    stacked = [np.empty((p.length, *t.shape), t.dtype.numpy)
               for t in p.body.output_types[p.carries:]]
    if p.length:
        started = program.start(consts)
    steps = range(p.length)
    for i in reversed(steps) if p.reverse else steps:
        out = program.step(started, [*carry, *[x[i, ...] for x in xs]])
        carry = out[:p.carries]
        for place, value in zip(stacked, out[p.carries:]):
            place[i] = value
    return (*carry, *stacked)


# ---- samples

def _recurrent(dtype: DType) -> Graph:
    """h' = h w + x * h, and h * h beside it."""
    def body(w: Node, h: Node, x: Node) -> tuple[Node, ...]:
        return dot_general(h, w, ((0,), (0,))) * 0.5 + x * h, h * h

    return Graph.trace(body, [tensor_type(s, dtype) for s in ((2, 2), (2,), (2,))])


def _samples() -> list[Sample]:
    fields = {"length": 3, "consts": 1, "carries": 1}
    arrays = [(uniform(2, 2, dtype=d, seed=1), uniform(2, dtype=d), uniform(3, 2, dtype=d, seed=2))
              for d in (float64, float32)]
    two = [tensor_type((), float64)] * 3
    swap = Graph.trace(lambda a, b, x: (b, a * x, a + b, x), two)
    no_xs = Graph.trace(lambda c: c * c, [tensor_type((2,), float64)])
    mapped = Graph.trace(lambda x: (x * x * x,), [tensor_type((2,), float64)])
    return [
        Sample(arrays[0], {"body": _recurrent(float64), **fields}),
        Sample(arrays[0], {"body": _recurrent(float64), **fields, "reverse": True}),
        Sample(arrays[1], {"body": _recurrent(float32), **fields}, differentiable=False),
        Sample((uniform(dtype="float64"), uniform(dtype="float64", seed=1),
                uniform(4, dtype="float64", seed=2)),
               {"body": swap, "length": 4, "consts": 0, "carries": 2}),
        Sample((uniform(2, dtype="float64"),),
               {"body": no_xs, "length": 2, "consts": 0, "carries": 1}),
        Sample((uniform(3, 2, dtype="float64"),),
               {"body": mapped, "length": 3, "consts": 0, "carries": 0}),
        Sample((arrays[0][0], arrays[0][1], uniform(0, 2, dtype="float64")),
               {"body": _recurrent(float64), "length": 0, "consts": 1, "carries": 1})]


def _errors() -> list[ErrorSample]:
    one = tensor_type((2,), float32)
    add = Graph.trace(lambda c, x: (c + x, c), [one, one])
    fields = {"body": add, "length": 3, "consts": 0, "carries": 1}
    wide = Graph.trace(lambda c: c > 0, [one])
    return [
        ErrorSample((uniform(2), uniform(4, 2)), "leading axis must have that size", fields,
                    ShapeError),
        ErrorSample((uniform(3), uniform(3, 2)), "input 0 of the body is float32[2], got "
                    "float32[3]", fields, ShapeError),
        ErrorSample((uniform(2),), "carry 0 goes in as float32[2] and comes out as bool[2]",
                    {"body": wide, "length": 3, "consts": 0, "carries": 1}, DTypeError),
        ErrorSample((uniform(2),), "do not go with 1 operands",
                    {"body": add, "length": 3, "consts": 0, "carries": 2}, ArgumentError)]


_scan = register(Primitive(
    "scan", lower=Control("scan"),
    params=Scan, shape_rule=_shape, dtype_rule=_dtype, vjp=_vjp, jvp=_jvp, batch=_batch,
    reference=_reference, samples=_samples, errors=_errors, several_outputs=True))


def scan_node(body: Graph, operands: Sequence[Node], *, length: int, consts: int, carries: int,
              reverse: bool) -> tuple[Node, ...]:
    """The outputs of a scan: final carries, then what is stacked."""
    return _scan(*operands, body=canonical(body), length=length, consts=consts, carries=carries,
                 reverse=reverse).outputs


def scan(body: Graph, consts: Sequence[Node], carry: Sequence[Node], xs: Sequence[Node], *,
         length: int | None = None, reverse: bool = False) -> tuple[list[Node], list[Node]]:
    """Final carries and stacked outputs of a body repeated over the leading axis of ``xs``.

    Shapes:  xs (length, ...) each; the body takes consts, carry and slices x[i], and gives the next
             carry, of the same types, then outputs, which come back as (length, ...)
    Raises:  ShapeError, DTypeError if a type does not fit; ArgumentError if the number does not
    Cost:    the body times ``length``. Reverse mode keeps, for each step, what the derivative of
             the body needs, so memory grows with ``length``
    """
    if length is None:
        if not xs:
            raise ArgumentError("scan: nothing to scan over", hint="give xs, or length")
        length = xs[0].shape[0] if xs[0].ndim else 0
    if not body.outputs:
        return [], []
    out = scan_node(body, [*consts, *carry, *xs], length=length, consts=len(consts),
                    carries=len(carry), reverse=reverse)
    return list(out[:len(carry)]), list(out[len(carry):])

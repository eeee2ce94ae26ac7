"""Gradients in a graph: an operation that, when a session runs it, differentiates what it ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, TricordError
from ..ir.ops.elementwise import zeros_like as _zeros_like
from ..tensor import autograd, recording_gradients
from ..tensor.aside import aside
from ..tensor.recorder import wrap
from ..tensor.trees import flatten
from ._names import explain_keywords
from ._op import Spec
from .graph import GraphValue, Operation, StandIns, SymbolicTensor
from .run import Run, needed_operations
from .tape import symbolic_gradients
from .tensors import EagerTensor, apply, convert, where_now

__all__ = ["gradients", "gradients_of"]


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients",
              colocate_gradients_with_ops: bool = False, gate_gradients: bool = False,
              aggregation_method: Any = None, stop_gradients: Any = None,
              unconnected_gradients: Any = "none") -> list[Any]:
    """Symbolic gradients of the sum of ``ys`` for each of ``xs``; None where there is none."""
    targets, _ = flatten(ys)
    sources = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    seeds = None if grad_ys is None else flatten(grad_ys)[0]
    found = gradients_of(targets, sources, seeds, name)
    if unconnected_gradients == "zero":
        return [_zeros(x) if g is None else g for g, x in zip(found, sources, strict=True)]
    return found


def gradients_of(targets: Sequence[Any], sources: Sequence[Any], seeds: Sequence[Any] | None,
                 name: str = "gradients") -> list[Any]:
    for v in [*targets, *sources]:
        if not isinstance(v, GraphValue):
            raise ArgumentError(f"tf.gradients: takes tensors and variables of a graph, got {v!r}",
                                where=where_now(), hint="tf.GradientTape for eager tensors")
    connected = _connected(targets, sources)
    wanted = [s for s, yes in zip(sources, connected, strict=True) if yes]
    if not wanted:
        return [None] * len(sources)
    graph = targets[0].graph
    spec = Spec(_differentiate, "gradients", probe=_like_sources)
    arguments = (list(targets), wanted, None if seeds is None else list(seeds))
    operation: Operation = graph.new_operation(spec, arguments, {}, name)
    operation.watched = tuple(wanted)
    made = iter(graph.infer(operation))
    return [next(made) if yes else None for yes in connected]


def _differentiate(targets: list[Any], sources: list[Any], seeds: list[Any] | None) -> list[Any]:
    outputs, cotangents = [], []
    for i, t in enumerate(targets):
        if not t.requires_grad:
            continue
        seed = None if seeds is None else seeds[i]
        outputs.append(t)
        cotangents.append(wrap(np.ones(tuple(t.shape), t.dtype.numpy), EagerTensor)
                          if seed is None else convert(seed, t.dtype))
    found = autograd.grad(outputs, sources, cotangents, retain_graph=True, create_graph=True
                          ) if outputs else [None] * len(sources)
    return [apply(_zeros_like, (s,)) if g is None else g
            for g, s in zip(found, sources, strict=True)]


def _like_sources(targets: list[Any], sources: list[Any], seeds: list[Any] | None) -> list[Any]:
    return list(sources)


def _zeros(x: Any) -> Any:
    return x.graph.add(Spec(_zeros_of, "zeros_like", blocks_gradient=True), (x,), {}, None)


def _zeros_of(x: Any) -> Any:
    return apply(_zeros_like, (x,))


# ---- which gradients there are

class _Examples(Run):
    """A run over stand-ins: nothing is computed, but dependence is seen."""

    probing = True

    def __init__(self, which: int, given: dict[Any, Any]):
        super().__init__(given, lambda v: StandIns(which).resolve(v))

    def _call(self, operation: Operation) -> list[Any]:
        spec = operation.spec
        if spec.probe is None or operation.watched:
            return super()._call(operation)
        replaced = Operation.__new__(Operation)
        replaced.__dict__.update(operation.__dict__)
        replaced.spec = Spec(spec.probe, spec.name, random=spec.random)
        return super()._call(replaced)


def _connected(targets: Sequence[Any], sources: Sequence[Any]) -> list[bool]:
    """For each source, whether a gradient flows to it."""
    for which in (0, 1):
        try:
            return _tried(targets, sources, which)
        except (TricordError, NotImplementedError):
            continue
    return _reachable(targets, sources)


def _tried(targets: Sequence[Any], sources: Sequence[Any], which: int) -> list[bool]:
    operations = needed_operations([t.op for t in targets if isinstance(t, SymbolicTensor)])
    resolver = StandIns(which)
    given = {t: resolver.resolve(t) for o in operations for t in o.outputs
             if o.spec.name == "Placeholder" or not o.inputs}
    with aside(), recording_gradients(True), np.errstate(all="ignore"):
        run = _Examples(which, given)
        run.watched = {id(s) for s in [*sources, *(x for o in operations for x in o.watched)]}
        values = [run.resolve(t) for t in targets]
        handles = [run.resolve(s) for s in sources]
        outputs = [v for v in values if v.requires_grad]
        if not outputs:
            return [False] * len(sources)
        ones = [wrap(np.ones(tuple(v.shape), v.dtype.numpy), EagerTensor) for v in outputs]
        found = autograd.grad(outputs, handles, ones, retain_graph=True, create_graph=True)
    return [g is not None for g in found]


def _reachable(targets: Sequence[Any], sources: Sequence[Any]) -> list[bool]:
    """By the graph alone, where shapes are not known well enough to try."""
    seen: set[Any] = set()
    stack = [t for t in targets if t.dtype.is_inexact]
    while stack:
        value = stack.pop()
        if value in seen:
            continue
        seen.add(value)
        if isinstance(value, SymbolicTensor) and not value.op.spec.blocks_gradient:
            stack.extend(v for v in value.op.inputs if v.dtype.is_inexact)
    return [s in seen for s in sources]


symbolic_gradients.append(gradients_of)


explain_keywords(globals())

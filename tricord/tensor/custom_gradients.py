"""Gradients that users write: a result with a backward function of its own.

The backward function is recorded when it is attached, so that the same step gives the same nodes
and the same program each time. One that looks at values is called when these exist, at each
backward pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import TraceError
from ..ir.graph import Graph
from ..ir.node import Node
from ..ir.ops.structural import attach_gradient
from .handle import Handle
from .recorder import hold, pending, record, recording_gradients, state
from .tensor import tensor
from .transforms import trace

__all__ = ["attach", "custom_gradient"]


@dataclass(frozen=True)
class _Recorded:
    """A recorded backward function. ``places[i]``: which output of the graph is the gradient of
    operand i, None if it has none."""

    graph: Graph
    places: tuple[int | None, ...]

    def __call__(self, cotangent: Node, value: Node, *inputs: Node) -> list[Node | None]:
        own = len(self.places)
        found = self.graph.apply([cotangent, *inputs[own:]])
        return [None if place is None else found[place] for place in self.places] + [
            None for _ in inputs[own:]]


class _Live:
    """A backward function that is called each time; it sees tensors of the current segment."""

    def __init__(self, function: Callable[..., Any], cls: type[Handle]):
        self.function = function
        self.cls = cls

    def __call__(self, cotangent: Node, value: Node, *inputs: Node) -> list[Node | None]:
        with hold(), recording_gradients(True):
            results = _several(self.function(pending(cotangent, self.cls)), len(inputs))
        segment = state.segment
        return [None if r is None else segment.node_of(r) for r in results]


def _several(gradients: Any, count: int) -> list[Any]:
    """As many gradients as there are operands, as tensors or None."""
    found = list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]
    found = (found + [None] * count)[:count]
    return [g if g is None or isinstance(g, Handle) else tensor(g) for g in found]


def _attached(*rest: Any) -> Node:
    value, *inputs, rule = rest
    return attach_gradient(value, inputs, rule)


def attach(result: Handle, operands: Sequence[Handle], backward: Callable[..., Any]) -> Any:
    """``result`` with ``backward`` as its gradient towards the operands."""
    if not any(o.requires_grad for o in operands):
        return result
    places: list[int | None] = []

    def recorded(cotangent: Any) -> list[Any]:
        found = _several(backward(cotangent), len(operands))
        there = [i for i, g in enumerate(found) if g is not None]
        places[:] = [there.index(i) if i in there else None for i in range(len(found))]
        return [found[i] for i in there]

    try:
        with recording_gradients(True):
            traced = trace(recorded, [result._type], [False])
    except TraceError:
        rule = _Live(backward, result._result_class)
        return record(_attached, (result, *operands), (rule,))
    return record(_attached, (result, *operands, *traced.captured),
                  (_Recorded(traced.graph, tuple(places)),))


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function a gradient of its own: it returns its result and a backward function.

    ``backward(upstream)`` returns one gradient per tensor argument.

    >>> import tricord as tc
    >>> @custom_gradient
    ... def clipped(x):
    ...     return x * x, lambda upstream: (upstream * 2 * x).clip(-1, 1)
    >>> x = tc.tensor([0.1, 3.0], requires_grad=True)
    >>> clipped(x).sum().backward()
    >>> x.grad
    tensor([0.2000, 1.0000])
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        operands = [a for a in args if isinstance(a, Handle)]
        with recording_gradients(False):
            result, backward = function(*args, **kwargs)
        return attach(result, operands, backward)

    return wrapped

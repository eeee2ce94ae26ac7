"""What primitives with a graph inside share: checking it, and deriving other graphs from it.

The derivative of a scan needs the derivative of its body, and so the walkers of `autodiff`, which
stand above this floor. `walkers` is where they are handed in, as `ir.node.operators` takes the
arithmetic; importing `tricord.autodiff` fills it.

Derived graphs are kept in the memo of the graph they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ....errors import ArgumentError, DTypeError, ShapeError, TricordError
from ...graph import Graph, depends_on, is_input, make_input, substitute, toposort
from ...node import Node
from ...shapes import TensorType
from ..movement import broadcast
from ..structural import constant

__all__ = ["Flags", "batched_graph", "canonical", "check_inputs", "check_same", "fixpoint",
           "jvp_graph", "or_zeros", "sum_of", "vjp_graph", "walkers", "zeros_of"]

Flags = tuple[bool, ...]


class _Walkers:
    """Reverse mode, forward mode and batching of graphs; `autodiff` fills them in at import."""

    gradients: Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], list[Node | None]]
    push_forward: Callable[[Sequence[Node], Mapping[Node, Node]], list[Node | None]]
    batch_graph: Callable[[Sequence[Node], Mapping[Node, Node], int], list[Node]]


walkers = _Walkers()


def zeros_of(type: TensorType) -> Node:
    """Zeros of this type."""
    return broadcast(constant(0, type.dtype), type.shape, ())


def or_zeros(value: Node | None, type: TensorType) -> Node:
    """A derivative, where None is zero."""
    return zeros_of(type) if value is None else value


def sum_of(x: Node | None, y: Node | None) -> Node | None:
    """The sum of two terms, where None is zero."""
    if x is None or y is None:
        return y if x is None else x
    return x + y


def canonical(graph: Graph) -> Graph:
    """The same graph with inputs in slots 0, 1, ..., all floating ones roots of gradients."""
    found: Graph | None = graph.memo.get("canonical")
    if found is None:
        inputs = tuple(make_input(i, n.type, n.dtype.is_inexact)
                       for i, n in enumerate(graph.inputs))
        if inputs == graph.inputs:
            found = graph
        else:
            replaced = substitute(graph.outputs, dict(zip(graph.inputs, inputs, strict=True)))
            found = Graph(inputs, tuple(replaced))
        if found is not graph:  # no cycle from a graph to itself
            graph.memo["canonical"] = found
    return found


def check_inputs(name: str, what: str, graph: Graph, types: Sequence[TensorType]) -> None:
    """Refuse a graph that is open, or takes other types than its operands have."""
    if "closed" not in graph.memo:
        free = [n for n in toposort(graph.outputs) if is_input(n) and n not in set(graph.inputs)]
        if free:
            raise ArgumentError(f"{name}: {what} uses {free[0].type} from outside",
                                hint="hand it in as one of the constants")
        graph.memo["closed"] = True
    if len(graph.inputs) != len(types):
        raise ArgumentError(f"{name}: {what} takes {len(graph.inputs)} inputs, got {len(types)}")
    for i, (mine, given) in enumerate(zip(graph.input_types, types, strict=True)):
        if mine != given:
            raise _misfit(mine, given)(f"{name}: input {i} of {what} is {mine}, got {given}")


def check_same(name: str, what: str, first: TensorType, second: TensorType,
               verbs: tuple[str, str]) -> None:
    """Refuse two types that should be one."""
    if first != second:
        raise _misfit(first, second)(f"{name}: {what} {verbs[0]} {first} and {verbs[1]} {second}",
                                     hint="cast it, or bring it to one shape")


def _misfit(first: TensorType, second: TensorType) -> type[TricordError]:
    return DTypeError if first.shape == second.shape else ShapeError


def fixpoint(graph: Graph, flags: Sequence[bool], first: int, count: int,
             applies: Callable[[TensorType], bool] = lambda type: True) -> Flags:
    """Flags of the inputs, where input ``first + i`` is also flagged if output i depends on one.

    Says which carries of a loop are touched (differentiated, batched) when the given inputs are.
    """
    known = list(flags)
    while True:
        reached = depends_on(graph.outputs, [n for n, f in zip(graph.inputs, known) if f])
        more = [i for i in range(count) if not known[first + i] and graph.outputs[i] in reached
                and applies(graph.outputs[i].type)]
        if not more:
            return tuple(known)
        for i in more:
            known[first + i] = True


def _memoised(graph: Graph, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    if key not in graph.memo:
        graph.memo[key] = make()
    return graph.memo[key]


def _inputs_after(graph: Graph, types: Iterable[TensorType]) -> list[Node]:
    start = len(graph.inputs)
    return [make_input(start + i, t, t.dtype.is_inexact) for i, t in enumerate(types)]


def vjp_graph(graph: Graph, wanted: Flags, given: Flags) -> tuple[Graph, Flags]:
    """From the inputs, then cotangents of the ``given`` outputs, to cotangents of inputs.

    The flags say which of the ``wanted`` inputs have one: those the outputs depend on.
    """
    def make() -> tuple[Graph, Flags]:
        whole = canonical(graph)
        outputs = [o for o, g in zip(whole.outputs, given, strict=True) if g]
        seeds = _inputs_after(whole, (o.type for o in outputs))
        found = walkers.gradients(
            outputs, seeds, [n for n, w in zip(whole.inputs, wanted, strict=True) if w])
        spread = iter(found)
        each = [next(spread) if w else None for w in wanted]
        return (Graph((*whole.inputs, *seeds), tuple(g for g in each if g is not None)),
                tuple(g is not None for g in each))

    return _memoised(graph, ("vjp", wanted, given), make)  # type: ignore[no-any-return]


def jvp_graph(graph: Graph, moving: Flags) -> tuple[Graph, Flags]:
    """From the inputs, then tangents of the ``moving`` ones, to tangents of the outputs.

    The flags say which outputs have one.
    """
    def make() -> tuple[Graph, Flags]:
        whole = canonical(graph)
        movers = [n for n, m in zip(whole.inputs, moving, strict=True) if m]
        seeds = _inputs_after(whole, (n.type for n in movers))
        found = walkers.push_forward(whole.outputs, dict(zip(movers, seeds, strict=True)))
        return (Graph((*whole.inputs, *seeds), tuple(t for t in found if t is not None)),
                tuple(t is not None for t in found))

    return _memoised(graph, ("jvp", moving), make)  # type: ignore[no-any-return]


def batched_graph(graph: Graph, flags: Flags, size: int,
                  wanted: Flags | None = None) -> tuple[Graph, Flags]:
    """The graph with a leading axis of ``size`` on the flagged inputs.

    The flags say which outputs have the axis too: those that depend on a flagged input, and those
    in ``wanted``.
    """
    def make() -> tuple[Graph, Flags]:
        whole = canonical(graph)
        inputs = [make_input(i, TensorType((size, *n.shape), n.dtype) if f else n.type,
                             n.dtype.is_inexact)
                  for i, (n, f) in enumerate(zip(whole.inputs, flags, strict=True))]
        reached = depends_on(whole.outputs, [n for n, f in zip(whole.inputs, flags) if f])
        with_axis = tuple(o in reached or (wanted is not None and wanted[i])
                          for i, o in enumerate(whole.outputs))
        stands = {n: b for n, b, f in zip(whole.inputs, inputs, flags, strict=True) if f}
        batched = iter(walkers.batch_graph(
            [o for o, w in zip(whole.outputs, with_axis, strict=True) if w], stands, size))
        outputs = [next(batched) if w else o
                   for o, w in zip(whole.outputs, with_axis, strict=True)]
        return Graph(tuple(inputs), tuple(outputs)), with_axis

    return _memoised(graph, ("batch", flags, size, wanted), make)  # type: ignore[no-any-return]

"""Inputs, graphs and walks over them, none of them recursive: real models are deeper than Python's
stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .dtypes import DType
from .lowering import Leaf
from .node import Node, intern_node
from .record import NoBatching, NoGradient, Primitive, Sample, pick
from .shapes import Shape, TensorType

__all__ = ["Graph", "depends_on", "input_node", "inputs_of", "is_input", "make_input", "sources",
           "substitute", "toposort"]


@dataclass(frozen=True)
class Input:
    """``slot``: which of the graph's arguments. ``requires_grad``: a root of gradients."""

    slot: int
    shape: Shape
    dtype: DType
    requires_grad: bool = False


def _no_reference(params: Any, *arrays: Any) -> Any:
    raise AssertionError("the value of an input comes from outside")


input_node = Primitive(
    "input", lower=Leaf(), params=Input, shape_rule=lambda p: p.shape, dtype_rule=lambda p: p.dtype,
    vjp=NoGradient("a root has no parents"), jvp=NoGradient("a root has no parents"),
    batch=NoBatching("vmap replaces inputs itself"), reference=_no_reference,
    samples=(Sample(()),), errors=(), follows_parents=False)


def toposort(targets: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """All nodes that the targets need, parents before children, in an order fixed by the graph.

    Nodes for which ``stop`` holds are listed, but their parents are not visited.
    """
    order: list[Node] = []
    done: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(t, False) for t in reversed(list(targets))]
    while stack:
        node, parents_done = stack.pop()
        if node in done:
            continue
        if parents_done or not node.parents or (stop is not None and stop(node)):
            done.add(node)
            order.append(node)
            continue
        stack.append((node, True))
        stack.extend((p, False) for p in reversed(node.parents) if p not in done)
    return order


def is_input(node: Node) -> bool:
    return node.op is input_node


def input_slot(node: Node) -> int:
    """Which argument of the graph an input stands for."""
    slot: int = node.params.slot
    return slot


def make_input(slot: int, type: TensorType, requires_grad: bool = False) -> Node:
    """The node for argument number ``slot`` of a graph."""
    return input_node(slot=slot, shape=type.shape, dtype=type.dtype, requires_grad=requires_grad)


def inputs_of(targets: Iterable[Node]) -> list[Node]:
    """The inputs that the targets need, in order of slot."""
    return sorted((n for n in toposort(targets) if is_input(n)), key=input_slot)


def depends_on(targets: Sequence[Node], sources: Iterable[Node]) -> set[Node]:
    """All nodes on a path from one of the sources to one of the targets, both included."""
    reached = set(sources)
    for node in toposort(targets):
        if any(p in reached for p in node.parents):
            reached.add(node)
    return reached


def substitute(targets: Sequence[Node], replacement: Mapping[Node, Node]) -> list[Node]:
    """The targets with nodes replaced, everything above rebuilt where it changes."""
    new: dict[Node, Node] = dict(replacement)
    for node in toposort(targets, stop=replacement.__contains__):
        if node in new:
            continue
        parents = tuple(new[p] for p in node.parents)
        same = all(a is b for a, b in zip(parents, node.parents, strict=True))
        new[node] = node if same else intern_node(node.op, node.params, parents)
    return [new[t] for t in targets]


@dataclass(frozen=True, eq=False)
class Graph:
    """A closed program: inputs by slot, and outputs. Also the body of a control primitive.

    Two graphs are equal when they have the same nodes; nodes being hash-consed, that is structure.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    #: What was derived from the graph and may be wanted again (a prepared program, its gradient).
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __hash__(self) -> int:
        return hash((self.inputs, self.outputs))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and (
            (self.inputs, self.outputs) == (other.inputs, other.outputs))

    @property
    def input_types(self) -> tuple[TensorType, ...]:
        return tuple(n.type for n in self.inputs)

    @property
    def output_types(self) -> tuple[TensorType, ...]:
        return tuple(n.type for n in self.outputs)

    def apply(self, arguments: Sequence[Node]) -> list[Node]:
        """The outputs with the inputs replaced by these nodes: the graph inlined."""
        return substitute(self.outputs, dict(zip(self.inputs, arguments, strict=True)))

    @staticmethod
    def trace(function: Callable[..., Any], types: Sequence[TensorType], *,
              requires_grad: bool = True) -> Graph:
        """The graph of a function on nodes, which returns one node or a sequence of them."""
        inputs = tuple(make_input(i, t, requires_grad and t.dtype.is_inexact)
                       for i, t in enumerate(types))
        result = function(*inputs)
        return Graph(inputs, (result,) if isinstance(result, Node) else tuple(result))


def sources(node: Node) -> tuple[Node, int]:
    """The node that computes this one, and which of its outputs it is."""
    return (node.parents[0], node.params.index) if node.op is pick else (node, 0)

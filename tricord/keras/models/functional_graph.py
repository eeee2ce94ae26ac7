"""The graph between symbolic inputs and outputs, in the order that Keras gives its layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import ArgumentError, StateError
from ..graph import KerasTensor, Node, flatten

__all__ = ["Plan", "map_graph"]


def _depth_first(inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor],
                 ) -> tuple[list[Node], dict[Any, int]]:
    """Nodes, parents first, and in which order operations were met going down."""
    given = {id(t) for t in inputs}
    order: list[Node] = []
    finished: set[int] = set()
    met: dict[Any, int] = {}
    for output in outputs:
        stack: list[tuple[KerasTensor, Any]] = [(output, None)]
        while stack:
            tensor, node = stack.pop()
            if node is not None:  # its parents are done
                if id(node) not in finished:
                    finished.add(id(node))
                    order.append(node)
                continue
            history = tensor._keras_history
            if history is None:
                if id(tensor) in given:
                    continue
                raise StateError(f"{tensor!r} does not come from keras.Input or a layer call")
            node = history.operation._inbound_nodes[history.node_index]
            if id(node) in finished:
                continue
            if not node.is_input and id(tensor) in given:
                continue
            met.setdefault(history.operation, len(met))
            stack.append((tensor, node))
            if not node.is_input:
                stack.extend((t, None) for t in reversed(node.inputs))
    return order, met


def map_graph(inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor],
              ) -> tuple[list[Node], list[Any]]:
    """The nodes in the order of computation, and the operations in Keras's order.

    Raises:  StateError if an output needs an input that is not given, ArgumentError if two
             operations have one name
    """
    order, met = _depth_first(inputs, outputs)
    inside = {id(n) for n in order}
    node_depth: dict[int, int] = {}
    depth_of: dict[Any, int] = {}
    for node in reversed(order):
        depth = max(node_depth.get(id(node), 0), depth_of.get(node.operation, 0))
        depth_of[node.operation] = node_depth[id(node)] = depth
        for parent in node.parent_nodes:
            if id(parent) in inside:
                node_depth[id(parent)] = max(depth + 1, node_depth.get(id(parent), 0))
    for tensor in inputs:
        history = tensor._keras_history
        if history is not None and history.operation not in depth_of:
            node = history.operation._inbound_nodes[history.node_index]
            if node.is_input:
                depth_of[history.operation], met[history.operation] = 0, -1
    _check_connected(inputs, order)
    operations = sorted(depth_of, key=lambda o: (-depth_of[o], met[o]))
    names = [o.name for o in operations]
    for name in names:
        if names.count(name) > 1:
            raise ArgumentError(f'The name "{name}" is used {names.count(name)} times in the '
                                "model. All operation names should be unique.")
    return order, operations


def _check_connected(inputs: Sequence[KerasTensor], order: Sequence[Node]) -> None:
    known = {id(t) for t in inputs}
    done: list[str] = []
    for node in order:
        if node.is_input and not all(id(t) in known for t in node.outputs):
            raise StateError(
                f"Graph disconnected: cannot find parent for tensor {node.outputs[0]!r}: it is an "
                f"input that was not given. Computed without issue: {done}",
                hint=f"add {node.operation.name!r} to the inputs of the model")
        for t in node.inputs:
            if id(t) not in known:
                raise StateError(f"Graph disconnected: cannot find parent for tensor {t!r} at "
                                 f"operation '{node.operation.name}'. Computed without issue: "
                                 f"{done}")
        done.append(node.operation.name)
        known.update(id(t) for t in node.outputs)


class _Step:
    """One call: which values go in, which numbers come out."""

    __slots__ = ("arguments", "operation", "outputs", "single", "structure")

    def __init__(self, node: Node, number: dict[int, int]):
        self.operation = node.operation
        self.outputs = [number.setdefault(id(t), len(number)) for t in node.outputs]
        leaves, self.structure = flatten((node.args, node.kwargs))
        #: per leaf, (True, number of a value) or (False, a constant)
        self.arguments = [(True, number[id(v)]) if isinstance(v, KerasTensor) else (False, v)
                          for v in leaves]
        plain = len(node.args) == 1 and not node.kwargs and isinstance(node.args[0], KerasTensor)
        self.single = self.arguments[0][1] if plain and len(self.outputs) == 1 else -1


class Plan:
    """The calls of a graph in order, values kept by number and let go after their last use."""

    def __init__(self, inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor],
                 order: Sequence[Node]):
        number: dict[int, int] = {}
        self.inputs = [number.setdefault(id(t), len(number)) for t in inputs]
        given = {id(t) for t in inputs}
        self.steps = [_Step(n, number) for n in order
                      if not n.is_input and not all(id(t) in given for t in n.outputs)]
        self.outputs = [number[id(t)] for t in outputs]
        self.count = len(number)

"""A new model of the same architecture, with fresh weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import ArgumentError, NotSupportedError
from .._arguments import checked
from ..graph import KerasTensor, flatten, map_leaves, unflatten
from .model import Functional, Model, Sequential

__all__ = ["clone_model"]


def _same(layer: Any) -> Any:
    return layer.__class__.from_config(layer.get_config())


@checked
def clone_model(model: Any, input_tensors: Any = None,
                clone_function: Callable[[Any], Any] | None = None,
                call_function: Any = None, recursive: bool = False) -> Any:
    """A model whose layers are made anew by ``clone_function`` (by default from their configs)."""
    if call_function is not None or recursive:
        raise NotSupportedError("clone_model: call_function and recursive are not offered")
    clone = clone_function or _same
    if isinstance(model, Sequential):
        made = Sequential(name=model.name)
        for layer in model._stack:
            made.add(clone(layer) if layer in model.layers else _same(layer), rebuild=False)
        made._rebuild()
        return made
    if not isinstance(model, Model) or model._graph is None:
        if clone_function is not None or not isinstance(model, Model):
            raise ArgumentError("clone_model takes Functional and Sequential models; a subclassed "
                                "one only without clone_function")
        return _same(model)
    return _graph(model, clone)


def _graph(model: Any, clone: Callable[[Any], Any]) -> Any:
    graph = model._graph
    operations: dict[int, Any] = {}
    tensors: dict[int, Any] = {}
    for node in graph.nodes:
        operation = node.operation
        known = operations.get(id(operation))
        if node.is_input:
            known = operations[id(operation)] = _same(operation)
            tensors[id(node.outputs[0])] = known._inbound_nodes[0].outputs[0]
            continue
        if known is None:
            known = operations[id(operation)] = clone(operation) if hasattr(
                operation, "call") else operation.definition.from_config(operation.get_config())
        leaves, structure = flatten((node.args, node.kwargs))
        args, kwargs = unflatten(structure, [
            tensors[id(v)] if isinstance(v, KerasTensor) else v for v in leaves])
        outputs = known(*args, **kwargs)
        flat = flatten(outputs)[0] if isinstance(outputs, (list, tuple, dict)) else [outputs]
        tensors.update((id(old), new) for old, new in zip(node.outputs, flat, strict=True))

    def new(tree: Any) -> Any:
        return map_leaves(lambda t: tensors[id(t)], tree)

    return Functional(new(graph.inputs_struct), new(graph.outputs_struct), name=model.name)

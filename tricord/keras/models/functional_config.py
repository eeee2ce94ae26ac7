"""Graphs of layers as data, in the formats of Keras 3 and of Keras 2, and back."""

from __future__ import annotations

from typing import Any

from ...errors import FileFormatError, StateError
from ..graph import KerasTensor, flatten, unflatten
from ..saving.registry import builtin
from ..saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["graph_config", "layer_of", "model_of"]


# ---- writing

def graph_config(model: Any) -> dict[str, Any]:
    """``layers``, ``input_layers`` and ``output_layers`` of a functional model."""
    graph = model._graph
    inside = {id(n) for n in graph.nodes} | {
        id(t._keras_history.operation._inbound_nodes[t._keras_history.node_index])
        for t in graph.inputs}
    number: dict[tuple[int, int], int] = {}
    for operation in graph.operations:
        kept = [n for n in operation._inbound_nodes if id(n) in inside]
        for place, node in enumerate(kept):
            number[id(operation), operation._inbound_nodes.index(node)] = place
    layers = []
    for operation in graph.operations:
        config = serialize_keras_object(operation)
        config["name"] = operation.name
        config["inbound_nodes"] = [_node_config(n, number) for n in operation._inbound_nodes
                                   if id(n) in inside and not n.is_input]
        layers.append(config)

    def place(tensor: KerasTensor) -> list[Any]:
        history = tensor._keras_history
        assert history is not None
        return [history.operation.name,
                number[id(history.operation), history.node_index], history.tensor_index]

    return {"layers": layers, "input_layers": _placed(graph.inputs_struct, place),
            "output_layers": _placed(graph.outputs_struct, place)}


def _placed(tree: Any, place: Any) -> Any:
    if isinstance(tree, dict):
        return {k: _placed(v, place) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_placed(v, place) for v in tree]
    return place(tree)


def _node_config(node: Any, number: dict[tuple[int, int], int]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, KerasTensor):
            history = value._keras_history
            assert history is not None
            return {"class_name": "__keras_tensor__", "config": {
                "shape": list(value.shape), "dtype": value.dtype, "keras_history": [
                    history.operation.name,
                    number[id(history.operation), history.node_index], history.tensor_index]}}
        if isinstance(value, (list, tuple)):
            return [one(v) for v in value]
        if isinstance(value, dict):
            return {k: one(v) for k, v in value.items()}
        if isinstance(value, slice):
            return {"class_name": "__slice__", "config": {
                "start": value.start, "stop": value.stop, "step": value.step}}
        if value is Ellipsis:
            return {"class_name": "__ellipsis__", "config": {}}
        return serialize_keras_object(value)

    return {"args": [one(a) for a in node.args], "kwargs": {k: one(v)
                                                            for k, v in node.kwargs.items()}}


# ---- reading

def layer_of(config: Any, custom_objects: Any = None) -> Any:
    """The layer (or operation) of one entry of ``layers``."""
    if not isinstance(config, dict) or "class_name" not in config:
        raise FileFormatError(f"a model's layer is described by a dict with class_name, got "
                              f"{config!r:.80}")
    name = (config.get("config") or {}).get("name", config.get("name", "?"))
    nodes = config.get("inbound_nodes") or []
    config = {k: v for k, v in config.items() if k not in ("inbound_nodes", "name")}
    if not config.get("module") and _is_op(config["class_name"], nodes):
        config["module"] = "keras.ops"
    if not config.get("module"):
        config["config"] = _from_keras_2(config["class_name"], dict(config["config"]))
    return deserialize_keras_object(config, custom_objects, where=f"layer '{name}': ")


def _is_op(class_name: str, nodes: Any) -> bool:
    """Whether a class of a file without modules is an operation: merge layers take a list."""
    if class_name not in builtin("ops") or not nodes or not isinstance(nodes[0], dict):
        return False
    args = nodes[0].get("args", [])
    return class_name not in builtin("layers") or ((len(args) > 1 or not isinstance(
        args[0] if args else None, list)) and class_name in _ALSO_OPS)


_ALSO_OPS = ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")
#: options of Keras 2 that no longer mean anything, with the value that may be dropped
_DROPPED = {"batch_input_shape": None, "implementation": None, "time_major": False,
            "groups": 1, "ragged": False, "dynamic": False, "experimental_autocast": True,
            "input_length": None}
_WITH_GROUPS = ("Conv1D", "Conv2D", "Conv3D", "GroupNormalization")


def _from_keras_2(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """A layer's configuration from a Keras 2 file, in today's words."""
    shape = config.pop("batch_input_shape", None)
    if class_name == "InputLayer":
        if shape is not None:
            config.setdefault("batch_shape", shape)
    elif shape is not None:
        config["batch_shape"] = shape
    for name, harmless in _DROPPED.items():
        if name == "groups" and class_name in _WITH_GROUPS:
            continue
        if name in config and (harmless is None or config[name] == harmless) and (
                name not in ("ragged",) or class_name != "InputLayer"):
            del config[name]
    if class_name == "BatchNormalization" and isinstance(config.get("axis"), (list, tuple)):
        config["axis"] = config["axis"][0]
    if class_name == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
    if class_name == "BatchNormalization":
        for name in ("virtual_batch_size", "fused", "adjustment"):
            config.pop(name, None)
    return config


def model_of(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """The functional model that a configuration describes."""
    layers: dict[str, Any] = {}
    waiting: list[tuple[Any, Any, int]] = []
    for entry in config["layers"]:
        layer = layer_of(entry, custom_objects)
        name = entry.get("name", layer.name)
        layers[name] = layer
        layer._inbound_nodes[:] = layer._inbound_nodes[:1] if _is_input(layer) else []
        waiting.extend((layer, node, place)
                       for place, node in enumerate(entry.get("inbound_nodes", [])))
    while waiting:
        later = []
        for layer, node, place in waiting:
            # Calls of a layer are made in their order, so that their numbers agree.
            if len(layer._inbound_nodes) != place or not _call(layer, node, layers):
                later.append((layer, node, place))
        if len(later) == len(waiting):
            names = sorted({layer.name for layer, _, _ in later})
            raise FileFormatError(f"the model's graph cannot be connected: {', '.join(names)} "
                                  "wait for tensors that no layer gives")
        waiting = later
    inputs = _tensors(config["input_layers"], layers)
    outputs = _tensors(config["output_layers"], layers)
    extra = {k: config[k] for k in ("trainable",) if k in config}
    return cls(inputs=inputs, outputs=outputs, name=config.get("name"), **extra)


def _is_input(layer: Any) -> bool:
    return bool(layer._inbound_nodes) and layer._inbound_nodes[0].is_input


def _call(layer: Any, node: Any, layers: dict[str, Any]) -> bool:
    """Call a layer as the node says; False if its inputs are not there yet."""
    args, kwargs = _arguments(node)
    leaves, structure = flatten((args, kwargs))
    found = []
    for leaf in leaves:
        if isinstance(leaf, _Place):
            tensor = leaf.find(layers)
            if tensor is None:
                return False
            found.append(tensor)
        else:
            found.append(leaf)
    given, keywords = unflatten(structure, found)
    keywords = {k: v for k, v in keywords.items() if not (k == "mask" and v is None)}
    if keywords.get("training", "unset") in (None, False):
        del keywords["training"]
    layer(*given, **keywords)
    return True


class _Place:
    """Where a tensor comes from: the name of a layer, the number of a call, and of a result."""

    def __init__(self, history: Any):
        self.name, self.node, self.tensor = str(history[0]), int(history[1]), int(history[2])

    def find(self, layers: dict[str, Any]) -> Any:
        layer = layers.get(self.name)
        if layer is None:
            raise StateError(f"the model's graph names a layer '{self.name}', which it does not "
                             "have")
        nodes = layer._inbound_nodes
        if self.node >= len(nodes):
            return None
        return nodes[self.node].outputs[self.tensor]


def _arguments(node: Any) -> tuple[Any, dict[str, Any]]:
    if isinstance(node, dict):
        return (tuple(_value(a) for a in node.get("args", [])),
                {k: _value(v) for k, v in node.get("kwargs", {}).items()})
    # Keras 2: a list of [name, node, tensor, kwargs], one per input.
    if node and isinstance(node[0], str):
        node = [node]
    kwargs = dict(node[0][3]) if node and len(node[0]) > 3 else {}
    places = [_Place(one) for one in node]
    found = {k: _Place(v) if isinstance(v, list) and len(v) == 3 and isinstance(v[0], str) else v
             for k, v in kwargs.items()}
    return (places[0] if len(places) == 1 else list(places),), found


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        name = value.get("class_name")
        if name == "__keras_tensor__":
            return _Place(value["config"]["keras_history"])
        if name == "__slice__":
            inner = value["config"]
            return slice(inner["start"], inner["stop"], inner["step"])
        if name == "__ellipsis__":
            return Ellipsis
        if name is not None:
            return deserialize_keras_object(value)
        return {k: _value(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_value(v) for v in value]
    return value


def _tensors(places: Any, layers: dict[str, Any]) -> Any:
    """Tensors in the structure of ``input_layers``: one place, a list or a dict of them."""
    if isinstance(places, dict):
        return {k: _tensors(v, layers) for k, v in places.items()}
    if len(places) == 3 and isinstance(places[0], str):
        found = _Place(places).find(layers)
        if found is None:
            raise FileFormatError(f"the model's graph has no tensor {places}")
        return found
    return [_tensors(p, layers) for p in places]



"""The ``.h5`` model files of Keras 2, which Keras 3 still reads and writes."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

from ...errors import FileFormatError, ShapeError, StateError
from ...serialize import (
    H5Group,
    load_hdf5,
    parse_json,
    read_names,
    refuse_code,
    save_hdf5,
    write_names,
)
from .._short_names import SHORT
from .serialization import deserialize_keras_object, plain_config, serialize_keras_object

__all__ = ["load_h5_model", "load_h5_weights", "save_h5_model", "save_h5_weights"]

VERSION = "3.15.1"


_KEPT = ("class_name", "config", "name", "inbound_nodes")


def _stripped(config: dict[str, Any]) -> dict[str, Any]:
    """A model's configuration whose layers have only what Keras 2 knows."""
    if not isinstance(config.get("layers"), list):
        return config
    return {**config, "layers": [
        {**{k: v for k, v in layer.items() if k in _KEPT}, "config": _stripped(layer["config"])}
        for layer in config["layers"]]}


def _full_names(value: Any) -> Any:
    """Losses and metrics by their full names: readers do not know all the short ones."""
    if isinstance(value, str):
        return SHORT.get(value.lower(), value)
    if isinstance(value, dict) and "class_name" not in value:
        return {k: _full_names(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_full_names(v) for v in value]
    return value


def _layer_weights(layer: Any) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _write_layers(group: H5Group, model: Any) -> None:
    layers = _all_layers(model)
    write_names(group.attributes, "layer_names", [layer.name for layer in layers])
    group.attributes["backend"] = "tensorflow"
    group.attributes["keras_version"] = VERSION
    for layer in layers:
        own = group.group(layer.name)
        weights = _layer_weights(layer)
        names = _unique([getattr(v, "path", f"{layer.name}/{i}") for i, v in enumerate(weights)])
        write_names(own.attributes, "weight_names", names)
        for name, variable in zip(names, weights, strict=True):
            folder, _, last = name.rpartition("/")
            into = own.group(folder) if folder else own
            into.members[last] = np.asarray(variable)


def _all_layers(model: Any) -> list[Any]:
    if model._graph is not None and hasattr(model._graph, "operations"):
        from_graph = [o for o in model._graph.operations if hasattr(o, "trainable_weights")]
        return from_graph if "_stack" not in vars(model) else model.layers
    return model.layers


def _unique(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number = 1
        unique = name
        while unique in found:
            unique = f"{name}_{number}"
            number += 1
        found.append(unique)
    return found


def save_h5_model(model: Any, path: str, include_optimizer: bool = True) -> None:
    """Write the whole model as an ``.h5`` file."""
    config = serialize_keras_object(model)
    refuse_code(config, str(path))
    tree = H5Group()
    tree.attributes["backend"] = "tensorflow"
    tree.attributes["keras_version"] = VERSION
    tree.attributes["model_config"] = json.dumps(
        {"class_name": config["class_name"], "config": _stripped(config["config"])})
    _write_layers(tree.group("model_weights"), model)
    if include_optimizer and model.compiled and model.optimizer is not None:
        compiled = dict(model.get_compile_config())
        optimizer = compiled.pop("optimizer")
        compiled["optimizer_config"] = {"class_name": optimizer["class_name"],
                                        "config": optimizer["config"]}
        compiled = {k: _full_names(v) if k in ("loss", "metrics", "weighted_metrics") else v
                    for k, v in compiled.items()}
        tree.attributes["training_config"] = json.dumps(plain_config(compiled))
        _write_optimizer(tree, model.optimizer)
    save_hdf5(path, tree)


def _write_optimizer(tree: H5Group, optimizer: Any) -> None:
    variables = optimizer.variables
    if len(variables) < 2:
        return
    group = tree.group("optimizer_weights")
    names = _unique([f"{optimizer.name}/{v.name}" for v in variables])
    write_names(group.attributes, "weight_names", names)
    own = group.group(optimizer.name)
    for name, variable in zip(names, variables, strict=True):
        own.members[name.rpartition("/")[2]] = np.asarray(variable)


def save_h5_weights(model: Any, path: str) -> None:
    """Write only the weights, in the layout of Keras 2."""
    tree = H5Group()
    _write_layers(tree, model)
    save_hdf5(path, tree)


def load_h5_model(path: str, custom_objects: Any = None, compile: bool = True) -> Any:
    """Read a whole model from an ``.h5`` file of Keras 2 or 3.

    Raises:  UnsafeFileError if it holds code; FileFormatError if it holds only weights
    """
    tree = load_hdf5(path)
    text = tree.attributes.get("model_config")
    if text is None:
        what = "only weights" if "layer_names" in tree.attributes or "layers" in tree.members else (
            "no model")
        raise FileFormatError(f"{path}: the file holds {what}: there is no model_config in it",
                              hint="build the model in Python, then model.load_weights(path)")
    config = parse_json(str(text), f"{path}[model_config]")
    refuse_code(config, str(path))
    model = deserialize_keras_object({"module": "keras.models", **config}, custom_objects,
                                     where=f"{path}: ")
    if "model_weights" in tree.members:
        _read_layers(tree["model_weights"], model, str(path))
    if compile and tree.attributes.get("training_config"):
        training = parse_json(str(tree.attributes["training_config"]), f"{path}[training_config]")
        refuse_code(training, str(path))
        _compile(model, training)
        if "optimizer_weights" in tree.members and model.optimizer is not None:
            _read_optimizer(tree["optimizer_weights"], model)
    elif compile:
        warnings.warn("No training configuration found in the save file, so the model was *not* "
                      "compiled. Compile it manually.", stacklevel=3)
    return model


def _compile(model: Any, training: dict[str, Any]) -> None:
    optimizer = training.get("optimizer_config")
    given = {k: v for k, v in training.items() if k in (
        "loss", "metrics", "loss_weights", "weighted_metrics")}
    if isinstance(given.get("metrics"), list):
        # Keras 2 wrote one list per output, and metrics as objects.
        found = given["metrics"]
        given["metrics"] = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    if optimizer:
        given["optimizer"] = {"module": "keras.optimizers", **optimizer}
    model.compile_from_config(given)


def _read_optimizer(group: H5Group, model: Any) -> None:
    names = read_names(group.attributes, "weight_names")
    values = [group[name] for name in names]
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    own = optimizer.variables
    if len(values) == len(own) and all(tuple(v.shape) == np.shape(a)
                                       for v, a in zip(own, values, strict=True)):
        optimizer.set_weights(values)
    elif len(values) > 1:
        warnings.warn(f"Skipping loading the optimizer state: the file has {len(values)} arrays, "
                      f"the optimizer {len(own)} variables.", stacklevel=4)


def load_h5_weights(model: Any, path: str, skip_mismatch: bool = False,
                    by_name: bool = False) -> None:
    """Read weights in the layout of Keras 2 into a model."""
    tree = load_hdf5(path)
    group = tree["model_weights"] if "layer_names" not in tree.attributes and (
        "model_weights" in tree.members) else tree
    _read_layers(group, model, str(path), skip_mismatch, by_name)


def _read_layers(group: H5Group, model: Any, path: str, skip_mismatch: bool = False,
                 by_name: bool = False) -> None:
    layers = [layer for layer in model.layers if _layer_weights(layer)]
    if any(not layer.built for layer in model.layers) and not layers:
        raise StateError(f"{path}: the model has no weights yet; build it before loading",
                         hint="model.build(input_shape), or call it on data")
    stored: dict[str, list[Any]] = {}
    for name in read_names(group.attributes, "layer_names"):
        own = group.members.get(name)
        if not isinstance(own, H5Group):
            raise FileFormatError(f"{path}: layer {name!r} is named but not there")
        weights = [own[w] for w in read_names(own.attributes, "weight_names")]
        if weights:
            stored[name] = weights
    if by_name:
        pairs = [(layer, layer.name, stored[layer.name]) for layer in layers
                 if layer.name in stored]
    else:
        if len(stored) != len(layers):
            raise StateError(f"Layer count mismatch when loading weights from {path}. Model "
                             f"expected {len(layers)} layers, found {len(stored)} saved layers.",
                             hint="by_name=True loads the layers whose names agree")
        pairs = [(layer, name, weights) for layer, (name, weights) in zip(
            layers, stored.items(), strict=True)]
    for layer, name, weights in pairs:
        _put(layer, name, weights, path, skip_mismatch)


def _put(layer: Any, name: str, weights: list[Any], path: str, skip_mismatch: bool) -> None:
    own = _layer_weights(layer)
    problem = None
    if len(own) != len(weights):
        problem = (f"Weight count mismatch for layer '{layer.name}' (named {name!r} in {path}). "
                   f"Layer expects {len(own)} weight(s). Received {len(weights)} saved weight(s)")
    for variable, value in zip(own, weights, strict=False):
        if problem is None and tuple(variable.shape) != np.shape(value):
            problem = (f"Shape mismatch in layer '{layer.name}' (named {name!r} in {path}) for "
                       f"weight {getattr(variable, 'path', '?')}. Weight expects shape "
                       f"{tuple(variable.shape)}. Received saved weight with shape "
                       f"{np.shape(value)}")
    if problem is not None:
        if skip_mismatch:
            warnings.warn(problem, stacklevel=5)
            return
        raise _Mismatch(problem, hint="skip_mismatch=True leaves such layers as they are")
    for variable, value in zip(own, weights, strict=True):
        variable.assign(value)


class _Mismatch(StateError, ShapeError):
    """Saved weights do not fit a layer."""

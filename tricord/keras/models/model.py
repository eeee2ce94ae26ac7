"""Model: a layer that can be trained, saved and summarised. Functional and Sequential are its
usual forms; a subclass with ``call`` is the third."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotSupportedError, StateError, nearest
from ...nn import Module
from .._names import name_scope
from ..graph import KerasTensor, map_leaves
from ..input_spec import InputSpec
from ..layers.base import Layer, _is_shape, map_shape
from ..layers.input_layer import InputLayer
from ..layers.torch_module import as_layer
from ..saving import model_files
from ..saving.serialization import plain_config, serialize_keras_object
from . import functional_config
from .functional import GraphRunner
from .summary import print_summary
from .trainer import Trainer

__all__ = ["Functional", "Model", "Sequential"]


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return (len(args) == 2 or (len(args) == 1 and "outputs" in kwargs)
            or ("inputs" in kwargs and "outputs" in kwargs)) and not isinstance(
                args[0] if args else None, str)


class Model(Trainer, Layer):
    """``Model(inputs, outputs)``, or a subclass that defines ``call(self, inputs, training)``."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional(args, kwargs):
            return Layer.__new__(Functional, *args, **kwargs)
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any):
        graph = None
        if _is_functional(args, kwargs):
            names = ["inputs", "outputs", "name"]
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            inputs, outputs = given.pop("inputs"), given.pop("outputs")
            graph = (inputs, outputs)
            kwargs, args = {k: v for k, v in given.items() if v is not None}, ()
        if args:
            raise ArgumentError(f"{type(self).__name__}: expected inputs and outputs, got "
                                f"{len(args)} positional arguments")
        super().__init__(**kwargs)
        object.__setattr__(self, "_graph", None)
        if graph is not None:
            self._use_graph(*graph)

    # ---- the graph of a functional model

    def _use_graph(self, inputs: Any, outputs: Any) -> None:
        object.__setattr__(self, "_graph", GraphRunner(inputs, outputs))
        object.__setattr__(self, "_masks_inside", type(self).call in (Functional.call,
                                                                      Sequential.call))
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs; in a graph the last layers have set it."""
        return None if self._graph is not None else super().compute_mask(inputs, mask)

    @property
    def inputs(self) -> Any:
        """The symbolic inputs, if this is made of symbolic tensors."""
        return list(self._graph.inputs) if self._graph is not None else None

    @property
    def outputs(self) -> Any:
        """The symbolic outputs."""
        return list(self._graph.outputs) if self._graph is not None else None

    @property
    def input(self) -> Any:
        return self._graph.inputs_struct if self._graph is not None else super().input

    @property
    def output(self) -> Any:
        return self._graph.outputs_struct if self._graph is not None else super().output

    @property
    def input_names(self) -> list[str]:
        """The names of the input layers."""
        return [t._keras_history.operation.name for t in self.inputs or []]

    @property
    def output_names(self) -> Any:
        """The names of the layers that give the outputs; keys if the outputs are a dict."""
        if self._graph is None:
            return None
        if isinstance(self._graph.outputs_struct, dict):
            return list(self._graph.outputs_struct)
        return [t._keras_history.operation.name for t in self.outputs]

    @property
    def layers(self) -> list[Any]:
        """The layers, in the order of the graph or as they were set."""
        if self._graph is not None:
            from_graph = [o for o in self._graph.operations if isinstance(o, Layer)]
            known = {id(layer) for layer in from_graph}
            own = [m for _, m in Layer._all_children(self)
                   if isinstance(m, Layer) and id(m) not in known]
            return from_graph + own
        return [m for m in self._layers if isinstance(m, Layer)]

    def _all_children(self) -> list[tuple[str, Module]]:
        if self.__dict__.get("_graph") is None:
            return super()._all_children()
        return [(layer.name, layer) for layer in self.layers]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """A layer by name or number.

        Raises:  ArgumentError if there is none, naming the nearest
        """
        if (name is None) == (index is None):
            raise ArgumentError("Provide either a layer name or layer index.")
        if index is not None:
            if index >= len(self.layers):
                raise ArgumentError(f"Was asked to retrieve layer at index {index} but model only "
                                    f"has {len(self.layers)} layers.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise ArgumentError(f"No such layer: {name}. Existing layers are: {names}.",
                            hint=nearest(str(name), names))

    # ---- building and calling

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation: that of the graph, unless a subclass defines its own."""
        if self._graph is None:
            raise NotSupportedError(
                f"Model {self.__class__.__name__} does not have a `call()` method implemented.",
                hint="def call(self, inputs): ...")
        return self._graph.run(self._graph.values_of(args[0] if args else next(
            iter(kwargs.values())), self.name))

    def build(self, input_shape: Any = None) -> None:
        """Make the weights by calling the model on symbolic inputs of this shape."""
        if self.built or (input_shape is None and self._graph is not None):
            return
        symbolic = map_structure(input_shape, self.compute_dtype)
        if isinstance(symbolic, tuple):
            symbolic = list(symbolic)
        self.built = True  # the call below must not come back here
        try:
            self.compute_output_spec(symbolic)
        except BaseException:
            self.built = False
            raise
        object.__setattr__(self, "_build_shapes", {"input_shape": map_shape(input_shape)})

    build._is_default = True  # type: ignore[attr-defined]

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build from what `get_build_config` gave."""
        if self.built or not config or config.get("input_shape") is None:
            return
        super().build_from_config(config)

    def get_build_config(self) -> dict[str, Any] | None:
        if self._graph is not None:
            shapes = map_leaves(lambda t: t.shape, self._graph.inputs_struct)
            return {"input_shape": shapes}
        return super().get_build_config() or self._shapes_of_first_call()

    def _shapes_of_first_call(self) -> dict[str, Any] | None:
        shape = self.__dict__.get("_first_shape")
        return None if shape is None else {"input_shape": shape}

    def _run(self, first: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._graph is None and "_first_shape" not in self.__dict__ and first is not None:
            object.__setattr__(self, "_first_shape", _batchless(first))
        return super()._run(first, args, kwargs)

    # ---- weights and files

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of all weights."""
        return super().get_weights()

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None,
             include_optimizer: bool = True, save_format: str | None = None) -> None:
        """Write the whole model: ``.keras``, or ``.h5`` of Keras 2."""
        model_files.save_model(self, filepath, overwrite, include_optimizer, save_format)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights: ``.weights.h5``."""
        model_files.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False,
                     ) -> Any:
        """Read weights from ``.weights.h5``, ``.keras`` or ``.h5``."""
        return model_files.load_weights(self, filepath, skip_mismatch, by_name)

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Not offered yet."""
        raise NotSupportedError("model.export: exporting as a SavedModel is not offered yet",
                                hint="model.save('model.keras')")

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text."""
        return model_files.to_json(self, **kwargs)

    def get_config(self) -> dict[str, Any]:
        if self._graph is not None and type(self).__init__ in (Model.__init__, Functional.__init__):
            return plain_config({"name": self.name, "trainable": self.trainable,
                                 **functional_config.graph_config(self)})
        base = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy}
        if type(self).get_config is not Model.get_config:
            return plain_config(base)
        return plain_config({**base, **self._settings()})

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        if "layers" in config and "input_layers" in config:
            target = cls if issubclass(cls, Functional) else Functional
            return functional_config.model_of(target, config, custom_objects)
        return super().from_config(config)

    # ---- what people look at

    def summary(self, line_length: int | None = None, positions: Any = None,
                print_fn: Callable[[str], Any] | None = None, expand_nested: bool = False,
                show_trainable: bool = False, layer_range: Any = None) -> None:
        """Print a table of the layers with their output shapes and numbers of parameters."""
        print_summary(self, line_length, print_fn, expand_nested, show_trainable, layer_range)

    def count_params(self) -> int:
        """The number of elements of all weights."""
        if not self.built:
            raise StateError(f"You tried to call `count_params` on model '{self.name}', but it "
                             "isn't built. Call it on data, or model.build(input_shape).")
        return sum(v._type.size for v in self.weights)


def map_structure(shapes: Any, dtype: str) -> Any:
    """Shapes, nested as the inputs are, as symbolic tensors."""
    if _is_shape(shapes):
        return KerasTensor(shapes, dtype)
    if isinstance(shapes, dict):
        return {k: map_structure(v, dtype) for k, v in shapes.items()}
    return [map_structure(v, dtype) for v in shapes]


def _batchless(first: Any) -> Any:
    return map_leaves(lambda t: (None, *tuple(t.shape)[1:]) if hasattr(t, "shape") else None, first)


class Functional(Model):
    """A model made of symbolic tensors."""

    _keras_module = "keras.src.models.functional"

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any):
        super().__init__(inputs=inputs, outputs=outputs,
                         **({"name": name} if name is not None else {}), **kwargs)
        object.__setattr__(self, "_specs", [
            InputSpec(shape=(None, *t.shape[1:]), allow_last_axis_squeeze=True)
            for t in self._graph.inputs])

    def call(self, inputs: Any, training: Any = None) -> Any:
        return self._graph.run(self._graph.values_of(inputs, self.name))


class Sequential(Model):
    """A stack of layers, one after the other.

    >>> from tricord.keras.layers.core import Dense
    >>> model = Sequential([InputLayer((4,)), Dense(3, activation="relu"), Dense(1)])
    >>> [layer.units for layer in model.layers], model.output_shape
    ([3, 1], (None, 1))
    """

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None,
                 **kwargs: Any):
        super().__init__(trainable=trainable, **({"name": name} if name else {}), **kwargs)
        object.__setattr__(self, "_stack", [])
        if layers is not None:
            if not isinstance(layers, (list, tuple)):
                layers = [layers]
            for layer in layers:
                self.add(layer, rebuild=False)
            self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top."""
        if isinstance(layer, KerasTensor):
            history = layer._keras_history
            if history is not None and isinstance(history.operation, InputLayer):
                layer = history.operation
        layer = as_layer(layer)
        stack = self._stack
        if any(layer.name == other.name for other in stack):
            if isinstance(layer, InputLayer) and stack and isinstance(stack[0], InputLayer):
                raise ArgumentError(f"Sequential model '{self.name}' has already been configured "
                                    "to use an input layer")
            raise ArgumentError(
                "All layers added to a Sequential model should have unique names. Name "
                f"'{layer.name}' is already the name of a layer in this model. Update the `name` "
                "argument to pass a unique name.")
        if isinstance(layer, InputLayer) and stack and isinstance(stack[0], InputLayer):
            raise ArgumentError(f"Sequential model '{self.name}' has already been configured to "
                                f"use input shape {stack[0].batch_shape}. You cannot add a "
                                "different Input layer to it.")
        if not stack and not isinstance(layer, InputLayer):
            shape = layer._input_shape_arg
            if shape is None and isinstance(layer, Model) and len(layer.inputs or ()) == 1:
                shape = layer.inputs[0].shape
            if shape is not None:
                stack.append(InputLayer(batch_shape=shape))
        stack.append(layer)
        self._forget_graph()
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Any:
        """Take the last layer off."""
        if not self.layers:
            raise StateError("there is no layer to pop")
        layer = self._stack.pop()
        self._forget_graph()
        if rebuild:
            self._rebuild()
        return layer

    def _forget_graph(self) -> None:
        set_ = object.__setattr__
        set_(self, "_graph", None)
        set_(self, "_ready", False)
        self.built = False

    def _rebuild(self) -> None:
        """Connect the layers, once it is known what comes in."""
        stack = self._stack
        if not stack or not isinstance(stack[0], InputLayer) or len(stack) < 2:
            return
        x = stack[0]._inbound_nodes[0].outputs[0]
        inputs = x
        with name_scope(self.name):
            for layer in stack[1:]:
                x = layer(x)
        self._use_graph(inputs, x)

    @property
    def layers(self) -> list[Any]:
        """The layers without the input."""
        return [layer for layer in self.__dict__.get("_stack", ())
                if not isinstance(layer, InputLayer)]

    def _all_children(self) -> list[tuple[str, Module]]:
        own = [(layer.name, layer) for layer in self.layers]
        known = {id(layer) for layer in self.__dict__.get("_stack", ())}
        return own + [(n, m) for n, m in Layer._all_children(self) if id(m) not in known]

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape."""
        if self.built or input_shape is None:
            return
        if not self.layers:
            raise StateError(f"Sequential model {self.name} cannot be built because it has no "
                             "layers. Call `model.add(layer)`.")
        if not _is_shape(input_shape):
            raise ArgumentError(f"Sequential.build: expected one shape, got {input_shape}",
                                hint="(None, 784)")
        if not isinstance(self._stack[0], InputLayer):
            self._stack.insert(0, InputLayer(batch_shape=(None, *tuple(input_shape)[1:]),
                                             dtype=self.__dict__.get("_first_dtype", None)))
        self._rebuild()
        self.built = True

    build._is_default = False  # type: ignore[attr-defined]

    def _maybe_build(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.built:
            return
        first = self.signature.first(args, kwargs)
        if isinstance(first, (list, tuple, dict)):
            raise ArgumentError("a Sequential model takes one input",
                                hint="several inputs: keras.Model(inputs, outputs)")
        object.__setattr__(self, "_first_dtype", str(first.dtype))
        # Layers are built below the model's name whether the model is called or told its shape.
        self.build((None, *tuple(first.shape)[1:]))

    def call(self, inputs: Any, training: Any = None) -> Any:
        if self._graph is None:
            for layer in self.layers:
                inputs = layer(inputs)
            return inputs
        return self._graph.run(self._graph.values_of(inputs, self.name))

    def get_config(self) -> dict[str, Any]:
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy,
                  "layers": [serialize_keras_object(layer) for layer in self._stack]}
        if self._graph is not None:
            config["build_input_shape"] = self._graph.inputs[0].shape
        return plain_config(config)

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        if isinstance(config, list):  # the oldest form
            config = {"layers": config}
        shape = config.get("build_input_shape")
        made = cls(name=config.get("name"))
        for layer in config["layers"]:
            made.add(functional_config.layer_of(layer, custom_objects), rebuild=False)
        made._rebuild()
        if not made.built and shape and made.layers:
            made.build(tuple(shape))
        if config.get("trainable") is False:
            made.trainable = False
        return made

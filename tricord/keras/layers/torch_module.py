"""A torch-style module as a Keras layer."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, NotSupportedError
from ...nn import Module
from .base import Layer

__all__ = ["TorchModuleWrapper", "as_layer"]


class TorchModuleWrapper(Layer):
    """Any module inside a Keras model; it trains and evaluates with the model."""

    def __init__(self, module: Module, name: str | None = None, output_shape: Any = None,
                 **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if not isinstance(module, Module):
            raise ArgumentError(f"TorchModuleWrapper: expected a module, got "
                                f"{type(module).__name__}")
        self.module = module
        self.built = True

    def call(self, *args: Any, training: Any = None, **kwargs: Any) -> Any:
        module = self.module
        if module.training is not bool(training):
            module.train(bool(training))
        return module(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        raise NotSupportedError(f"layer {self.name!r} is a torch-style module "
                                f"({type(self.module).__name__}): a Keras file cannot hold it",
                                hint="save its state_dict, or write it as a keras Layer")


def as_layer(layer: Any) -> Layer:
    """A layer as it is, a module wrapped.

    Raises:  ArgumentError for anything else
    """
    if isinstance(layer, Layer):
        return layer
    if isinstance(layer, Module):
        return TorchModuleWrapper(layer)
    hint = None
    if isinstance(layer, str):
        hint = "keras.layers.Dense(10), for example"
    elif isinstance(layer, type):
        hint = f"{layer.__name__}(...): an object, not the class"
    raise ArgumentError("Only instances of `keras.Layer` can be added to a Sequential model. "
                        f"Received: {layer!r:.60} (of type {type(layer).__name__})", hint=hint)

"""Wrapper: a layer around a layer."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError
from ...nn import Module
from .._names import name_scope
from ..saving.serialization import deserialize_keras_object
from .base import Layer
from .torch_module import TorchModuleWrapper

__all__ = ["Wrapper", "wrapped"]


def wrapped(layer: Any, who: str) -> Any:
    """A layer, or a module of another style as one."""
    if isinstance(layer, Layer):
        return layer
    if isinstance(layer, Module):
        return TorchModuleWrapper(layer)
    raise ArgumentError(f"Layer {layer!r:.60} supplied to {who} isn't a supported layer type. "
                        "Please ensure wrapped layer is a valid Keras layer.")


class Wrapper(Layer):
    """Base class of layers that hold another one as ``layer``."""

    def __init__(self, layer: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.layer = wrapped(layer, type(self).__name__)

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            with name_scope(self.layer.name):
                self.layer.build(input_shape)
            self.layer.built = True

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        if isinstance(config["layer"], dict):
            config["layer"] = deserialize_keras_object(config["layer"])
        return super().from_config(config)

"""Layers."""

from __future__ import annotations

from typing import Any

from .._module import names_of
from ..input_spec import InputSpec
from ..saving.registry import register_builtins
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from . import (
    activation_layers,
    attention,
    augmentation,
    cells,
    convolution,
    core,
    einsum_dense,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    reshaping,
    sequence_wrappers,
    text,
    wrapper,
)
from .base import Layer
from .input_layer import Input, InputLayer
from .torch_module import TorchModuleWrapper

_MODULES = (core, einsum_dense, activation_layers, convolution, pooling, normalization,
            regularization, reshaping, merging, cells, recurrent, attention, sequence_wrappers,
            wrapper, preprocessing, augmentation, text)
_own: dict[str, Any] = {"Input": Input, "InputLayer": InputLayer, "InputSpec": InputSpec,
                        "Layer": Layer, "TorchModuleWrapper": TorchModuleWrapper}
for _module in _MODULES:
    _own.update({n: getattr(_module, n) for n in getattr(_module, "__all__", ())})
#: helpers that the families share and that are no part of Keras
for _helper in ("Cell", "Merge", "Randomised", "wrapped", "zeros"):
    _own.pop(_helper, None)

# Other names of the same classes, which files may use.
for _rank in ("1D", "2D", "3D"):
    for _short, _long in (("MaxPool", "MaxPooling"), ("AvgPool", "AveragePooling"),
                          ("GlobalMaxPool", "GlobalMaxPooling"),
                          ("GlobalAvgPool", "GlobalAveragePooling"), ("Convolution", "Conv"),
                          ("SeparableConvolution", "SeparableConv")):
        if _long + _rank in _own:
            _own[_short + _rank] = _own[_long + _rank]
    if f"Conv{_rank}Transpose" in _own:
        _own[f"Convolution{_rank}Transpose"] = _own[f"Conv{_rank}Transpose"]

globals().update(_own)
__all__ = sorted([*_own, "deserialize", "serialize"])  # noqa: PLE0605
register_builtins("layers", {n: c for n, c in _own.items()
                             if isinstance(c, type) and issubclass(c, Layer)})


def serialize(layer: Layer) -> Any:
    """The configuration of a layer."""
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The layer that a configuration describes."""
    if isinstance(config, dict) and "module" not in config and "class_name" in config:
        config = {"module": "keras.layers", **config}
    return deserialize_keras_object(config, custom_objects)


__getattr__ = names_of(__name__, __all__, {
    "CuDNNLSTM": "use LSTM", "CuDNNGRU": "use GRU",
    "TFSMLayer": "SavedModels of TensorFlow are not read",
    "JaxLayer": "JAX functions are not layers here",
    "FlaxLayer": "Flax modules are not layers here",
    "LocallyConnected1D": "it was removed from Keras 3",
    "LocallyConnected2D": "it was removed from Keras 3"})

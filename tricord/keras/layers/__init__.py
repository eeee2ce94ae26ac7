"""Layers."""

from ..input_spec import InputSpec
from ..saving.registry import register_builtins
from .base import Layer
from .core import Activation, Dense, Embedding, Identity, Lambda, Masking
from .input_layer import Input, InputLayer
from .torch_module import TorchModuleWrapper

__all__ = ["Activation", "Dense", "Embedding", "Identity", "Input", "InputLayer", "InputSpec", "Lambda", "Layer",
           "Masking", "TorchModuleWrapper"]
register_builtins("layers", {n: globals()[n] for n in __all__ if n not in ("Input", "InputSpec")})

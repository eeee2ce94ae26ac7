"""Dense, EinsumDense, Embedding, Activation, Identity, Masking, Lambda."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import ArgumentError, UnsafeFileError
from ...functions import embedding, masks
from ...functions.elementwise import cast
from ...functions.linear import dense
from ...ir.dtypes import int64
from ...ir.node import Node
from ...tensor import record
from .. import activations, constraints, initializers, regularizers
from ..input_spec import InputSpec
from .base import Layer

__all__ = ["Activation", "Dense", "Embedding", "Identity", "Lambda", "Masking"]


def positive(what: str, value: Any) -> int:
    """A whole number above zero, or an error in Keras's words."""
    if isinstance(value, bool) or (not isinstance(value, int) and not (
            hasattr(value, "__index__"))) or int(value) <= 0:
        raise ArgumentError(f"Received an invalid value for `{what}`, expected a positive integer. "
                            f"Received: {what}={value}")
    return int(value)


class Dense(Layer):
    """``activation(x @ kernel + bias)``.

    Shapes:  x (*, in), kernel (in, units), bias (units,) -> (*, units)
    """

    _not_settings = ("lora_rank", "lora_alpha", "activity_regularizer")

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, lora_rank: int | None = None,
                 lora_alpha: int | None = None, quantization_config: Any = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        if lora_rank is not None or quantization_config is not None:
            raise ArgumentError("Dense: lora_rank and quantization_config are not offered yet")
        self.quantization_config = None
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        self.kernel = self.add_weight(
            (features, self.units), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Any) -> Any:
        bias = self.bias
        operands = (inputs, self.kernel) if bias is None else (inputs, self.kernel, bias)
        return self.activation(record(dense_cast, operands))


def dense_cast(x: Node, kernel: Node, bias: Node | None = None) -> Node:
    """`dense`, whole numbers taken in the kernel's dtype."""
    return dense(cast(x, kernel.dtype) if x.dtype.kind in "iub" else x, kernel, bias)


class Activation(Layer):
    """An activation function, by name or itself."""

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class Identity(Layer):
    """The input itself."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs


class Embedding(Layer):
    """Rows of a table, chosen by whole numbers; ``mask_zero`` masks the number 0.

    Shapes:  (*) -> (*, output_dim)
    Raises:  IndexRangeError when it runs, if a number is not below ``input_dim``
    """

    _not_settings = ("weights", "lora_rank", "lora_alpha", "quantization_config")

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
                 embeddings_regularizer: Any = None, embeddings_constraint: Any = None,
                 mask_zero: bool = False, weights: Any = None, lora_rank: int | None = None,
                 lora_alpha: int | None = None, quantization_config: Any = None, **kwargs: Any):
        length = kwargs.pop("input_length", None)
        if length is not None and "input_shape" not in kwargs:
            kwargs["input_shape"] = (length,) if isinstance(length, int) else tuple(length)
        super().__init__(**kwargs)
        self.input_dim = positive("input_dim", input_dim)
        self.output_dim = positive("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self._given_weights = weights if isinstance(weights, list) else [weights]

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, name="embeddings",
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint)

    def call(self, inputs: Any) -> Any:
        if inputs.dtype.kind not in "iu":
            inputs = record(cast, (inputs,), (int64,))
        return record(embedding.embedding, (inputs, self.embeddings))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return record(masks.not_equal_to, (inputs,), (0,)) if self.mask_zero else None


class Masking(Layer):
    """Masks the steps of a sequence in which all features are ``mask_value``."""

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return record(masks.any_not_equal_to, (inputs,), (self.mask_value,))

    def call(self, inputs: Any) -> Any:
        return record(masks.zero_steps, (inputs,), (self.mask_value,))


class Lambda(Layer):
    """A Python function as a layer. It works in this process; it is not saved to files."""

    def __init__(self, function: Callable[..., Any], output_shape: Any = None, mask: Any = None,
                 arguments: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not callable(function):
            raise ArgumentError(f"Lambda: expected a function, got {type(function).__name__}")
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self._output_shape = output_shape
        self.supports_masking = mask is not None

    def call(self, inputs: Any) -> Any:
        return self.function(inputs, **self.arguments)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        raise UnsafeFileError(
            f"layer {self.name!r} is a Lambda layer: its Python code cannot be saved, as loading "
            "would have to run code from the file",
            hint="write a Layer class with a call() method instead, and pass it as "
                 "custom_objects= when you load the model")

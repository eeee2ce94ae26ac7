"""EinsumDense: a learned tensor contracted with the input as an einsum equation says."""

from __future__ import annotations

import re
from typing import Any

from ...errors import ArgumentError, ShapeError
from ...functions.einsum import einsum
from ...functions.mixed import mixed
from ...ir import arithmetic
from ...nn.functional._record import record_some
from .base import Layer
from .standard import keep, weight

__all__ = ["EinsumDense"]

_EQUATION = re.compile(r"^(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->"
                       r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?$")


def _contracted(x: Any, kernel: Any, bias: Any, equation: str) -> Any:
    y = einsum(x, kernel, equation)
    return y if bias is None else arithmetic.add(y, bias)


_einsum_dense = mixed(_contracted)


class EinsumDense(Layer):
    """``activation(einsum(equation, x, kernel) + bias)``.

    ``output_shape`` is that of the result without the batch axis; None keeps the input's size.

    >>> import numpy as np
    >>> EinsumDense("abc,cd->abd", output_shape=(None, 8))(np.ones((2, 3, 4), "float32")).shape
    (2, 3, 8)
    """

    _not_settings = ("lora_rank", "lora_alpha", "gptq_unpacked_column_size",
                     "quantization_config")

    def __init__(self, equation: str, output_shape: Any, activation: Any = None,
                 bias_axes: str | None = None, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, lora_rank: int | None = None,
                 lora_alpha: int | None = None, gptq_unpacked_column_size: Any = None,
                 quantization_config: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        if lora_rank is not None or quantization_config is not None:
            raise ArgumentError("EinsumDense: lora_rank and quantization_config are not offered "
                                "yet")
        found = _EQUATION.match(equation.replace(" ", ""))
        if found is None or bool(found[1]) != bool(found[5]) or bool(found[3]) != bool(found[7]):
            raise ArgumentError(f"Invalid einsum equation '{equation}'. Equations must be in the "
                                "form [X],[Y]->[Z], ...[X],[Y]->...[Z], or [X]...,[Y]->[Z]....")
        self.equation = equation
        self._terms = (found[2], found[4], found[6])
        self._elided = "left" if found[1] else "right" if found[3] else None
        self.partial_output_shape = ((output_shape,) if isinstance(output_shape, int)
                                     else tuple(output_shape))
        keep(self, bias_axes=bias_axes, activation=activation,
             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        if bias_axes and set(bias_axes) - set(found[6]):
            raise ArgumentError(f"Bias dimension '{bias_axes}' was requested, but is not part of "
                                f"the output spec '{found[6]}'")
        self.supports_masking = True
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        kernel, bias, result = self._shapes(tuple(input_shape))
        self.full_output_shape = result
        self.kernel = weight(self, "kernel", kernel)
        if bias is not None:
            self.bias = weight(self, "bias", bias)

    def _shapes(self, shape: tuple[int | None, ...]) -> tuple[tuple[int, ...], Any, Any]:
        """Of the kernel, the bias (or None), and the result without its batch axis's size."""
        inputs, kernel, outputs = self._terms
        extra = len(shape) - len(inputs)
        if extra < 0 or (extra and self._elided is None):
            raise ShapeError(f"EinsumDense: the equation {self.equation!r} does not fit an input "
                             f"of shape {shape}")
        seen = shape[extra:] if self._elided == "left" else shape[:len(inputs)]
        sizes: dict[str, Any] = dict(zip(inputs, seen, strict=True))
        given = self.partial_output_shape
        # The batch comes first in the result; left of an ellipsis it stands in the ellipsis.
        named = outputs[-len(given):] if self._elided == "left" else outputs[1:1 + len(given)]
        if len(named) != len(given):
            raise ShapeError(f"EinsumDense: output_shape {given} does not fit the result "
                             f"{outputs!r} of {self.equation!r}")
        for label, size in zip(named, given, strict=True):
            if size is not None:
                if sizes.get(label) not in (None, size):
                    raise ShapeError(
                        f"Input shape and output shape do not match at shared dimension "
                        f"'{label}'. Input shape is {sizes[label]}, and output shape is {size}.")
                sizes[label] = size
        missing = [c for c in kernel if sizes.get(c) is None]
        if missing:
            raise ShapeError(f"Weight dimension '{missing[0]}' did not have a match in either the "
                             f"input spec '{inputs}' or the output spec '{outputs}'. For this "
                             "layer, the weight must be fully specified.")
        bias = None
        if self.bias_axes:
            first = min(outputs.index(c) for c in self.bias_axes)
            bias = tuple(sizes[c] if c in self.bias_axes else 1 for c in outputs[first:])
            bias += (1,) * (extra if self._elided == "right" else 0)
        return tuple(sizes[c] for c in kernel), bias, tuple(sizes.get(c) for c in outputs)

    def call(self, inputs: Any) -> Any:
        return self.activation(record_some(_einsum_dense, (inputs, self.kernel, self.bias),
                                           (self.equation,)))

    def _settings(self) -> dict[str, Any]:
        names = ("equation", "activation", "bias_axes", "kernel_initializer", "bias_initializer",
                 "kernel_regularizer", "bias_regularizer", "kernel_constraint",
                 "bias_constraint")
        return {"output_shape": self.partial_output_shape,
                "activity_regularizer": self.activity_regularizer, "quantization_config": None,
                **{n: getattr(self, n) for n in names}}

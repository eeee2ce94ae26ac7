"""Activations with settings of their own."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError
from ...functions import gated
from ...functions.mixed import mixed
from ...tensor import record
from .. import activations
from ..input_spec import InputSpec
from .base import Layer
from .standard import keep, number, weight

__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"]

_learned_relu = mixed(gated.learned_relu)


class ReLU(Layer):
    """``max(x, 0)``, with a slope below, a cap above and another threshold if asked for."""

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0,
                 threshold: float = 0.0, **kwargs: Any):
        if "alpha" in kwargs:  # Keras 2
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        if max_value is not None:
            number("max_value", max_value, 0)
        self.max_value = max_value
        self.negative_slope = number("negative_slope", negative_slope, 0)
        self.threshold = number("threshold", threshold, 0)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, negative_slope=self.negative_slope,
                                max_value=self.max_value, threshold=self.threshold)


class LeakyReLU(Layer):
    """``x`` above zero, ``negative_slope * x`` below."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        if "alpha" in kwargs:  # Keras 2
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ArgumentError("The negative_slope value of a Leaky ReLU layer cannot be None or "
                                "negative value. Expected a float. Received: negative_slope="
                                f"{negative_slope}")
        self.negative_slope = negative_slope
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class PReLU(Layer):
    """``x`` above zero, ``alpha * x`` below; alpha is learned, one per feature.

    ``shared_axes`` have one alpha for all of their elements.
    """

    def __init__(self, alpha_initializer: Any = "Zeros", alpha_regularizer: Any = None,
                 alpha_constraint: Any = None, shared_axes: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        keep(self, alpha_initializer=alpha_initializer, alpha_regularizer=alpha_regularizer,
             alpha_constraint=alpha_constraint)
        if shared_axes is not None and not isinstance(shared_axes, (list, tuple)):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        shared = {a % rank for a in self.shared_axes or ()}
        sizes = tuple(1 if a in shared else n for a, n in enumerate(input_shape))[1:]
        self.alpha = weight(self, "alpha", sizes)
        axes = {a: n for a, n in enumerate(input_shape) if a and a not in shared}
        self.input_spec = InputSpec(ndim=rank, axes=axes if shared else None)

    def call(self, inputs: Any) -> Any:
        return record(_learned_relu, (inputs, self.alpha))


class ELU(Layer):
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, alpha=self.alpha)


class Softmax(Layer):
    """``exp(x) / sum(exp(x))`` along an axis or several; what a mask leaves out gets 0."""

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return activations.softmax(inputs, axis=self.axis)
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return record(gated.softmax_of_kept, (inputs, mask), (axis,))

"""Means of losses: regression, probabilities, margins."""

from __future__ import annotations

from typing import Any

from ..functions import class_loss as c
from ..functions import loss as f
from ..ir.node import Node
from ..ir.ops.elementwise import absolute, log, maximum, sqrt, zeros_like
from ..ir.ops.movement import broadcast_to, expand_dims
from ..ir.ops.reduce import reduce_sum
from .mean import FormulaMean
from .nodes import quotient

__all__ = ["BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity",
           "Hinge", "KLDivergence", "LogCoshError", "MeanAbsoluteError",
           "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError",
           "Poisson", "RootMeanSquaredError", "SparseCategoricalCrossentropy", "SquaredHinge"]

_EPSILON = 1e-7


def squared_error(y_true: Node, y_pred: Node) -> Node:
    """``mean((y_true - y_pred)**2)`` over the last axis."""
    difference = y_true - y_pred
    return f.mean_last(difference * difference)


def absolute_error(y_true: Node, y_pred: Node) -> Node:
    """``mean(abs(y_true - y_pred))`` over the last axis."""
    return f.mean_last(absolute(y_true - y_pred))


def percentage_error(y_true: Node, y_pred: Node) -> Node:
    return f.mean_absolute_percentage_error(y_pred, y_true)


def logarithmic_error(y_true: Node, y_pred: Node) -> Node:
    return f.mean_squared_logarithmic_error(y_pred, y_true)


def log_cosh(y_true: Node, y_pred: Node) -> Node:
    return f.mean_last(f.log_cosh(y_pred, y_true, "none"))


def unit(x: Node, axis: int) -> Node:
    """Scaled to length one along an axis; a vector of zeros stays."""
    axis %= x.ndim
    squares = expand_dims(reduce_sum(x * x, (axis,)), axis)
    least = zeros_like(squares) + 1e-12
    return x / broadcast_to(sqrt(maximum(squares, least)), x.shape)


def cosine_similarity(y_true: Node, y_pred: Node, axis: int) -> Node:
    """The cosine of the angle between the two, along an axis."""
    return reduce_sum(unit(y_true, axis) * unit(y_pred, axis), (axis % y_true.ndim,))


def _clipped(x: Node) -> Node:
    return -maximum(-maximum(x, zeros_like(x) + _EPSILON), zeros_like(x) - 1.0)


def kl_divergence(y_true: Node, y_pred: Node) -> Node:
    """``sum(y_true * log(y_true / y_pred))`` over the last axis, both within [1e-7, 1]."""
    y_true, y_pred = _clipped(y_true), _clipped(y_pred)
    return reduce_sum(y_true * log(y_true / y_pred), (y_true.ndim - 1,))


def poisson(y_true: Node, y_pred: Node) -> Node:
    """``mean(y_pred - y_true * log(y_pred))`` over the last axis."""
    return f.mean_last(y_pred - y_true * log(y_pred + _EPSILON))


def binary_crossentropy(y_true: Node, y_pred: Node, logits: bool, smoothing: float) -> Node:
    return c.binary_crossentropy(y_true, y_pred, logits, smoothing)


class MeanSquaredError(FormulaMean):
    """Mean of ``(y_true - y_pred)**2``."""

    formula = staticmethod(squared_error)

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)


class RootMeanSquaredError(FormulaMean):
    """Root of the mean of ``(y_true - y_pred)**2`` over everything."""

    formula = staticmethod(squared_error)

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def result(self) -> Any:
        return self.compute(_root)


def _root(so_far: Node, count: Node) -> Node:
    return sqrt(quotient(so_far, count))


class MeanAbsoluteError(FormulaMean):
    """Mean of ``abs(y_true - y_pred)``."""

    formula = staticmethod(absolute_error)

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None):
        super().__init__(name, dtype)


class MeanAbsolutePercentageError(FormulaMean):
    """Mean of ``100 * abs(y_true - y_pred) / abs(y_true)``."""

    formula = staticmethod(percentage_error)

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(name, dtype)


class MeanSquaredLogarithmicError(FormulaMean):
    """Mean of ``(log(1 + y_true) - log(1 + y_pred))**2``."""

    formula = staticmethod(logarithmic_error)

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(name, dtype)


class LogCoshError(FormulaMean):
    """Mean of ``log(cosh(y_pred - y_true))``."""

    formula = staticmethod(log_cosh)

    def __init__(self, name: str = "logcosh", dtype: Any = None):
        super().__init__(name, dtype)


class CosineSimilarity(FormulaMean):
    """Mean cosine of the angle between truth and prediction."""

    formula = staticmethod(cosine_similarity)

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1):
        super().__init__(name, dtype)
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.axis,)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class KLDivergence(FormulaMean):
    """Mean Kullback-Leibler divergence of the prediction from the truth."""

    formula = staticmethod(kl_divergence)

    def __init__(self, name: str = "kl_divergence", dtype: Any = None):
        super().__init__(name, dtype)


class Poisson(FormulaMean):
    """Mean of ``y_pred - y_true * log(y_pred)``."""

    formula = staticmethod(poisson)

    def __init__(self, name: str = "poisson", dtype: Any = None):
        super().__init__(name, dtype)


class Hinge(FormulaMean):
    """Mean of ``max(1 - y_true * y_pred, 0)``."""

    formula = staticmethod(c.hinge)

    def __init__(self, name: str = "hinge", dtype: Any = None):
        super().__init__(name, dtype)


class SquaredHinge(FormulaMean):
    """Mean of ``max(1 - y_true * y_pred, 0)**2``."""

    formula = staticmethod(c.squared_hinge)

    def __init__(self, name: str = "squared_hinge", dtype: Any = None):
        super().__init__(name, dtype)


class CategoricalHinge(FormulaMean):
    """Mean of ``max(best wrong one - right one + 1, 0)``."""

    formula = staticmethod(c.categorical_hinge)

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None):
        super().__init__(name, dtype)


class BinaryCrossentropy(FormulaMean):
    """Mean cross entropy of probabilities (or logits) of one class each."""

    formula = staticmethod(binary_crossentropy)

    def __init__(self, name: str = "binary_crossentropy", dtype: Any = None,
                 from_logits: bool = False, label_smoothing: float = 0):
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def static(self) -> tuple[Any, ...]:
        return (self.from_logits, self.label_smoothing)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits,
                "label_smoothing": self.label_smoothing}


class CategoricalCrossentropy(FormulaMean):
    """Mean cross entropy of a distribution over classes; labels are one-hot."""

    formula = staticmethod(c.categorical_crossentropy)

    def __init__(self, name: str = "categorical_crossentropy", dtype: Any = None,
                 from_logits: bool = False, label_smoothing: float = 0, axis: int = -1):
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.from_logits, self.label_smoothing, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits,
                "label_smoothing": self.label_smoothing, "axis": self.axis}


class SparseCategoricalCrossentropy(FormulaMean):
    """Mean cross entropy of a distribution over classes; labels are class numbers."""

    formula = staticmethod(c.sparse_categorical_crossentropy)
    as_values = False

    def __init__(self, name: str = "sparse_categorical_crossentropy", dtype: Any = None,
                 from_logits: bool = False, ignore_class: int | None = None, axis: int = -1):
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.from_logits, self.ignore_class, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits, "axis": self.axis,
                "ignore_class": self.ignore_class}

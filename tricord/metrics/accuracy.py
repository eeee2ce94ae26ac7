"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from ..functions.class_loss import select_class
from ..functions.manipulation import narrow
from ..ir.arithmetic import compare
from ..ir.dtypes import float32, int64
from ..ir.node import Node
from ..ir.ops.elementwise import bitwise_and, cast, is_finite
from ..ir.ops.movement import broadcast_to, expand_dims, reshape
from ..ir.ops.reduce import argmax, reduce_sum
from .mean import FormulaMean
from .nodes import same_rank

__all__ = ["Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy",
           "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy"]


def _hits(x: Node, y: Node) -> Node:
    return cast(compare["equal"](x, y), float32)


def accuracy(y_true: Node, y_pred: Node) -> Node:
    """1 where the two are equal."""
    return _hits(y_true, y_pred)


def binary_accuracy(y_true: Node, y_pred: Node, threshold: float) -> Node:
    """1 where the prediction, taken for 1 above the threshold, is right."""
    y_true, y_pred = same_rank(y_true, y_pred)
    return _hits(y_true, cast(y_pred > threshold, y_true.dtype))


def _best(x: Node) -> Node:
    return argmax(x, axis=x.ndim - 1)


def categorical_accuracy(y_true: Node, y_pred: Node) -> Node:
    """1 where the largest of the last axis is at the same place."""
    return _hits(_best(y_true), _best(y_pred))


def _labels(y_true: Node, y_pred: Node) -> Node:
    if y_true.ndim == y_pred.ndim and y_true.shape[-1:] == (1,):
        y_true = reshape(y_true, y_true.shape[:-1])
    return cast(y_true, int64)


def sparse_categorical_accuracy(y_true: Node, y_pred: Node) -> Node:
    """1 where the largest of the last axis is at the label."""
    return _hits(_labels(y_true, y_pred), cast(_best(y_pred), int64))


def sparse_top_k(y_true: Node, y_pred: Node, k: int) -> Node:
    """1 where fewer than ``k`` predictions are larger than that of the label."""
    labels = _labels(y_true, y_pred)
    flat = reshape(y_pred, (labels.size, y_pred.shape[-1]))
    chosen = select_class(flat, reshape(labels, (labels.size,)), 1)
    larger = flat > broadcast_to(expand_dims(chosen, 1), flat.shape)
    rank = reduce_sum(cast(larger, int64), (1,))
    return reshape(cast(bitwise_and(rank < k, is_finite(chosen)), float32), labels.shape)


def top_k(y_true: Node, y_pred: Node, k: int) -> Node:
    """`sparse_top_k` of the largest of the truth."""
    return sparse_top_k(_best(y_true), y_pred, k)


class Accuracy(FormulaMean):
    """How often prediction and label are equal."""

    formula = staticmethod(accuracy)

    def __init__(self, name: str = "accuracy", dtype: Any = None):
        super().__init__(name, dtype)


class BinaryAccuracy(FormulaMean):
    """How often a probability lies on its label's side of the threshold."""

    formula = staticmethod(binary_accuracy)

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        super().__init__(name, dtype)
        self.threshold = threshold

    def static(self) -> tuple[Any, ...]:
        return (self.threshold,)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


class CategoricalAccuracy(FormulaMean):
    """How often the largest probability is the label's; labels are one-hot."""

    formula = staticmethod(categorical_accuracy)

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None):
        super().__init__(name, dtype)


class SparseCategoricalAccuracy(FormulaMean):
    """How often the largest probability is the label's; labels are class numbers.

    >>> metric = SparseCategoricalAccuracy()
    >>> metric.update_state([0, 1], [[0.9, 0.1], [0.8, 0.2]])
    >>> float(metric.result())
    0.5
    """

    formula = staticmethod(sparse_categorical_accuracy)
    as_values = False

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None):
        super().__init__(name, dtype)


class TopKCategoricalAccuracy(FormulaMean):
    """How often the label, one-hot, is among the ``k`` largest."""

    formula = staticmethod(top_k)

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(name, dtype)
        self.k = k

    def static(self) -> tuple[Any, ...]:
        return (self.k,)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}


def among_first(y_true: Node, ids: Node, k: int) -> Node:
    """1 where the label is among the first ``k`` class numbers of the last axis."""
    labels = expand_dims(_labels(y_true, ids), ids.ndim - 1)
    ids = narrow(cast(ids, int64), ids.ndim - 1, 0, min(k, ids.shape[-1]))
    found = compare["equal"](ids, labels)
    return reduce_sum(cast(found, float32), (ids.ndim - 1,))


def _sparse_top_k_or_ids(y_true: Node, y_pred: Node, k: int, ids: bool) -> Node:
    return among_first(y_true, y_pred, k) if ids else sparse_top_k(y_true, y_pred, k)


class SparseTopKCategoricalAccuracy(FormulaMean):
    """How often the label, a class number, is among the ``k`` largest.

    With ``from_sorted_ids`` predictions are class numbers already, best first.
    """

    formula = staticmethod(_sparse_top_k_or_ids)
    as_values = False

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy",
                 dtype: Any = None, from_sorted_ids: bool = False):
        super().__init__(name, dtype)
        self.k = k
        self.from_sorted_ids = from_sorted_ids

    def static(self) -> tuple[Any, ...]:
        return (self.k, self.from_sorted_ids)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k, "from_sorted_ids": self.from_sorted_ids}

"""Confusion matrices, and what is read off them: IoU, Matthews' correlation, per-class rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..functions.manipulation import narrow
from ..functions.searching import bincount
from ..ir.arithmetic import compare, select
from ..ir.dtypes import float64, int64
from ..ir.node import Node
from ..ir.ops.checks import check_bounds
from ..ir.ops.elementwise import cast, sqrt, trunc, zeros_like
from ..ir.ops.movement import broadcast_to, concatenate, reshape
from ..ir.ops.reduce import argmax, reduce_sum
from ..ir.ops.structural import iota
from .mean import operands
from .metric import Metric
from .nodes import quotient, total, wide

__all__ = ["BinaryIoU", "ClassReport", "ConfusionMatrix", "IoU", "MatthewsCorrelation", "MeanIoU",
           "OneHotIoU", "OneHotMeanIoU", "PerClassAccuracy"]

_EPSILON = 1e-7
_OUT_OF_RANGE = "confusion matrix: the {} holds class {{value}}, and there are {{size}} classes"


def _classes(x: Node, sparse: bool, axis: int) -> Node:
    found = x if sparse else argmax(x, axis=axis % x.ndim)
    return reshape(cast(found, int64), (found.size,))


def _update(matrix: Node, y_true: Node, y_pred: Node, *rest: Any) -> tuple[Node]:
    """``rest``: weights perhaps, ignored class, sparse truth, sparse predictions, axis, whole."""
    weight = rest[0] if isinstance(rest[0], Node) else None
    ignored, sparse_true, sparse_pred, axis, whole = rest[1:] if weight is not None else rest
    truth, chosen = _classes(y_true, sparse_true, axis), _classes(y_pred, sparse_pred, axis)
    if truth.shape != chosen.shape:
        raise ShapeError(f"confusion matrix: {truth.size} labels and {chosen.size} predictions")
    size = zeros_like(cast(truth, float64)) + 1.0
    if weight is not None:
        weight = trunc(wide(weight)) if whole else wide(weight)
        size = size * broadcast_to(reshape(weight, (weight.size,)) if weight.ndim else weight,
                                   truth.shape)
    if ignored is not None:
        kept = compare["not_equal"](truth, ignored)
        # An ignored label may lie outside of the classes.
        truth, size = select(kept, truth, 0), select(kept, size, 0.0)
    classes = matrix.shape[0]
    place = (check_bounds(truth, classes, _OUT_OF_RANGE.format("truth")) * classes
             + check_bounds(chosen, classes, _OUT_OF_RANGE.format("prediction")))
    return (matrix + reshape(bincount(place, classes * classes, size), matrix.shape),)


def _matrix(matrix: Node) -> Node:
    return matrix


def _parts(matrix: Node) -> tuple[Node, Node, Node]:
    """Right ones, predicted and true counts per class."""
    same = compare["equal"](iota(matrix.shape, int64, 0), iota(matrix.shape, int64, 1))
    return (reduce_sum(select(same, matrix, 0.0), (0,)), reduce_sum(matrix, (0,)),
            reduce_sum(matrix, (1,)))


def _iou(matrix: Node, targets: tuple[int, ...]) -> Node:
    right, predicted, true = _parts(matrix)
    union = predicted + true - right
    right, union = _at(right, targets), _at(union, targets)
    return quotient(total(right / (union + _EPSILON)), total(wide(union > 0)))


def _at(x: Node, places: tuple[int, ...]) -> Node:
    return concatenate([narrow(x, 0, p, p + 1) for p in places], 0)


def _matthews(matrix: Node) -> Node:
    """Gorodkin's generalisation to several classes."""
    right, predicted, true = _parts(matrix)
    n, hits = total(matrix), total(right)
    together = hits * n - total(predicted * true)
    spread = (n * n - total(predicted * predicted)) * (n * n - total(true * true))
    return quotient(together, sqrt(spread))


def _rate(matrix: Node, kind: str) -> Node:
    right, predicted, true = _parts(matrix)
    if kind == "recall":
        return quotient(right, true)
    if kind == "precision":
        return quotient(right, predicted)
    if kind == "f1":
        return quotient(2 * right, predicted + true)
    return true


class ConfusionMatrix(Metric):
    """How often class i (row) was predicted as class j (column).

    ``sparse_y_true`` and ``sparse_y_pred`` say that class numbers come, not one per class.

    >>> matrix = ConfusionMatrix(2)
    >>> matrix.update_state([0, 1, 1], [0, 1, 0])
    >>> matrix.result().tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """

    #: whether weights are cut to whole numbers
    whole_counts = False

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_true: bool = True,
                 sparse_y_pred: bool = True, axis: int = -1):
        super().__init__(name or "confusion_matrix", dtype)
        if num_classes < 1:
            raise ArgumentError(f"num_classes: must be positive, got {num_classes}")
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.add_state("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.accumulate(_update, operands(y_true, y_pred, sample_weight),
                        (self.ignore_class, self.sparse_y_true, self.sparse_y_pred, self.axis,
                         self.whole_counts))

    def result(self) -> Any:
        return self.compute(_matrix)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes,
                "ignore_class": self.ignore_class, "sparse_y_true": self.sparse_y_true,
                "sparse_y_pred": self.sparse_y_pred, "axis": self.axis}


class IoU(ConfusionMatrix):
    """Intersection over union of some classes, averaged: ``tp / (tp + fp + fn)``.

    Known weakness: as in Keras, weights are cut to whole numbers unless a ``dtype`` is given.
    """

    def __init__(self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None,
                 dtype: Any = None, ignore_class: int | None = None, sparse_y_true: bool = True,
                 sparse_y_pred: bool = True, axis: int = -1):
        super().__init__(num_classes, name or "io_u", dtype, ignore_class, sparse_y_true,
                         sparse_y_pred, axis)
        if max(target_class_ids) >= num_classes:
            raise ArgumentError(f"Target class id {max(target_class_ids)} is out of range, which "
                                f"is [0, {num_classes}).")
        self.target_class_ids = list(target_class_ids)
        self.whole_counts = dtype is None

    def result(self) -> Any:
        return self.compute(_iou, (tuple(self.target_class_ids),))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_class_ids": self.target_class_ids,
                "dtype": self._dtype_name()}

    def _dtype_name(self) -> str | None:
        return None if self.whole_counts else self.dtype.name


class MeanIoU(IoU):
    """Intersection over union, averaged over all classes."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_true: bool = True,
                 sparse_y_pred: bool = True, axis: int = -1):
        super().__init__(num_classes, list(range(num_classes)), name or "mean_io_u", dtype,
                         ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "target_class_ids")


def _without(config: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in config.items() if k != name}


class OneHotIoU(IoU):
    """`IoU` of one-hot labels and one score per class."""

    def __init__(self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None,
                 dtype: Any = None, ignore_class: int | None = None, sparse_y_pred: bool = False,
                 axis: int = -1):
        super().__init__(num_classes, target_class_ids, name or "one_hot_io_u", dtype,
                         ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels and one score per class."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1):
        super().__init__(num_classes, name or "one_hot_mean_io_u", dtype, ignore_class, False,
                         sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")


def _binary(matrix: Node, y_true: Node, y_pred: Node, *rest: Any) -> tuple[Node]:
    *weight, threshold, whole = rest
    return _update(matrix, y_true, cast(y_pred >= threshold, int64), *weight, None, True, True, -1,
                   whole)


class BinaryIoU(IoU):
    """`IoU` of two classes, probabilities being decided at ``threshold``."""

    def __init__(self, target_class_ids: Sequence[int] = (0, 1), threshold: float = 0.5,
                 name: str | None = None, dtype: Any = None):
        super().__init__(2, target_class_ids, name or "binary_io_u", dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.accumulate(_binary, operands(y_true, y_pred, sample_weight),
                        (self.threshold, self.whole_counts))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self._dtype_name(), "threshold": self.threshold,
                "target_class_ids": self.target_class_ids}


class MatthewsCorrelation(ConfusionMatrix):
    """Correlation of truth and prediction, from -1 to 1; 0 is chance. For any number of classes.

    Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient" (2004).
    """

    def __init__(self, num_classes: int = 2, name: str = "matthews_correlation", dtype: Any = None,
                 sparse_y_pred: bool = True):
        super().__init__(num_classes, name, dtype, sparse_y_pred=sparse_y_pred)

    def result(self) -> Any:
        return self.compute(_matthews)


class PerClassAccuracy(ConfusionMatrix):
    """The share of each class's samples that was recognised."""

    def __init__(self, num_classes: int, name: str = "per_class_accuracy", dtype: Any = None,
                 sparse_y_pred: bool = False):
        super().__init__(num_classes, name, dtype, sparse_y_pred=sparse_y_pred)

    def result(self) -> Any:
        return self.compute(_rate, ("recall",))


class ClassReport(ConfusionMatrix):
    """Precision, recall, F1 and the number of samples ("support") of each class, as a dict."""

    def __init__(self, num_classes: int, name: str = "class_report", dtype: Any = None,
                 sparse_y_pred: bool = False):
        super().__init__(num_classes, name, dtype, sparse_y_pred=sparse_y_pred)

    def result(self) -> Any:
        return {kind: self.compute(_rate, (kind,))
                for kind in ("precision", "recall", "f1", "support")}

"""True and false positives and negatives at thresholds, and what is made of them.

Each prediction falls into a bucket between two thresholds; counts per bucket are summed up from
the left and the right. So a batch of n costs n log t, not n times t.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..functions.manipulation import narrow
from ..functions.searching import bincount, searchsorted
from ..functions.sorting import top_k as top_k_of
from ..ir.arithmetic import select, truth
from ..ir.dtypes import float32, float64, int64
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..ir.ops.movement import broadcast_to, concatenate, reshape
from ..ir.ops.reduce import cumulative_sum, reduce_max
from ..ir.ops.structural import iota
from ..tensor.recorder import wrap
from .mean import operands
from .metric import Metric
from .nodes import quotient, same_rank, wide

__all__ = ["FalseNegatives", "FalsePositives", "Precision", "PrecisionAtRecall", "Recall",
           "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity",
           "ThresholdCounts", "TrueNegatives", "TruePositives"]

#: where predictions outside of the best k are put
_LOWEST = -1e10


def counts(tp: Node, fp: Node, tn: Node, fn: Node, thresholds: Node, y_true: Node, y_pred: Node,
           *rest: Any) -> tuple[Node, ...]:
    """The four counts with a batch added; ``rest``: weights perhaps, top_k, class_id, labels."""
    weight = rest[0] if isinstance(rest[0], Node) else None
    top_k, class_id, labels = rest[1:] if weight is not None else rest
    y_true, y_pred = same_rank(y_true, cast(y_pred, float32))
    if top_k is not None:
        y_pred = _best(y_pred, top_k)
    if class_id is not None:
        if y_pred.ndim < 2:
            raise ShapeError("class_id: predictions must have shape (samples, classes), got "
                             f"{tuple(y_pred.shape)}")
        y_true = narrow(y_true, y_true.ndim - 1, class_id, class_id + 1)
        y_pred = narrow(y_pred, y_pred.ndim - 1, class_id, class_id + 1)
    if y_true.shape != y_pred.shape:
        raise ShapeError(f"metric: truth of shape {tuple(y_true.shape)} and predictions of shape "
                         f"{tuple(y_pred.shape)} must have one shape")
    positive = cast(truth(y_true), float64)  # type: ignore[arg-type]
    size = _weights(weight, y_pred)
    shape = (y_pred.size // labels, labels)
    bucket = reshape(cast(searchsorted(thresholds, y_pred, "left"), int64), shape)
    place = reshape(bucket * labels + iota(shape, int64, 1), (y_pred.size,))
    length = thresholds.shape[0]
    changed = []
    for part, older in ((positive, (tp, fn)), (1 - positive, (fp, tn))):
        histogram = bincount(place, (length + 1) * labels, reshape(part * size, (y_pred.size,)))
        below = cumulative_sum(reshape(histogram, (length + 1, labels)), axis=0)
        under = narrow(below, 0, 0, length)
        everything = broadcast_to(narrow(below, 0, length, length + 1), under.shape)
        changed += [older[0] + reshape(everything - under, older[0].shape),
                    older[1] + reshape(under, older[1].shape)]
    new_tp, new_fn, new_fp, new_tn = changed
    return new_tp, new_fp, new_tn, new_fn


def _best(x: Node, k: int) -> Node:
    """All but the ``k`` largest of the last axis replaced by something lower than any threshold."""
    values, _ = top_k_of(x, k)
    least = narrow(values, values.ndim - 1, k - 1, k)
    return select(x >= broadcast_to(least, x.shape), x, _LOWEST)


def _weights(weight: Node | None, like: Node) -> Node:
    if weight is None:
        return wide(like) * 0.0 + 1.0
    weight = wide(weight)
    if weight.ndim < like.ndim:
        weight = reshape(weight, (*weight.shape, *[1] * (like.ndim - weight.ndim)))
    return broadcast_to(weight, like.shape)


class ThresholdCounts(Metric):
    """The base: counts at ``thresholds`` (numbers in [0, 1])."""

    def __init__(self, thresholds: Sequence[float], name: str, dtype: Any = None,
                 top_k: int | None = None, class_id: int | None = None, labels: int = 1):
        super().__init__(name, dtype)
        self.top_k = top_k
        self.class_id = class_id
        self._labels = labels
        values = np.asarray(thresholds, np.float32)
        self._order = np.argsort(values, kind="stable")
        self._cuts = wrap(values[self._order])
        shape = (len(values),) if labels == 1 else (len(values), labels)
        for state in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            self.add_state(state, shape)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.accumulate(counts, [self._cuts, *operands(y_true, y_pred, sample_weight)],
                        (self.top_k, self.class_id, self._labels))


def checked(thresholds: Any, default: float) -> tuple[list[float], bool]:
    """Thresholds as a list, and whether a list was given."""
    if thresholds is None:
        return [default], False
    several = isinstance(thresholds, (list, tuple, np.ndarray))
    values = [float(t) for t in thresholds] if several else [float(thresholds)]
    wrong = [t for t in values if not 0 <= t <= 1]
    if wrong:
        raise ArgumentError(f"Threshold values must be in [0, 1]. Received: {wrong}")
    return values, several


class _AtThresholds(ThresholdCounts):
    """One number per threshold, in the order in which they were given."""

    def __init__(self, thresholds: Any = None, name: str = "", dtype: Any = None,
                 top_k: int | None = None, class_id: int | None = None):
        self.init_thresholds = thresholds
        self.thresholds, several = checked(thresholds, 0.5 if top_k is None else _LOWEST)
        super().__init__(self.thresholds, name, dtype, top_k, class_id)
        back = np.argsort(self._order, kind="stable")
        self._back = tuple(int(i) for i in back) if several else None

    def result(self) -> Any:
        return self.compute(self._formula, (self._back,))

    def _formula(self, *_: Any) -> Node:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


def _ordered(value: Node, back: tuple[int, ...] | None) -> Node:
    if back is None:
        return reshape(value, ())
    if back == tuple(range(len(back))):
        return value
    parts = [narrow(value, 0, i, i + 1) for i in back]
    return concatenate(parts, 0)


def _tp(tp: Node, fp: Node, tn: Node, fn: Node, back: Any) -> Node:
    return _ordered(tp, back)


def _fp(tp: Node, fp: Node, tn: Node, fn: Node, back: Any) -> Node:
    return _ordered(fp, back)


def _tn(tp: Node, fp: Node, tn: Node, fn: Node, back: Any) -> Node:
    return _ordered(tn, back)


def _fn(tp: Node, fp: Node, tn: Node, fn: Node, back: Any) -> Node:
    return _ordered(fn, back)


def _precision(tp: Node, fp: Node, tn: Node, fn: Node, back: Any) -> Node:
    return _ordered(quotient(tp, tp + fp), back)


def _recall(tp: Node, fp: Node, tn: Node, fn: Node, back: Any) -> Node:
    return _ordered(quotient(tp, tp + fn), back)


class TruePositives(_AtThresholds):
    """How many positives were predicted to be so."""

    _formula = staticmethod(_tp)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(thresholds, name or "true_positives", dtype)


class FalsePositives(_AtThresholds):
    """How many negatives were predicted to be positive."""

    _formula = staticmethod(_fp)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(thresholds, name or "false_positives", dtype)


class TrueNegatives(_AtThresholds):
    """How many negatives were predicted to be so."""

    _formula = staticmethod(_tn)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(thresholds, name or "true_negatives", dtype)


class FalseNegatives(_AtThresholds):
    """How many positives were predicted to be negative."""

    _formula = staticmethod(_fn)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(thresholds, name or "false_negatives", dtype)


class _Choosing(_AtThresholds):
    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "top_k": self.top_k, "class_id": self.class_id}


class Precision(_Choosing):
    """The share of predicted positives that are so.

    ``top_k`` counts the best k of the last axis as predicted, ``class_id`` looks at one class.
    """

    _formula = staticmethod(_precision)

    def __init__(self, thresholds: Any = None, top_k: int | None = None,
                 class_id: int | None = None, name: str | None = None, dtype: Any = None):
        super().__init__(thresholds, name or "precision", dtype, top_k, class_id)


class Recall(_Choosing):
    """The share of positives that were predicted to be so."""

    _formula = staticmethod(_recall)

    def __init__(self, thresholds: Any = None, top_k: int | None = None,
                 class_id: int | None = None, name: str | None = None, dtype: Any = None):
        super().__init__(thresholds, name or "recall", dtype, top_k, class_id)


# ---- one measure where another reaches a bound

def _rates(tp: Node, fp: Node, tn: Node, fn: Node) -> dict[str, Node]:
    return {"sensitivity": quotient(tp, tp + fn), "specificity": quotient(tn, tn + fp),
            "precision": quotient(tp, tp + fp), "recall": quotient(tp, tp + fn)}


def _best_under(tp: Node, fp: Node, tn: Node, fn: Node, wanted: str, bounded: str,
                bound: float) -> Node:
    rates = _rates(tp, fp, tn, fn)
    return reduce_max(select(rates[bounded] >= bound, rates[wanted], 0.0), axes=(0,))


class _AtBound(ThresholdCounts):
    wanted = ""
    bounded = ""

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str,
                 dtype: Any):
        if not 0 <= value <= 1:
            raise ArgumentError(f"Argument `{self.bounded}` must be in the range [0, 1]. Received: "
                                f"{self.bounded}={value}")
        if num_thresholds <= 0:
            raise ArgumentError("Argument `num_thresholds` must be an integer > 0. Received: "
                                f"num_thresholds={num_thresholds}")
        self.value = value
        self.num_thresholds = num_thresholds
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self.thresholds = [0.5] if num_thresholds == 1 else [0.0, *inner, 1.0]
        super().__init__(self.thresholds, name, dtype, None, class_id)

    def result(self) -> Any:
        return self.compute(_best_under, (self.wanted, self.bounded, self.value))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), self.bounded: self.value, "class_id": self.class_id,
                "num_thresholds": self.num_thresholds}


class SensitivityAtSpecificity(_AtBound):
    """The best sensitivity among thresholds with at least this specificity."""

    wanted, bounded = "sensitivity", "specificity"

    def __init__(self, specificity: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(specificity, num_thresholds, class_id,
                         name or "sensitivity_at_specificity", dtype)


class SpecificityAtSensitivity(_AtBound):
    """The best specificity among thresholds with at least this sensitivity."""

    wanted, bounded = "specificity", "sensitivity"

    def __init__(self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(sensitivity, num_thresholds, class_id,
                         name or "specificity_at_sensitivity", dtype)


class PrecisionAtRecall(_AtBound):
    """The best precision among thresholds with at least this recall."""

    wanted, bounded = "precision", "recall"

    def __init__(self, recall: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(recall, num_thresholds, class_id, name or "precision_at_recall", dtype)


class RecallAtPrecision(_AtBound):
    """The best recall among thresholds with at least this precision."""

    wanted, bounded = "recall", "precision"

    def __init__(self, precision: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(precision, num_thresholds, class_id, name or "recall_at_precision", dtype)

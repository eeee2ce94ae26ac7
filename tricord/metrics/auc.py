"""The area under a curve: by thresholds (streaming, flat memory) and exactly (by sorting).

Source: for the interpolation of precision-recall curves, Davis and Goadrich, "The relationship
between precision-recall and ROC curves" (2006), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, EmptyDataError
from ..functions.manipulation import narrow
from ..ir.arithmetic import select
from ..ir.node import Node
from ..ir.ops.elementwise import log, logistic, maximum, minimum, zeros_like
from ..ir.ops.reduce import reduce_sum
from ..tensor.handle import Handle
from ..tensor.recorder import value_of
from ..tensor.tensor import tensor
from .mean import operands
from .metric import Metric
from .nodes import quotient, total
from .thresholds import ThresholdCounts, counts

__all__ = ["AUC", "ExactAUC", "average_precision", "roc_auc"]

_EPSILON = 1e-7


def _but_last(x: Node) -> Node:
    return narrow(x, 0, 0, x.shape[0] - 1)


def _but_first(x: Node) -> Node:
    return narrow(x, 0, 1, x.shape[0])


def _positive(x: Node) -> Node:
    return maximum(x, zeros_like(x))


def _precision_recall(tp: Node, fp: Node, fn: Node) -> Node:
    """Areas of the pieces between thresholds, precision interpolated between them."""
    predicted = tp + fp
    gained = _but_last(tp) - _but_first(tp)
    slope = quotient(gained, _positive(_but_last(predicted) - _but_first(predicted)))
    offset = _but_first(tp) - slope * _but_first(predicted)
    left, right = _but_last(predicted), _but_first(predicted)
    both = select(left > 0, right, 0.0) > 0
    ratio = select(both, left / select(right > 0, right, 1.0), 1.0)
    pieces = quotient(slope * (gained + offset * log(ratio)),
                      _positive(_but_first(tp) + _but_first(fn)))
    return reduce_sum(pieces, (0,))


def _gains(tp: Node, fp: Node, tn: Node, fn: Node) -> tuple[Node, Node]:
    """Recall and precision rescaled so that always saying yes is zero."""
    odds = quotient(tp + fn, fp + tn)
    return 1 - odds * quotient(fn, tp), 1 - odds * quotient(fp, tp)


def _area(tp: Node, fp: Node, tn: Node, fn: Node, curve: str, method: str) -> Node:
    if curve == "PR" and method == "interpolation":
        return _precision_recall(tp, fp, fn)
    recall = quotient(tp, tp + fn)
    if curve == "ROC":
        x, y = quotient(fp, fp + tn), recall
    elif curve == "PR":
        x, y = recall, quotient(tp, tp + fp)
    else:
        x, y = _gains(tp, fp, tn, fn)
    if method == "interpolation":
        heights = (_but_last(y) + _but_first(y)) / 2
    else:
        heights = (minimum if method == "minoring" else maximum)(_but_last(y), _but_first(y))
    return reduce_sum((_but_last(x) - _but_first(x)) * heights, (0,))


def _auc(tp: Node, fp: Node, tn: Node, fn: Node, curve: str, method: str,
         weights: tuple[float, ...] | None) -> Node:
    area = _area(tp, fp, tn, fn, curve, method)
    if not area.ndim:
        return area
    if weights is None:
        return total(area) / area.size
    weighed = [narrow(area, 0, i, i + 1) * w for i, w in enumerate(weights)]
    result = weighed[0]
    for part in weighed[1:]:
        result = result + part
    return reduce_sum(result, (0,)) / sum(weights)


class AUC(ThresholdCounts):
    """The area under the ROC (or PR, or PRGAIN) curve, from counts at thresholds.

    ``num_thresholds`` evenly spaced ones, or those given. ``summation_method`` is "interpolation",
    "minoring" or "majoring". ``multi_label`` averages one area per label (``num_labels`` of them),
    weighed by ``label_weights``. Known weakness: probabilities between two thresholds count as
    equal; see `ExactAUC`.
    """

    def __init__(self, num_thresholds: int = 200, curve: str = "ROC",
                 summation_method: str = "interpolation", name: str | None = None,
                 dtype: Any = None, thresholds: Sequence[float] | None = None,
                 multi_label: bool = False, num_labels: int | None = None,
                 label_weights: Sequence[float] | None = None, from_logits: bool = False):
        curve, summation_method = curve.upper(), summation_method.lower()
        for what, value, legal in (("curve", curve, ("ROC", "PR", "PRGAIN")),
                                   ("summation_method", summation_method,
                                    ("interpolation", "minoring", "majoring"))):
            if value not in legal:
                raise ArgumentError(f"Invalid `{what}` argument value {value!r}. Expected one of: "
                                    f"{list(legal)}")
        if thresholds is not None:
            inner = sorted(float(t) for t in thresholds)
            if any(not 0 <= t <= 1 for t in inner):
                raise ArgumentError(f"Threshold values must be in [0, 1]. Received: {inner}")
            num_thresholds = len(inner) + 2
        else:
            if num_thresholds <= 1:
                raise ArgumentError("Argument `num_thresholds` must be an integer > 1. Received: "
                                    f"num_thresholds={num_thresholds}")
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        if multi_label and num_labels is None and label_weights is not None:
            num_labels = len(label_weights)
        self.num_thresholds = num_thresholds
        self.curve = curve
        self.summation_method = summation_method
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else tuple(map(float, label_weights))
        self.from_logits = from_logits
        self._inner = inner if thresholds is not None else None
        self._ends = [-_EPSILON, *inner, 1.0 + _EPSILON]
        self._built = not multi_label or num_labels is not None
        super().__init__(self._ends, name or "auc", dtype, labels=num_labels or 1)

    @property
    def thresholds(self) -> list[float]:
        return list(self._ends)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        truth, prediction, *weight = operands(y_true, y_pred, sample_weight)
        if not self._built:  # as many labels as the first batch has
            built = AUC(name=self.name, dtype=self.dtype, multi_label=True,
                        num_labels=prediction.shape[-1], curve=self.curve,
                        summation_method=self.summation_method, thresholds=self._ends[1:-1])
            self._states, self._fills, self._labels = built._states, built._fills, built._labels
            self._built = True
        if self.label_weights is not None and not self.multi_label:
            own = np.asarray(self.label_weights)
            weights = np.ones(tuple(prediction.shape)) * own
            if weight:
                given = value_of(weight[0])
                weights = weights * given.reshape(*given.shape,
                                                  *[1] * (weights.ndim - given.ndim))
            weight = [tensor(weights)]
        self.accumulate(_counts_of_logits if self.from_logits else counts,
                        [self._cuts, truth, prediction, *weight], (None, None, self._labels))

    def result(self) -> Any:
        weights = self.label_weights if self.multi_label else None
        return self.compute(_auc, (self.curve, self.summation_method, weights))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_thresholds": self.num_thresholds, "curve": self.curve,
                "summation_method": self.summation_method, "multi_label": self.multi_label,
                "num_labels": self.num_labels, "label_weights": self.label_weights,
                "thresholds": self._inner, "from_logits": self.from_logits}


def _counts_of_logits(tp: Node, fp: Node, tn: Node, fn: Node, cuts: Node, y_true: Node,
                      y_pred: Node, *rest: Any) -> tuple[Node, ...]:
    return counts(tp, fp, tn, fn, cuts, y_true, logistic(y_pred), *rest)


# ---- exact, by sorting

def _steps(y_true: Any, scores: Any, weights: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Weight of true and of false positives at each distinct score, from the highest down."""
    truth = np.asarray(value_of(y_true) if isinstance(y_true, Handle) else y_true).ravel() != 0
    score = np.asarray(value_of(scores) if isinstance(scores, Handle) else scores).ravel()
    if not truth.size:
        raise EmptyDataError("auc: there are no samples")
    weight = np.ones(truth.size) if weights is None else np.asarray(weights, np.float64).ravel()
    order = np.argsort(-score, kind="stable")
    score, truth, weight = score[order], truth[order], weight[order]
    ends = np.r_[np.flatnonzero(np.diff(score)), score.size - 1]
    return np.cumsum(weight * truth)[ends], np.cumsum(weight * ~truth)[ends]


def roc_auc(y_true: Any, scores: Any, sample_weight: Any = None) -> float:
    """The exact area under the ROC curve; ties count half. NaN if there is only one class.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    hits, misses = (np.r_[0.0, s] for s in _steps(y_true, scores, sample_weight))
    whole = hits[-1] * misses[-1]
    return float(np.sum(np.diff(misses) * (hits[1:] + hits[:-1]) / 2) / whole) if whole else np.nan


def average_precision(y_true: Any, scores: Any, sample_weight: Any = None) -> float:
    """Mean precision at each positive, the area under the precision-recall curve by steps."""
    hits, misses = _steps(y_true, scores, sample_weight)
    if not hits[-1]:
        return 0.0
    return float(np.sum(np.diff(np.r_[0.0, hits]) * hits / (hits + misses)) / hits[-1])


class ExactAUC(Metric):
    """The exact area under the ROC curve, or the average precision (``curve="PR"``).

    Known weakness: it keeps all scores, so memory grows by 12 bytes per sample until the reset.
    """

    def __init__(self, curve: str = "ROC", name: str = "auc", dtype: Any = None):
        super().__init__(name, dtype)
        if curve not in ("ROC", "PR"):
            raise ArgumentError(f"curve: 'ROC' or 'PR', got {curve!r}")
        self.curve = curve
        self._seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        truth, score, *weight = [value_of(h).ravel() for h in operands(y_true, y_pred,
                                                                       sample_weight)]
        own = weight[0].astype(np.float64) if weight else np.ones(truth.size)
        self._seen.append((truth != 0, score.astype(np.float32), own))

    def reset_state(self) -> None:
        self._seen = []

    def merge(self, others: Any) -> None:
        for other in others:
            self._seen.extend(other._seen)

    def state_dict(self) -> dict[str, Any]:
        joined = [np.concatenate(p) for p in zip(*self._seen, strict=True)] if self._seen else []
        return dict(zip(("truth", "score", "weight"), joined, strict=False))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._seen = [(np.asarray(state["truth"], bool), np.asarray(state["score"], np.float32),
                       np.asarray(state["weight"], np.float64))] if state else []

    def result(self) -> Any:
        if not self._seen:
            return tensor(0.0, dtype=self.dtype)
        truth, score, weight = (np.concatenate(p) for p in zip(*self._seen, strict=True))
        area = (roc_auc if self.curve == "ROC" else average_precision)(truth, score, weight)
        return tensor(area, dtype=self.dtype)

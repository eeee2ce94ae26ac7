"""F scores: the harmonic mean of precision and recall, per class or averaged."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError, ShapeError
from ..ir.arithmetic import select
from ..ir.node import Node
from ..ir.ops.elementwise import absolute
from ..ir.ops.movement import broadcast_to, expand_dims
from ..ir.ops.reduce import reduce_max, reduce_sum
from .mean import operands
from .metric import Metric
from .nodes import total, wide

__all__ = ["F1Score", "FBetaScore"]

_EPSILON = 1e-7


def _decided(y_pred: Node, threshold: float | None) -> Node:
    if threshold is not None:
        return wide(y_pred > threshold)
    axis = y_pred.ndim - 1
    best = broadcast_to(expand_dims(reduce_max(y_pred, axes=(axis,)), axis), y_pred.shape)
    # [0, 0, 0] shall not become [1, 1, 1]
    return wide(select(absolute(y_pred) > 1e-9, y_pred >= best, False))


def _update(tp: Node, fp: Node, fn: Node, weights: Node, y_true: Node, y_pred: Node, *rest: Any,
            ) -> tuple[Node, ...]:
    weight = wide(rest[0]) if isinstance(rest[0], Node) else None
    (threshold,) = rest[1:] if weight is not None else rest
    if y_true.shape != y_pred.shape or y_true.ndim != 2:
        raise ShapeError("F score: truth and predictions must have one shape (samples, classes), "
                         f"got {tuple(y_true.shape)} and {tuple(y_pred.shape)}")
    chosen, truth = _decided(y_pred, threshold), wide(y_true)

    def gathered(values: Node, like: Node) -> Node:
        if weight is not None:
            values = values * broadcast_to(expand_dims(weight, 1), values.shape)
        return total(values) if not like.ndim else reduce_sum(values, (0,))

    return (tp + gathered(chosen * truth, tp), fp + gathered(chosen * (1 - truth), fp),
            fn + gathered((1 - chosen) * truth, fn), weights + gathered(truth, weights))


def _score(tp: Node, fp: Node, fn: Node, weights: Node, average: str | None, beta: float) -> Node:
    precision, recall = tp / (tp + fp + _EPSILON), tp / (tp + fn + _EPSILON)
    score = precision * recall / (beta ** 2 * precision + recall + _EPSILON) * (1 + beta ** 2)
    if average == "weighted":
        return total(score * (weights / broadcast_to(total(weights) + _EPSILON, weights.shape)))
    return total(score) / max(score.size, 1) if average is not None else score


class FBetaScore(Metric):
    """``(1 + beta**2) * precision * recall / (beta**2 * precision + recall)``.

    ``average`` None gives one score per class, "micro" one over all, "macro" the mean over classes
    and "weighted" that by how many samples each class has. Without ``threshold`` the largest of
    the last axis is the prediction.
    """

    def __init__(self, average: str | None = None, beta: float = 1.0,
                 threshold: float | None = None, name: str = "fbeta_score", dtype: Any = None):
        super().__init__(name, dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ArgumentError("Invalid `average` argument value. Expected one of: {None, "
                                f"'micro', 'macro', 'weighted'}}. Received: average={average}")
        if not isinstance(beta, float) or beta <= 0:
            raise ArgumentError("Invalid `beta` argument value. It should be a Python float > 0. "
                                f"Received: beta={beta}")
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ArgumentError("Invalid `threshold` argument value. It should be a Python float "
                                f"in (0, 1]. Received: threshold={threshold}")
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        given = operands(y_true, y_pred, sample_weight)
        if not self._states:
            shape = () if self.average == "micro" else (given[1].shape[-1],)
            for name in ("true_positives", "false_positives", "false_negatives",
                         "intermediate_weights"):
                self.add_state(name, shape)
        self.accumulate(_update, given, (self.threshold,))

    def result(self) -> Any:
        return self.compute(_score, (self.average, self.beta))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta,
                "threshold": self.threshold}


class F1Score(FBetaScore):
    """`FBetaScore` with ``beta=1``."""

    def __init__(self, average: str | None = None, threshold: float | None = None,
                 name: str = "f1_score", dtype: Any = None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config

"""How well predictions follow the truth: R2, Pearson's and the concordance correlation."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError, ShapeError
from ..functions.reduction import mean
from ..ir.arithmetic import select
from ..ir.node import Node
from ..ir.ops.elementwise import cast, is_finite
from ..ir.ops.movement import broadcast_to, reshape
from ..ir.ops.reduce import reduce_sum
from .losses import unit
from .mean import FormulaMean, operands
from .metric import Metric
from .nodes import quotient, same_rank, total, wide

__all__ = ["ConcordanceCorrelation", "PearsonCorrelation", "R2Score"]

_EPSILON = 1e-7


def _centred(x: Node, axis: int) -> tuple[Node, Node]:
    middle = broadcast_to(mean(x, axis, True), x.shape)
    return x - middle, middle


def pearson(y_true: Node, y_pred: Node, axis: int) -> Node:
    """Pearson's correlation along an axis."""
    true, _ = _centred(y_true, axis)
    pred, _ = _centred(y_pred, axis)
    return reduce_sum(unit(true, axis) * unit(pred, axis), (axis % true.ndim,))


def concordance(y_true: Node, y_pred: Node, axis: int) -> Node:
    """Lin's concordance correlation along an axis."""
    true, true_mean = _centred(y_true, axis)
    pred, pred_mean = _centred(y_pred, axis)
    shift = true_mean - pred_mean
    spread = (broadcast_to(mean(true * true, axis, True), true.shape)
              + broadcast_to(mean(pred * pred, axis, True), true.shape) + shift * shift)
    return mean(2 * (y_true - pred_mean) * pred / (spread + _EPSILON), axis)


class _AlongAxis(FormulaMean):
    def __init__(self, name: str, dtype: Any, axis: int):
        super().__init__(name, dtype)
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.axis,)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class PearsonCorrelation(_AlongAxis):
    """Mean over samples of Pearson's correlation along ``axis``."""

    formula = staticmethod(pearson)

    def __init__(self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(name, dtype, axis)


class ConcordanceCorrelation(_AlongAxis):
    """Mean over samples of the concordance correlation along ``axis``."""

    formula = staticmethod(concordance)

    def __init__(self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(name, dtype, axis)


def _update(squared: Node, so_far: Node, residual: Node, count: Node, samples: Node, y_true: Node,
            y_pred: Node, *rest: Any) -> tuple[Node, ...]:
    weight = wide(rest[0]) if isinstance(rest[0], Node) else None
    dtype = rest[-1]
    y_true, y_pred = same_rank(wide(cast(y_true, dtype)), wide(cast(y_pred, dtype)))
    if y_true.shape != y_pred.shape or y_true.ndim != 2:
        raise ShapeError("R2Score: truth and predictions must have one shape (samples, outputs), "
                         f"got {tuple(y_true.shape)} and {tuple(y_pred.shape)}")
    if weight is None:
        weight = y_true * 0.0 + 1.0
    elif weight.ndim == 1:
        weight = reshape(weight, (*weight.shape, 1))
    weight = broadcast_to(weight, y_true.shape)
    difference = y_true - y_pred
    return (squared + reduce_sum(y_true * y_true * weight, (0,)),
            so_far + reduce_sum(y_true * weight, (0,)),
            residual + reduce_sum(difference * difference * weight, (0,)),
            count + reduce_sum(weight, (0,)), samples + y_true.size)


def _r2(squared: Node, so_far: Node, residual: Node, count: Node, samples: Node,
        aggregation: str | None, regressors: int) -> Node:
    spread = squared - so_far * quotient(so_far, count)
    raw = 1 - residual / spread
    scores = select(is_finite(raw), raw, 0.0)
    if aggregation == "uniform_average":
        score = total(scores) / scores.size
    elif aggregation == "variance_weighted_average":
        score = quotient(total(spread * scores), total(spread))
    else:
        score = scores
    if not regressors:
        return score
    free = samples - 1.0 - regressors
    adjusted = 1 - (1 - score) * ((samples - 1.0) / select(free > 0, free, 1.0))
    return select(free > 0, adjusted, score)


class R2Score(Metric):
    """The share of the truth's variance that the prediction explains, per output or averaged.

    With ``num_regressors`` it is adjusted for how many inputs there are.
    """

    def __init__(self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0,
                 name: str = "r2_score", dtype: Any = None):
        super().__init__(name, dtype)
        legal = ("uniform_average", "variance_weighted_average", None)
        if class_aggregation not in legal:
            raise ArgumentError("Invalid value for argument `class_aggregation`. Expected one of "
                                f"{legal}. Received: class_aggregation={class_aggregation}")
        if num_regressors < 0:
            raise ArgumentError("Invalid value for argument `num_regressors`. Expected a value >= "
                                f"0. Received: num_regressors={num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        given = operands(y_true, y_pred, sample_weight)
        if not self._states:
            outputs = given[1].shape[-1] if given[1].ndim > 1 else 1
            for name in ("squared_sum", "sum", "total_mse", "count"):
                self.add_state(name, (outputs,))
            self.add_state("num_samples")
        if given[0].ndim == 1 and given[1].ndim == 1:
            given[:2] = [h.reshape(-1, 1) for h in given[:2]]
        self.accumulate(_update, given, (self.dtype,))

    def result(self) -> Any:
        return self.compute(_r2, (self.class_aggregation, self.num_regressors))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "class_aggregation": self.class_aggregation,
                "num_regressors": self.num_regressors}

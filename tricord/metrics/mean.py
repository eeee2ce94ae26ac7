"""Sums and means of values, and means of a formula of truth and prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..functions.reduction import sum as sum_
from ..ir.dtypes import DType
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from .metric import Metric, as_handle
from .nodes import quotient, same_rank, samplewise, total

__all__ = ["FormulaMean", "Mean", "MeanMetricWrapper", "Sum"]


def _sum(so_far: Node, values: Node, weight: Node | None = None) -> tuple[Node, ...]:
    values, _ = samplewise(values, weight, sum_)
    return (so_far + total(values),)


def _mean(so_far: Node, count: Node, values: Node, weight: Node | None = None) -> tuple[Node, ...]:
    values, weight = samplewise(values, weight)
    if weight is not None:
        return so_far + total(values), count + total(weight)
    return so_far + total(values), count + (values.shape[0] if values.ndim else 1)


def _formula_mean(so_far: Node, count: Node, y_true: Node, y_pred: Node, *rest: Any,
                  ) -> tuple[Node, ...]:
    """``rest``: a weight perhaps, then the formula and its static arguments."""
    weight = rest[0] if isinstance(rest[0], Node) else None
    formula, dtype, *static = rest[1:] if weight is not None else rest
    if dtype is not None:
        y_true, y_pred = same_rank(cast(y_true, dtype), cast(y_pred, dtype))
    return _mean(so_far, count, formula(y_true, y_pred, *static), weight)


def _nothing_yet_is_zero(so_far: Node, count: Node) -> Node:
    return quotient(so_far, count)


def _identity(x: Node) -> Node:
    return x


def operands(*values: Any) -> list[Any]:
    """Tensors of those that were given."""
    return [as_handle(v) for v in values if v is not None]


class Sum(Metric):
    """The (weighted) sum of all values."""

    def __init__(self, name: str = "sum", dtype: Any = None):
        super().__init__(name, dtype)
        self.add_state("total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self.accumulate(_sum, operands(values, sample_weight))

    def result(self) -> Any:
        return self.compute(_identity)


class Mean(Metric):
    """The (weighted) mean of all values; zero before the first.

    >>> mean = Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean.update_state([8.0], sample_weight=[2.0])
    >>> float(mean.result())
    5.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None):
        super().__init__(name, dtype)
        self.add_state("total")
        self.add_state("count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self.accumulate(_mean, operands(values, sample_weight))

    def result(self) -> Any:
        return self.compute(_nothing_yet_is_zero)


class FormulaMean(Mean):
    """The mean over samples of a formula on nodes, ``formula(y_true, y_pred, *static)``.

    With ``as_values`` both are cast to the metric's dtype and brought to one rank beforehand.
    """

    formula: Callable[..., Node]
    as_values = True

    def static(self) -> tuple[Any, ...]:
        """Arguments of the formula that stay the same."""
        return ()

    def update_state(self, y_true: Any, y_pred: Any,  # type: ignore[override]
                     sample_weight: Any = None) -> None:
        dtype: DType | None = self.dtype if self.as_values else None
        self.accumulate(_formula_mean, operands(y_true, y_pred, sample_weight),
                        (type(self).formula, dtype, *self.static()))


class MeanMetricWrapper(Mean):
    """The mean of any function of truth and prediction, which takes and gives tensors."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None,
                 **kwargs: Any):
        super().__init__(name or str(getattr(fn, "__name__", "mean")), dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(self, y_true: Any, y_pred: Any,  # type: ignore[override]
                     sample_weight: Any = None) -> None:
        values = self._fn(as_handle(y_true), as_handle(y_pred), **self._fn_kwargs)
        super().update_state(values, sample_weight)

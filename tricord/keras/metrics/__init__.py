"""Metrics: tricord's own under Keras's rules, functions, and ``get`` that finds one by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import metrics as native
from ...functions.loss import mean_last
from ...metrics import accuracy as hits
from ...tensor import record
from .. import initializers
from .. import losses as _losses
from .._arguments import Checked
from .._lookup import getter
from .._module import names_of
from .._names import auto_name, to_snake_case
from .._operation import as_tensor, op
from ..saving.registry import register_builtins
from ..saving.serialization import serialize_keras_object
from ..variable import Variable


class Metric(native.Metric, metaclass=Checked):
    """Base class of metrics, also of one's own: variables by `add_variable`, then
    `update_state`, `result`."""

    #: whether the classes between this and the instance's give the name first, as tricord's own do
    _name_first = False

    def __init__(self, dtype: Any = None, name: str | None = None):
        if self._name_first:
            dtype, name = name, dtype
        super().__init__(name or auto_name(to_snake_case(type(self).__name__)), dtype)

    def add_variable(self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None,
                     aggregation: Any = "sum", name: str | None = None) -> Variable:
        """A variable of this metric's own; `reset_state` sets it to zero."""
        own = self.__dict__.setdefault("_own_variables", [])
        if isinstance(initializer, str):
            initializer = initializers.get(initializer)
        own.append(Variable(initializer, tuple(shape), dtype or self.dtype.name, trainable=False,
                            name=name or auto_name("variable")))
        return own[-1]

    def add_weight(self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None,
                   name: str | None = None) -> Variable:
        """The same under the name of Keras 2, where the name may come first."""
        if isinstance(shape, str):
            shape, name = (), shape
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Any]:
        """The variables of state."""
        return [*self.__dict__.get("_own_variables", ()), *super().variables]

    def reset_state(self) -> None:
        """Start over."""
        super().reset_state()
        for v in self.__dict__.get("_own_variables", ()):
            v.assign(np.zeros(tuple(v.shape), v.dtype.numpy))

    def reset_states(self) -> None:
        """Start over, under the name of Keras 2."""
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype.name}


_NAMES = ["AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU",
          "CategoricalAccuracy", "CategoricalCrossentropy", "CategoricalHinge",
          "ConcordanceCorrelation", "CosineSimilarity", "F1Score", "FBetaScore", "FalseNegatives",
          "FalsePositives", "Hinge", "IoU", "KLDivergence", "LogCoshError", "Mean",
          "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanIoU", "MeanSquaredError",
          "MeanSquaredLogarithmicError", "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation",
          "Poisson", "Precision", "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision",
          "RootMeanSquaredError", "SensitivityAtSpecificity", "SparseCategoricalAccuracy",
          "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy",
          "SpecificityAtSensitivity", "SquaredHinge", "Sum", "TopKCategoricalAccuracy",
          "TrueNegatives", "TruePositives"]


#: classes whose instances Keras numbers when they are not named
_NUMBERED = {"AUC", "BinaryIoU", "FalseNegatives", "FalsePositives", "IoU", "MeanIoU",
             "OneHotIoU", "OneHotMeanIoU", "Precision", "PrecisionAtRecall", "Recall",
             "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity",
             "TrueNegatives", "TruePositives"}


def _face(name: str) -> Any:
    own = getattr(native, name)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if name in _NUMBERED and not kwargs.get("name"):
            kwargs["name"] = auto_name(to_snake_case(name))
        own.__init__(self, *args, **kwargs)

    __init__.__wrapped__ = own.__init__  # type: ignore[attr-defined]
    return Checked(name, (own, Metric), {"__doc__": own.__doc__, "__module__": __name__,
                                         "__qualname__": name, "__init__": __init__,
                                         "_name_first": True})


_classes = {name: _face(name) for name in _NAMES}


class MeanMetricWrapper(native.MeanMetricWrapper, Metric, metaclass=Checked):
    """The mean of any function ``fn(y_true, y_pred, **kwargs)``."""

    _name_first = True

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any):
        native.MeanMetricWrapper.__init__(self, fn, name, dtype, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype.name,
                "fn": serialize_keras_object(self._fn), **self._fn_kwargs}


@op(2, "nn")
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where the prediction lies on its label's side of the threshold."""
    return record(_mean_hits, (as_tensor(y_true), as_tensor(y_pred)),
                  (hits.binary_accuracy, threshold))


def _mean_hits(y_true: Any, y_pred: Any, formula: Any, *static: Any) -> Any:
    return mean_last(formula(y_true, y_pred, *static))


@op(2, "nn")
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest of the last axis is at the same place."""
    return record(hits.categorical_accuracy, (as_tensor(y_true), as_tensor(y_pred)))


@op(2, "nn")
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest of the last axis is at the label."""
    return record(hits.sparse_categorical_accuracy, (as_tensor(y_true), as_tensor(y_pred)))


@op(2, "nn")
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the class of the truth is among the ``k`` likeliest."""
    return record(hits.top_k, (as_tensor(y_true), as_tensor(y_pred)), (k,))


@op(2, "nn")
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the label is among the ``k`` likeliest."""
    return record(hits.sparse_top_k, (as_tensor(y_true), as_tensor(y_pred)), (k,))


_functions = {f.__name__: f for f in (
    binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k_categorical_accuracy,
    sparse_top_k_categorical_accuracy)}
_functions |= {n: getattr(_losses, n) for n in (
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "categorical_hinge", "hinge", "kl_divergence", "log_cosh",
    "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "poisson", "sparse_categorical_crossentropy",
    "squared_hinge", "huber")}
_SHORT = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "rmse": "RootMeanSquaredError",
          "mape": "MeanAbsolutePercentageError", "msle": "MeanSquaredLogarithmicError",
          "bce": "BinaryCrossentropy", "kld": "KLDivergence", "logcosh": "LogCoshError",
          "kullback_leibler_divergence": "KLDivergence", "cosine_proximity": "CosineSimilarity"}
_aliases = {**{short: _classes[full] for short, full in _SHORT.items()},
           **{short.upper(): _classes[full] for short, full in _SHORT.items() if len(short) <= 4}}
globals().update(_classes)
globals().update({n: f for n, f in _functions.items() if n not in globals()})
globals().update({s: _functions[n] for s, n in (
    ("mse", "mean_squared_error"), ("mae", "mean_absolute_error"), ("bce", "binary_crossentropy"))})
__all__ = [*_classes,  # noqa: PLE0604
           "MeanMetricWrapper", "Metric", *_functions, "deserialize", "get",
           "serialize"]

register_builtins("metrics", {**_classes, "MeanMetricWrapper": MeanMetricWrapper,
                              "Metric": Metric, **{n: f for n, f in _functions.items()
                                                   if n not in _losses.__all__}})
_get, deserialize, _ = getter("metrics", "metric", {
    **_aliases, **{to_snake_case(n): c for n, c in _classes.items()},
    "huber": _functions["huber"],
    **{n: f for n, f in _functions.items() if to_snake_case(n) not in map(to_snake_case,
                                                                          _classes)},
    "accuracy": _classes["Accuracy"], "acc": _classes["Accuracy"]})


def get(identifier: Any) -> Any:
    """The metric meant by a name, a configuration, a class, or a metric itself.

    >>> get("mse")
    <MeanSquaredError name=mean_squared_error>
    """
    return _get(identifier)


def serialize(metric: Any) -> Any:
    """The configuration of a metric."""
    return serialize_keras_object(metric)


__getattr__ = names_of(__name__, __all__)

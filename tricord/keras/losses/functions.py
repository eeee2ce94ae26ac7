"""Losses as functions: one value per sample."""

from __future__ import annotations

from typing import Any

from ...functions import class_loss, sample_loss
from ...ir.dtypes import as_dtype
from ...metrics import losses as formulas
from ...tensor import record
from .. import config
from .._operation import as_tensor, op

__all__ = ["binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
           "categorical_focal_crossentropy", "categorical_generalized_cross_entropy",
           "categorical_hinge", "cosine_similarity", "dice", "hinge", "huber", "kl_divergence",
           "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error",
           "mean_squared_error", "mean_squared_logarithmic_error", "poisson",
           "sparse_categorical_crossentropy", "squared_hinge", "tversky"]


def per_sample(formula: Any, y_true: Any, y_pred: Any, *static: Any) -> Any:
    """The formula's values, one per sample."""
    y_pred = as_tensor(y_pred)
    dtype = y_pred.dtype if y_pred.dtype.is_floating_point else as_dtype(config.floatx())
    return record(sample_loss.reduced, (as_tensor(y_true), y_pred),
                  (formula, dtype, "none", False, *static))


def negative_cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine: a loss."""
    return -formulas.cosine_similarity(y_true, y_pred, axis)


def _simple(name: str, formula: Any, doc: str) -> Any:
    def loss(y_true: Any, y_pred: Any) -> Any:
        return per_sample(formula, y_true, y_pred)

    loss.__name__ = loss.__qualname__ = name
    loss.__doc__ = doc
    return op(2, "nn")(loss)


mean_squared_error = _simple("mean_squared_error", formulas.squared_error,
                             "``mean((y_true - y_pred)**2)`` over the last axis.")
mean_absolute_error = _simple("mean_absolute_error", formulas.absolute_error,
                              "``mean(abs(y_true - y_pred))`` over the last axis.")
mean_absolute_percentage_error = _simple(
    "mean_absolute_percentage_error", formulas.percentage_error,
    "``100 * mean(abs((y_true - y_pred) / y_true))`` over the last axis.")
mean_squared_logarithmic_error = _simple(
    "mean_squared_logarithmic_error", formulas.logarithmic_error,
    "``mean((log(1 + y_true) - log(1 + y_pred))**2)`` over the last axis.")
log_cosh = _simple("log_cosh", formulas.log_cosh, "``mean(log(cosh(y_pred - y_true)))``.")
kl_divergence = _simple("kl_divergence", formulas.kl_divergence,
                        "``sum(y_true * log(y_true / y_pred))`` over the last axis.")
poisson = _simple("poisson", formulas.poisson, "``mean(y_pred - y_true * log(y_pred))``.")
hinge = _simple("hinge", class_loss.hinge, "``mean(max(1 - y_true * y_pred, 0))``.")
squared_hinge = _simple("squared_hinge", class_loss.squared_hinge,
                        "``mean(max(1 - y_true * y_pred, 0)**2)``.")
categorical_hinge = _simple("categorical_hinge", class_loss.categorical_hinge,
                            "``max(best wrong one - right one + 1, 0)``.")


@op(2, "nn")
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Squared up to ``delta``, linear beyond."""
    return per_sample(sample_loss.huber, y_true, y_pred, float(delta))


@op(2, "nn")
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between truth and prediction."""
    return per_sample(negative_cosine, y_true, y_pred, axis)


@op(2, "nn")
def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                        label_smoothing: float = 0.0, axis: int = -1) -> Any:
    """Cross entropy of probabilities, averaged over the last axis."""
    return per_sample(class_loss.binary_crossentropy, y_true, y_pred, from_logits,
                      float(label_smoothing))


@op(2, "nn")
def binary_focal_crossentropy(y_true: Any, y_pred: Any, apply_class_balancing: bool = False,
                              alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
                              label_smoothing: float = 0.0, axis: int = -1) -> Any:
    """`binary_crossentropy` that counts easy samples less."""
    return per_sample(class_loss.binary_focal_crossentropy, y_true, y_pred, from_logits,
                      float(label_smoothing), apply_class_balancing, alpha, gamma)


@op(2, "nn")
def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                             label_smoothing: float = 0.0, axis: int = -1) -> Any:
    """``-sum(y_true * log(y_pred))``; targets are distributions, one-hot rows for example."""
    return per_sample(sample_loss.categorical_crossentropy, y_true, y_pred, from_logits,
                      float(label_smoothing), axis)


@op(2, "nn")
def categorical_focal_crossentropy(y_true: Any, y_pred: Any, alpha: float = 0.25,
                                   gamma: float = 2.0, from_logits: bool = False,
                                   label_smoothing: float = 0.0, axis: int = -1) -> Any:
    """`categorical_crossentropy` that counts easy samples less."""
    return per_sample(sample_loss.categorical_focal_crossentropy, y_true, y_pred, alpha, gamma,
                      from_logits, float(label_smoothing), axis)


@op(2, "nn")
def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                                    ignore_class: int | None = None, axis: int = -1) -> Any:
    """``-log(y_pred[y_true])``; targets are class numbers."""
    return per_sample(sample_loss.sparse_categorical, y_true, y_pred, from_logits, ignore_class,
                      axis)


@op(2, "nn")
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """``(1 - p_of_target ** q) / q``: robust against wrong labels."""
    return per_sample(sample_loss.generalized_cross_entropy, y_true, y_pred, q)


def _axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


@op(2, "nn")
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """``1 - 2 * |truth * output| / (|truth| + |output|)``."""
    return per_sample(sample_loss.dice, y_true, y_pred, _axis(axis))


@op(2, "nn")
def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5,
            axis: Any = None) -> Any:
    """`dice` with weights for false positives and false negatives."""
    return per_sample(sample_loss.tversky, y_true, y_pred, alpha, beta, _axis(axis))

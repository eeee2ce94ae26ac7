"""Loss objects: a formula, its options, and how values become one number."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...errors import ArgumentError
from ...functions import class_loss, sample_loss
from ...ir.dtypes import as_dtype
from ...metrics import losses as formulas
from ...tensor import record
from ...tensor.handle import Handle
from .. import config
from .._arguments import Checked
from .._names import auto_name, to_snake_case
from .._operation import as_tensor
from ..graph import leaves_of
from ..saving.serialization import serialize_keras_object
from .functions import negative_cosine

__all__ = ["BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
           "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy",
           "CategoricalHinge", "CosineSimilarity", "Dice", "Hinge", "Huber", "KLDivergence",
           "LogCosh", "Loss", "LossFunctionWrapper", "MeanAbsoluteError",
           "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError",
           "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky"]


class Loss(metaclass=Checked):
    """``loss(y_true, y_pred, sample_weight=None)`` gives a scalar.

    Subclasses define ``call(y_true, y_pred)``, which gives one value per sample.
    """

    def __init__(self, name: str | None = None, reduction: Any = "sum_over_batch_size",
                 dtype: Any = None):
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        if isinstance(reduction, str):
            reduction = {"auto": "sum_over_batch_size"}.get(reduction.lower(), reduction.lower())
        sample_loss.check_reduction(reduction)
        self.reduction = reduction
        self._dtype = dtype

    @property
    def dtype(self) -> str:
        """The dtype of the computation."""
        return config.standardize_dtype(getattr(self._dtype, "name", self._dtype))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value per sample."""
        raise NotImplementedError(f"{type(self).__name__} does not define call(y_true, y_pred)")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        dtype = as_dtype(self.dtype)
        mask = getattr(y_pred, "_keras_mask", None)
        values = self.call(_tensors(y_true), _tensors(y_pred))
        values = values if isinstance(values, Handle) else as_tensor(values)
        operands = [values, *([] if sample_weight is None else [as_tensor(sample_weight)]),
                    *([] if mask is None else [mask])]
        return record(_weighted, operands, (sample_weight is not None, mask is not None,
                                            self.reduction, dtype))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _tensors(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _tensors(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(v, Handle) for v in leaves_of(value)):
        return type(value)(_tensors(v) for v in value)
    return as_tensor(value)


def _weighted(*arguments: Any) -> Any:
    *nodes, has_weight, has_mask, reduction, dtype = arguments
    values, *rest = nodes
    mask = rest.pop() if has_mask else None
    weight = rest.pop() if has_weight else None
    return sample_loss.weighted(values, weight, mask, reduction, dtype)


class FormulaLoss(Loss):
    """A loss whose formula works on nodes: the whole of it is one recorded operation."""

    formula: Callable[..., Any]

    def static(self) -> tuple[Any, ...]:
        """The formula's options."""
        return ()

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return record(sample_loss.reduced, (y_true, y_pred),
                      (type(self).formula, as_dtype(self.dtype), "none", False, *self.static()))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if type(self).call is not FormulaLoss.call:
            return super().__call__(y_true, y_pred, sample_weight)
        y_pred = as_tensor(y_pred)
        mask = y_pred.__dict__.get("_keras_mask")
        operands = [as_tensor(y_true), y_pred]
        if sample_weight is not None:
            operands.append(as_tensor(sample_weight))
        if mask is not None:
            operands.append(mask)
        return record(sample_loss.reduced, operands,
                      (type(self).formula, as_dtype(self.dtype), self.reduction, mask is not None,
                       *self.static()))

    def get_config(self) -> dict[str, Any]:
        own = [n for n in inspect.signature(type(self).__init__).parameters
               if n not in ("self", "reduction", "name", "dtype")]
        return {**super().get_config(), **{n: getattr(self, n) for n in own}}


def _define(name: str, formula: Any, default_name: str, doc: str) -> Any:
    """A loss class without options."""
    def __init__(self: Any, reduction: Any = "sum_over_batch_size", name: str = default_name,
                 dtype: Any = None) -> None:
        Loss.__init__(self, name, reduction, dtype)

    return Checked(name, (FormulaLoss,), {"__init__": __init__, "__doc__": doc,
                                          "formula": staticmethod(formula),
                                          "__module__": __name__, "__qualname__": name})


MeanSquaredError = _define("MeanSquaredError", formulas.squared_error, "mean_squared_error",
                           "Mean of ``(y_true - y_pred)**2``.")
MeanAbsoluteError = _define("MeanAbsoluteError", formulas.absolute_error, "mean_absolute_error",
                            "Mean of ``abs(y_true - y_pred)``.")
MeanAbsolutePercentageError = _define(
    "MeanAbsolutePercentageError", formulas.percentage_error, "mean_absolute_percentage_error",
    "Mean of ``100 * abs((y_true - y_pred) / y_true)``.")
MeanSquaredLogarithmicError = _define(
    "MeanSquaredLogarithmicError", formulas.logarithmic_error, "mean_squared_logarithmic_error",
    "Mean of ``(log(1 + y_true) - log(1 + y_pred))**2``.")
LogCosh = _define("LogCosh", formulas.log_cosh, "log_cosh", "Mean of ``log(cosh(error))``.")
KLDivergence = _define("KLDivergence", formulas.kl_divergence, "kl_divergence",
                       "Sum of ``y_true * log(y_true / y_pred)`` per sample.")
Poisson = _define("Poisson", formulas.poisson, "poisson",
                  "Mean of ``y_pred - y_true * log(y_pred)``.")
Hinge = _define("Hinge", class_loss.hinge, "hinge", "Mean of ``max(1 - y_true * y_pred, 0)``.")
SquaredHinge = _define("SquaredHinge", class_loss.squared_hinge, "squared_hinge",
                       "Mean of ``max(1 - y_true * y_pred, 0)**2``.")
CategoricalHinge = _define("CategoricalHinge", class_loss.categorical_hinge, "categorical_hinge",
                           "``max(best wrong one - right one + 1, 0)``.")


class Huber(FormulaLoss):
    """Squared up to ``delta``, linear beyond."""

    formula = staticmethod(sample_loss.huber)

    def __init__(self, delta: float = 1.0, reduction: Any = "sum_over_batch_size",
                 name: str = "huber_loss", dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def static(self) -> tuple[Any, ...]:
        return (float(self.delta),)


class CosineSimilarity(FormulaLoss):
    """Minus the cosine of the angle between truth and prediction."""

    formula = staticmethod(negative_cosine)

    def __init__(self, axis: int = -1, reduction: Any = "sum_over_batch_size",
                 name: str = "cosine_similarity", dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.axis,)


class BinaryCrossentropy(FormulaLoss):
    """Cross entropy of probabilities (or logits) of one class each."""

    formula = staticmethod(class_loss.binary_crossentropy)

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
                 reduction: Any = "sum_over_batch_size", name: str = "binary_crossentropy",
                 dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.from_logits, float(self.label_smoothing))


class BinaryFocalCrossentropy(FormulaLoss):
    """`BinaryCrossentropy` that counts easy samples less."""

    formula = staticmethod(class_loss.binary_focal_crossentropy)

    def __init__(self, apply_class_balancing: bool = False, alpha: float = 0.25,
                 gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
                 axis: int = -1, reduction: Any = "sum_over_batch_size",
                 name: str = "binary_focal_crossentropy", dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.from_logits, float(self.label_smoothing), self.apply_class_balancing,
                self.alpha, self.gamma)


class CategoricalCrossentropy(FormulaLoss):
    """Cross entropy of a distribution over classes; targets are one-hot rows."""

    formula = staticmethod(sample_loss.categorical_crossentropy)

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
                 reduction: Any = "sum_over_batch_size", name: str = "categorical_crossentropy",
                 dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.from_logits, float(self.label_smoothing), self.axis)


class CategoricalFocalCrossentropy(FormulaLoss):
    """`CategoricalCrossentropy` that counts easy samples less."""

    formula = staticmethod(sample_loss.categorical_focal_crossentropy)

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
                 label_smoothing: float = 0.0, axis: int = -1,
                 reduction: Any = "sum_over_batch_size",
                 name: str = "categorical_focal_crossentropy", dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.alpha, self.gamma, self.from_logits, float(self.label_smoothing), self.axis)


class SparseCategoricalCrossentropy(FormulaLoss):
    """Cross entropy of a distribution over classes; targets are class numbers."""

    formula = staticmethod(sample_loss.sparse_categorical)

    def __init__(self, from_logits: bool = False, ignore_class: int | None = None,
                 reduction: Any = "sum_over_batch_size", axis: int = -1,
                 name: str = "sparse_categorical_crossentropy", dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.from_logits, self.ignore_class, self.axis)


class CategoricalGeneralizedCrossEntropy(FormulaLoss):
    """``(1 - p_of_target ** q) / q``: robust against wrong labels."""

    formula = staticmethod(sample_loss.generalized_cross_entropy)

    def __init__(self, q: float = 0.5, reduction: Any = "sum_over_batch_size",
                 name: str = "categorical_generalized_cross_entropy", dtype: Any = None):
        super().__init__(name, reduction, dtype)
        if not 0 < q < 1:
            raise ArgumentError("q must be in the interval (0, 1)")
        self.q = q

    def static(self) -> tuple[Any, ...]:
        return (self.q,)


class Dice(FormulaLoss):
    """``1 - 2 * |truth * output| / (|truth| + |output|)``."""

    formula = staticmethod(sample_loss.dice)

    def __init__(self, reduction: Any = "sum_over_batch_size", name: str = "dice",
                 axis: Any = None, dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (tuple(self.axis) if isinstance(self.axis, list) else self.axis,)


class Tversky(FormulaLoss):
    """`Dice` with weights for false positives and false negatives."""

    formula = staticmethod(sample_loss.tversky)

    def __init__(self, alpha: float = 0.5, beta: float = 0.5,
                 reduction: Any = "sum_over_batch_size", name: str = "tversky", axis: Any = None,
                 dtype: Any = None):
        super().__init__(name, reduction, dtype)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis

    def static(self) -> tuple[Any, ...]:
        return (self.alpha, self.beta, tuple(self.axis) if isinstance(self.axis, list)
                else self.axis)


class LossFunctionWrapper(Loss):
    """Any function ``fn(y_true, y_pred, **kwargs)`` as a loss."""

    def __init__(self, fn: Callable[..., Any], reduction: Any = "sum_over_batch_size",
                 name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": serialize_keras_object(self.fn), **self._fn_kwargs}

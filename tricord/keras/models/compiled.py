"""What ``compile`` was told, resolved against the first outputs: losses and metrics per output."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, nearest
from .. import losses as losses_module
from .. import metrics as metrics_module
from ..graph import leaves_of

__all__ = ["CompiledLoss", "CompiledMetrics", "per_output"]


def _kind(y_true: Any, y_pred: Any) -> str:
    """binary, sparse or categorical, by the shapes."""
    if y_pred.shape and y_pred.shape[-1] == 1:
        return "binary"
    if y_true.ndim < y_pred.ndim or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1):
        return "sparse"
    return "categorical"


def _name_of(thing: Any) -> str:
    return getattr(thing, "name", None) or getattr(thing, "__name__", None) or (
        type(thing).__name__.lower())


def resolve_metric(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A metric object; "accuracy" is chosen by the shapes."""
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        cls = {"binary": metrics_module.BinaryAccuracy,
               "sparse": metrics_module.SparseCategoricalAccuracy,
               "categorical": metrics_module.CategoricalAccuracy}[_kind(y_true, y_pred)]
        return cls(name=identifier)
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        cls = {"binary": metrics_module.BinaryCrossentropy,
               "sparse": metrics_module.SparseCategoricalCrossentropy,
               "categorical": metrics_module.CategoricalCrossentropy}[_kind(y_true, y_pred)]
        return cls(name=identifier)
    found = metrics_module.get(identifier)
    if isinstance(found, metrics_module.native.Metric):
        if isinstance(identifier, str):
            found.name = identifier
        return found
    name = identifier if isinstance(identifier, str) else _name_of(found)
    return metrics_module.MeanMetricWrapper(found, name=name)


def resolve_loss(identifier: Any, y_true: Any = None, y_pred: Any = None) -> Any:
    """A loss object, or None."""
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        if y_pred is None:
            return identifier
        identifier = {"binary": "binary_crossentropy", "sparse": "sparse_categorical_crossentropy",
                      "categorical": "categorical_crossentropy"}[_kind(y_true, y_pred)]
    found = losses_module.get(identifier)
    if isinstance(found, losses_module.Loss):
        return found
    # A plain name gets the class of that formula: the loss is then one recorded operation.
    known = _CLASS_OF.get(found)
    if known is not None:
        made = known()
        made.name = identifier if isinstance(identifier, str) else _name_of(found)
        return made
    return losses_module.LossFunctionWrapper(found, name=_name_of(found))


_CLASS_OF = {losses_module.functions.__dict__[name]: cls for name, cls in {
    "mean_squared_error": losses_module.MeanSquaredError,
    "mean_absolute_error": losses_module.MeanAbsoluteError,
    "mean_absolute_percentage_error": losses_module.MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": losses_module.MeanSquaredLogarithmicError,
    "binary_crossentropy": losses_module.BinaryCrossentropy,
    "binary_focal_crossentropy": losses_module.BinaryFocalCrossentropy,
    "categorical_crossentropy": losses_module.CategoricalCrossentropy,
    "categorical_focal_crossentropy": losses_module.CategoricalFocalCrossentropy,
    "sparse_categorical_crossentropy": losses_module.SparseCategoricalCrossentropy,
    "huber": losses_module.Huber, "log_cosh": losses_module.LogCosh,
    "kl_divergence": losses_module.KLDivergence, "poisson": losses_module.Poisson,
    "hinge": losses_module.Hinge, "squared_hinge": losses_module.SquaredHinge,
    "categorical_hinge": losses_module.CategoricalHinge,
    "cosine_similarity": losses_module.CosineSimilarity, "dice": losses_module.Dice,
}.items()}


def per_output(what: str, given: Any, names: list[str], count: int, flat: bool = True) -> list[Any]:
    """One entry per output from a list or a dict by name.

    Raises:  ArgumentError for an unknown name, or another number
    """
    if isinstance(given, dict):
        unknown = [k for k in given if k not in names]
        if unknown:
            raise ArgumentError(
                f"In the dict argument `{what}`, key '{unknown[0]}' does not correspond to any "
                f"model output; there are {', '.join(names)}", hint=nearest(unknown[0], names))
        return [given.get(n) for n in names]
    if isinstance(given, (list, tuple)):
        if len(given) != count:
            raise ArgumentError(f"For a model with {count} outputs, `{what}` must be a list with "
                                f"{count} entries or a dict by output name ({', '.join(names)}). "
                                f"Received: {len(given)} entries")
        return list(given)
    return [given] * count


class CompiledLoss:
    """The loss of a model: one per output, weighted and added up."""

    def __init__(self, loss: Any, loss_weights: Any, output_names: list[str] | None):
        self.given, self.given_weights = loss, loss_weights
        self.output_names = output_names
        self.losses: list[Any] | None = None
        self.weights: list[float | None] = []
        self.values: list[Any] = []
        if not isinstance(loss, (list, tuple, dict)):
            resolve_loss(loss)  # an unknown name is refused now
        else:
            for one in leaves_of(loss):
                resolve_loss(one)

    def build(self, y_true: list[Any], y_pred: list[Any]) -> None:
        count = len(y_pred)
        names = self.output_names or [f"output_{i + 1}" for i in range(count)]
        given = self.given
        if count == 1 and isinstance(given, (list, tuple)) and len(given) == 1:
            given = given[0]
        single = not isinstance(given, (list, tuple, dict))
        found = [given] * count if single else per_output("loss", given, names, count)
        self.losses = [resolve_loss(one, t, p) for one, t, p in zip(found, y_true, y_pred,
                                                                    strict=True)]
        weights = self.given_weights
        if count == 1 and isinstance(weights, (int, float)):
            weights = [weights]
        self.weights = per_output("loss_weights", weights, names, count)

    def __call__(self, y_true: list[Any], y_pred: list[Any], sample_weight: list[Any]) -> Any:
        if self.losses is None:
            self.build(y_true, y_pred)
        total = None
        self.values.clear()
        for loss, t, p, w, share in zip(self.losses, y_true, y_pred, sample_weight, self.weights):  # type: ignore[arg-type]
            if loss is None or t is None:
                self.values.append(None)
                continue
            value = loss(t, p, w) if w is not None else loss(t, p)
            self.values.append(value)
            if share is not None and share != 1.0:
                value = value * float(share)
            total = value if total is None else total + value
        if total is None:
            raise ArgumentError("there is no loss: the model has no loss for any of its outputs",
                                hint='model.compile(optimizer, loss="mse")')
        return total


class CompiledMetrics:
    """Metrics of each output, with and without sample weights."""

    def __init__(self, metrics: Any, weighted: Any, output_names: list[str] | None):
        for name, given in (("metrics", metrics), ("weighted_metrics", weighted)):
            if given is not None and not isinstance(given, (list, tuple, dict)):
                raise ArgumentError(f"Expected `{name}` argument to be a list, tuple, or dict. "
                                    f"Received instead: {name}={given!r:.60} of type "
                                    f"{type(given).__name__}", hint=f"{name}=[{given!r:.40}]")
            for one in leaves_of(given) if given else []:
                if isinstance(one, str) and one.lower() not in ("accuracy", "acc", "crossentropy",
                                                                "ce"):
                    metrics_module.get(one)  # an unknown name is refused now
        self.given, self.given_weighted = metrics, weighted
        self.output_names = output_names
        self.built = False
        #: per output, (plain metrics, weighted metrics)
        self.by_output: list[tuple[list[Any], list[Any]]] = []

    def build(self, y_true: list[Any], y_pred: list[Any]) -> None:
        count = len(y_pred)
        names = self.output_names or [f"output_{i + 1}" for i in range(count)]
        sets = []
        for what, given in (("metrics", self.given), ("weighted_metrics", self.given_weighted)):
            if not given:
                sets.append([[] for _ in range(count)])
                continue
            if count == 1 and not isinstance(given, dict):
                found = [leaves_of(list(given))]
            else:
                found = per_output(what, given, names, count)
            sets.append([
                [resolve_metric(m, t, p) for m in (one if isinstance(one, (list, tuple))
                                                   else [one]) if m is not None]
                for one, t, p in zip(found, y_true, y_pred, strict=True)])
        self.by_output = list(zip(*sets, strict=True))
        self.names = names
        self.built = True

    @property
    def metrics(self) -> list[Any]:
        return [m for plain, weighted in self.by_output for m in (*plain, *weighted)]

    def update(self, y_true: list[Any], y_pred: list[Any], sample_weight: list[Any]) -> None:
        if not self.built:
            self.build(y_true, y_pred)
        for (plain, weighted), t, p, w in zip(self.by_output, y_true, y_pred, sample_weight):
            if t is None:
                continue
            for metric in plain:
                metric.update_state(t, p)
            for metric in weighted:
                metric.update_state(t, p, w) if w is not None else metric.update_state(t, p)

    def results(self) -> dict[str, Any]:
        """Values by name; with several outputs the name of the output stands in front."""
        found: dict[str, Any] = {}
        several = len(self.by_output) > 1
        for (plain, weighted), name in zip(self.by_output, self.names if self.built else [],
                                           strict=False):
            for metric in (*plain, *weighted):
                key = f"{name}_{metric.name}" if several else metric.name
                if key in found:
                    number = 1
                    while f"{key}_{number}" in found:
                        number += 1
                    key = f"{key}_{number}"
                found[key] = metric.result()
        return found

    def reset(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

"""``tf.compat.v1.metrics``: refused, clearly."""

from __future__ import annotations

from ..._names import public_names, refusal, unknown_name

(accuracy, auc, mean, precision, recall, mean_squared_error) = (
    refusal(f"tf.metrics.{name}", "tf.keras.metrics, or the mean over fetched values")
    for name in ("accuracy", "auc", "mean", "precision", "recall", "mean_squared_error"))

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))

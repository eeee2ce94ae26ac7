"""Watching one number of the logs: what is better, and is it there at all."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from ..errors import ArgumentError, nearest

__all__ = ["Monitor"]

_SMALL = ("loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "entropy",
          "hinge", "divergence", "poisson", "logcosh", "perplexity", "false_positives",
          "false_negatives")
_LARGE = ("acc", "accuracy", "auc", "precision", "recall", "f1", "score", "iou", "io_u",
          "similarity", "correlation", "sensitivity", "specificity", "true_positives",
          "true_negatives", "r2", "top_k", "at_recall", "at_precision",
          "at_specificity", "at_sensitivity", "bleu")


class Monitor:
    """Compares the values of ``name``; ``mode`` is "min", "max" or "auto", which goes by the name.

    >>> Monitor("val_accuracy").better(0.9, 0.8)
    True
    """

    def __init__(self, name: str, mode: str = "auto", min_delta: float = 0.0, who: str = ""):
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{who or 'callback'}: mode {mode!r} is unknown, 'auto' is used instead",
                          stacklevel=3)
            mode = "auto"
        self.name = name
        self.mode = _direction(name, who) if mode == "auto" else mode
        self.min_delta = abs(min_delta)
        self.worst = math.inf if self.mode == "min" else -math.inf
        self._who = who
        self._warned = False

    def better(self, value: float, best: float) -> bool:
        """Whether ``value`` is better than ``best`` by more than ``min_delta``."""
        if self.mode == "min":
            return value < best - self.min_delta
        return value > best + self.min_delta

    def value(self, logs: Mapping[str, Any] | None) -> float | None:
        """The value in the logs; None, and a warning once, if it is not there."""
        value = (logs or {}).get(self.name)
        if value is None and not self._warned:
            self._warned = True
            known = list(logs or {})
            hint = nearest(self.name, known) or ""
            warnings.warn(f"{self._who} conditioned on metric `{self.name}` which is not "
                          f"available. Available metrics are: {','.join(known)}. {hint}".rstrip(),
                          stacklevel=4)
        return None if value is None else float(value)


def _direction(name: str, who: str) -> str:
    short = name.removeprefix("val_")
    for words, mode in ((_SMALL, "min"), (_LARGE, "max")):
        if any(short == w or short.endswith("_" + w) or short.startswith(w + "_") for w in words):
            return mode
    for words, mode in ((_SMALL, "min"), (_LARGE, "max")):
        if any(w in short for w in words):
            return mode
    raise ArgumentError(f"{who or 'callback'}: it is not known whether {name!r} should be small or "
                        "large", hint="mode='min' or mode='max'")

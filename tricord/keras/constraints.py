"""Projections of weights, applied after each update."""

from __future__ import annotations

from typing import Any

from ..functions import penalties
from ..tensor import Tensor, record, tensor
from . import config
from ._arguments import Checked
from ._lookup import getter, serialize
from .saving.registry import register_builtins

__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get",
           "serialize"]


def _axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


def _tensor(w: Any) -> Any:
    return w if isinstance(w, Tensor) else tensor(w)


class Constraint(metaclass=Checked):
    """Base class: ``constraint(w)`` gives the projected weights."""

    def __call__(self, w: Any) -> Any:
        raise NotImplementedError("Constraint subclasses must implement `__call__()`.")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class MaxNorm(Constraint):
    """Norms along ``axis`` of at most ``max_value``."""

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return record(penalties.max_norm, (_tensor(w),),
                      (self.max_value, _axis(self.axis), config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No negative weights."""

    def __call__(self, w: Any) -> Any:
        return record(penalties.non_negative, (_tensor(w),))


class UnitNorm(Constraint):
    """Norms along ``axis`` of one."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return record(penalties.unit_norm, (_tensor(w),), (_axis(self.axis), config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms along ``axis`` between two values, approached at ``rate`` per step."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0,
                 axis: Any = 0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return record(penalties.min_max_norm, (_tensor(w),),
                      (self.min_value, self.max_value, self.rate, _axis(self.axis),
                       config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate,
                "axis": self.axis}


register_builtins("constraints", {"MaxNorm": MaxNorm, "MinMaxNorm": MinMaxNorm, "NonNeg": NonNeg,
                                  "UnitNorm": UnitNorm, "Constraint": Constraint})
get, deserialize, aliases = getter("constraints", "constraint", {
    "max_norm": MaxNorm, "maxnorm": MaxNorm, "non_neg": NonNeg, "nonneg": NonNeg,
    "unit_norm": UnitNorm, "unitnorm": UnitNorm, "min_max_norm": MinMaxNorm})
globals().update(aliases)

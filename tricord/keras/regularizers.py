"""Penalties on weights and activations, added to the loss."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from ..functions import penalties
from ..tensor import record
from ._arguments import Checked
from ._lookup import getter, serialize
from .saving.registry import register_builtins

__all__ = ["L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get",
           "serialize"]


class Regularizer(metaclass=Checked):
    """Base class: ``regularizer(x)`` gives a scalar."""

    def __call__(self, x: Any) -> Any:
        return 0.0

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(f"{self} does not implement get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


def _checked(x: Any, name: str) -> float:
    if not isinstance(x, (int, float)) or isinstance(x, bool) or not 0 <= float(x) < float("inf"):
        raise ArgumentError(f"Invalid value for argument {name}: expected a non-negative float. "
                            f"Received: {name}={x}")
    return float(x)


class L1L2(Regularizer):
    """``l1 * sum(|x|) + l2 * sum(x**2)``."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _checked(0.0 if l1 is None else l1, "l1")
        self.l2 = _checked(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        return record(penalties.l1_l2, (x,), (self.l1, self.l2))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """``l1 * sum(|x|)``."""

    def __init__(self, l1: float = 0.01):
        self.l1 = _checked(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Any:
        return record(penalties.l1_l2, (x,), (self.l1, 0.0))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """``l2 * sum(x**2)``."""

    def __init__(self, l2: float = 0.01):
        self.l2 = _checked(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        return record(penalties.l1_l2, (x,), (0.0, self.l2))

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """Pushes the rows (or columns) of a matrix to be orthogonal to one another."""

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor = _checked(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ArgumentError('Invalid value for argument mode. Expected one of {"rows", '
                                f'"columns"}}. Received: mode={mode}')
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        return record(penalties.orthogonality, (x,), (self.factor, self.mode))

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


register_builtins("regularizers", {"L1L2": L1L2, "L1": L1, "L2": L2, "Regularizer": Regularizer,
                                   "OrthogonalRegularizer": OrthogonalRegularizer})
get, deserialize, aliases = getter("regularizers", "regularizer", {
    "l1_l2": L1L2, "l1l2": L1L2, "orthogonal_regularizer": OrthogonalRegularizer})
globals().update(aliases)

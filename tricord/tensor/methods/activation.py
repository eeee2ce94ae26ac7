"""Methods that networks are made of: relu, softmax, and the like."""

from __future__ import annotations

from typing import Any

from ...functions import activation as fn
from ...ir.dtypes import as_dtype
from ..handle import Handle
from ..recorder import record
from ..views import write

__all__ = ["ActivationMethods"]


class ActivationMethods(Handle):
    """Activations that PyTorch offers as methods of a tensor."""

    def relu(self) -> Any:
        """``max(x, 0)``."""
        return record(fn.relu, (self,))

    def relu_(self) -> Any:
        return write(self, fn.relu)

    def softmax(self, dim: int, dtype: Any = None) -> Any:
        """``exp(x)``, scaled so that it sums to 1 along ``dim``."""
        return record(fn.softmax, (self,), (dim, None if dtype is None else as_dtype(dtype)))

    def log_softmax(self, dim: int, dtype: Any = None) -> Any:
        """The logarithm of `softmax`."""
        return record(fn.log_softmax, (self,), (dim, None if dtype is None else as_dtype(dtype)))

    def prelu(self, weight: Any) -> Any:
        """``x`` where positive, else ``weight * x``."""
        return record(fn.prelu, (self, weight))

    def hardshrink(self, lambd: float = 0.5) -> Any:
        """``x`` where its magnitude exceeds ``lambd``, else 0."""
        return record(fn.hardshrink, (self,), (lambd,))

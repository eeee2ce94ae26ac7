"""What counts as a tensor for the data package, and how to see it as a numpy array."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["as_array", "is_tensor_like"]


def is_tensor_like(value: Any) -> bool:
    """A numpy array, a Tensor, or something of another library that has ``numpy()``."""
    if isinstance(value, np.ndarray):
        return True
    return hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(
        value, np.generic) and (hasattr(value, "numpy") or hasattr(value, "__array__"))


def as_array(value: Any) -> np.ndarray:
    """The values of a tensor-like object as a numpy array, without a copy where possible."""
    if isinstance(value, np.ndarray):
        return value
    if getattr(value, "requires_grad", False) is True:
        value = value.detach()  # other libraries refuse to show a value that wants gradients
    if hasattr(value, "__array__"):
        return np.asarray(value)  # tricord's numpy() would copy
    to_numpy = getattr(value, "numpy", None)
    return np.asarray(to_numpy() if callable(to_numpy) else value)

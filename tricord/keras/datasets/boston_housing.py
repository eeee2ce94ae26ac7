"""506 districts of Boston: 13 features, and the price in 1000 dollars."""

from __future__ import annotations

from typing import Any

from ...data.real import load_housing
from .._arguments import checked

__all__ = ["load_data"]


@checked
def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Any:
    """``(x_train, y_train), (x_test, y_test)``, shuffled by the seed (not in Keras's order)."""
    return load_housing(test_split, seed)

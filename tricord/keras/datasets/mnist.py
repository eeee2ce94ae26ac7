"""60 000 + 10 000 handwritten digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.real import load_mnist
from .._arguments import checked

__all__ = ["load_data"]


@checked
def load_data(path: str = "mnist.npz") -> Any:
    """``(x_train, y_train), (x_test, y_test)``, uint8. ``path`` is taken for Keras's sake.

    Shapes:  (60000, 28, 28), (60000,), (10000, 28, 28), (10000,)
    """
    return tuple((x, y.astype(np.uint8)) for x, y in load_mnist())

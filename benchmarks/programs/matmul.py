"""One matrix product, its operands as they lie in memory or transposed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Repeated
from .ours import compiled, package, wait

__all__ = ["build"]

_PRODUCTS = {
    "NN": lambda a, b: a @ b,
    "NT": lambda a, b: a @ b.T,
    "TN": lambda a, b: a.T @ b,
    "TT": lambda a, b: a.T @ b.T,
}


def build(framework: str, parameters: dict[str, Any]) -> Case:
    torch = package(framework)
    n = parameters["size"]
    rng = np.random.default_rng(n)
    a, b = (torch.from_numpy(rng.standard_normal((n, n), np.float32)) for _ in range(2))
    function, note = compiled(framework, _PRODUCTS[parameters["layout"]])
    finish = wait(framework)

    def step() -> Any:
        c = function(a, b)
        finish()
        return c

    return Repeated(step, lambda c: [c.numpy()], note)

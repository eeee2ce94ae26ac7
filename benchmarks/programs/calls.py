"""What a call of a compiled function costs when there is next to nothing to compute."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from .case import Case, Repeated
from .ours import compiled, package, wait

__all__ = ["build"]

_CALLS = 100


def _add_one(x: Any) -> Any:
    return x + 1


def build(framework: str, parameters: dict[str, Any]) -> Case:
    if framework == "jax":
        jax = importlib.import_module("jax")
        jitted, one = jax.jit(_add_one), jax.numpy.ones(1)
        return Repeated(lambda: jitted(one).block_until_ready(), lambda y: [np.asarray(y)],
                        calls=_CALLS)
    x = package(framework).from_numpy(np.ones(1, np.float32))
    function, note = compiled(framework, _add_one)
    finish = wait(framework)

    def step() -> Any:
        y = function(x)
        finish()
        return y

    return Repeated(step, lambda y: [y.numpy()], note, calls=_CALLS)

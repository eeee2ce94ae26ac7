"""Training a network of dense layers through ``Model.fit``; tricord runs the same lines."""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np

from .case import Case
from .data import batches, weights

__all__ = ["build"]

_CALLS, _STEPS_EACH = 5, 4


class _Fit:
    """Time per step of ``fit``, whatever ``fit`` does between the steps included."""

    note = ""

    def __init__(self, model: Any, x: np.ndarray, y: np.ndarray, batch: int):
        self.model, self.x, self.y, self.batch = model, x, y, batch
        self.first: list[float] = []

    def _fit(self, start: int, steps: int) -> tuple[float, float]:
        rows = slice(start * self.batch, (start + steps) * self.batch)
        started = time.perf_counter()
        history = self.model.fit(self.x[rows], self.y[rows], batch_size=self.batch, epochs=1,
                                 shuffle=False, verbose=0)
        return time.perf_counter() - started, float(history.history["loss"][0])

    def check(self) -> list[list[float]]:
        found = [self._fit(i * _STEPS_EACH, _STEPS_EACH) for i in range(_CALLS)]
        self.first = [seconds for seconds, _ in found]
        return [[loss for _, loss in found]]

    def run(self, steps: int, warm: int) -> list[float]:
        whole = len(self.x) // self.batch
        self._fit(0, min(max(warm, 1), whole))
        seconds = []
        for _ in range(-(-steps // whole)):
            seconds.append(self._fit(0, whole)[0] / whole)
        return seconds


def build(framework: str, parameters: dict[str, Any]) -> Case:
    keras = importlib.import_module("tricord.keras" if framework == "tricord" else "keras")
    sizes, batch, steps = parameters["sizes"], parameters["batch"], parameters["steps"]
    model = keras.Sequential([
        keras.Input(shape=(sizes[0],)),
        *[keras.layers.Dense(n, activation="relu") for n in sizes[1:-1]],
        keras.layers.Dense(sizes[-1]),
    ])
    model.compile(optimizer=keras.optimizers.Adam(),
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.set_weights([array for layer in weights(sizes) for array in layer])
    data = batches(sizes[0], sizes[-1], batch, steps)
    return _Fit(model, np.concatenate([x for x, _ in data]), np.concatenate([y for _, y in data]),
                batch)

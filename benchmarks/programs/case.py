"""What a case is to the process that runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

__all__ = ["Case", "Repeated", "Training", "sample"]


class Case(Protocol):
    note: str
    """What the reader must know about how this framework runs it; empty if nothing."""
    first: list[float]
    """Seconds of the very first steps, after ``check``."""

    def check(self) -> list[list[float]]:
        """The first steps; lists of values that must be the same on every framework."""
        ...

    def run(self, steps: int, warm: int) -> list[float]:
        """Seconds per step of ``steps`` steps, after ``warm`` that are not looked at."""
        ...


def _timed(step: Callable[[], object], steps: int) -> list[float]:
    seconds = []
    for _ in range(steps):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return seconds


class Training:
    """A case whose step returns the loss."""

    def __init__(self, step: Callable[[], float], check_steps: int, note: str = ""):
        self.step, self.check_steps, self.note = step, check_steps, note
        self.first: list[float] = []

    def check(self) -> list[list[float]]:
        losses: list[float] = []
        self.first = _timed(lambda: losses.append(self.step()), self.check_steps)
        return [losses]

    def run(self, steps: int, warm: int) -> list[float]:
        for _ in range(warm):
            self.step()
        return _timed(self.step, steps)


class Repeated:
    """A case that computes the same again and again.

    ``step`` must wait for its results, and ``results`` gives them as numpy arrays. ``calls`` steps
    are timed as one where a single one is too short for the clock.
    """

    def __init__(self, step: Callable[[], Any], results: Callable[[Any], Sequence[np.ndarray]],
                 note: str = "", calls: int = 1, check_steps: int = 3):
        self.step, self.results, self.note, self.calls = step, results, note, calls
        self.check_steps = check_steps
        self.first: list[float] = []

    def check(self) -> list[list[float]]:
        found: list[Any] = []
        self.first = _timed(lambda: found.append(self.step()), self.check_steps)
        return [sample(a) for a in self.results(found[-1])]

    def run(self, steps: int, warm: int) -> list[float]:
        step = self.step
        for _ in range(warm):
            step()
        if self.calls == 1:
            return _timed(step, steps)

        def several() -> None:
            for _ in range(self.calls):
                step()

        return [s / self.calls for s in _timed(several, max(1, steps // self.calls))]


def sample(array: np.ndarray, count: int = 32) -> list[float]:
    """Some elements, always the same ones, and the mean magnitude of all."""
    flat = np.asarray(array, np.float64).reshape(-1)
    places = np.random.default_rng(7).integers(0, flat.size, count)
    return [*flat[places].tolist(), float(np.abs(flat).mean())]

"""Learning rates as functions of the step: plain objects, called with a step, giving a float.

Source: the documentation of keras.optimizers.schedules. Computed in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import ArgumentError

__all__ = ["CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay",
           "LearningRateSchedule", "PiecewiseConstantDecay", "PolynomialDecay"]


class LearningRateSchedule:
    """``schedule(step)`` is the rate of that step, counted from 0."""

    def __call__(self, step: Any) -> float:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal schedule."""
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


def _positive(name: str, decay_steps: float) -> None:
    if decay_steps <= 0:
        raise ArgumentError(f"Argument `decay_steps` must be > 0. Received: decay_steps="
                            f"{decay_steps}", hint=f"{name}(..., decay_steps=1000)")


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``; ``staircase`` rounds down."""

    def __init__(self, initial_learning_rate: float, decay_steps: float, decay_rate: float,
                 staircase: bool = False, name: str = "ExponentialDecay"):
        _positive("ExponentialDecay", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> float:
        passed = float(step) / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (
            math.floor(passed) if self.staircase else passed)


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to and with step ``boundaries[i]``, the last value afterwards."""

    def __init__(self, boundaries: Sequence[float], values: Sequence[float],
                 name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ArgumentError("The length of boundaries should be 1 less than the length of "
                                f"values. Received: boundaries={list(boundaries)} of length "
                                f"{len(boundaries)}, and values={list(values)} of length "
                                f"{len(values)}.")
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def __call__(self, step: Any) -> float:
        step = float(step)
        for boundary, value in zip(self.boundaries, self.values, strict=False):
            if step <= boundary:
                return float(value)
        return float(self.values[-1])


class PolynomialDecay(LearningRateSchedule):
    """From the initial to ``end_learning_rate`` in ``decay_steps``, along a power.

    With ``cycle`` the decay becomes longer by ``decay_steps`` each time its end is passed.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: float,
                 end_learning_rate: float = 0.0001, power: float = 1.0, cycle: bool = False,
                 name: str = "PolynomialDecay"):
        _positive("PolynomialDecay", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> float:
        step, length = float(step), float(self.decay_steps)
        if self.cycle:
            length *= max(1.0, math.ceil(step / length))
        share = min(step, length) / length
        return float((self.initial_learning_rate - self.end_learning_rate)
                     * (1.0 - share) ** self.power + self.end_learning_rate)


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``."""

    def __init__(self, initial_learning_rate: float, decay_steps: float, decay_rate: float,
                 staircase: bool = False, name: str = "InverseTimeDecay"):
        _positive("InverseTimeDecay", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> float:
        passed = float(step) / self.decay_steps
        return self.initial_learning_rate / (
            1.0 + self.decay_rate * (math.floor(passed) if self.staircase else passed))


class CosineDecay(LearningRateSchedule):
    """Half a cosine down to ``alpha`` times the top in ``decay_steps``.

    With ``warmup_target`` the rate first rises linearly to it in ``warmup_steps``.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0,
                 name: str = "CosineDecay", warmup_target: float | None = None,
                 warmup_steps: float = 0):
        _positive("CosineDecay", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> float:
        step = float(step)
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step <= self.warmup_steps:
                rise = self.warmup_target - top
                return top + rise * step / self.warmup_steps if self.warmup_steps else top + rise
            step -= self.warmup_steps
            top = self.warmup_target
        share = min(step, self.decay_steps) / self.decay_steps
        cosine = 0.5 * (1.0 + math.cos(math.pi * share))
        return top * ((1.0 - self.alpha) * cosine + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines, each ``t_mul`` times longer and ``m_mul`` times lower than the one before."""

    def __init__(self, initial_learning_rate: float, first_decay_steps: float, t_mul: float = 2.0,
                 m_mul: float = 1.0, alpha: float = 0.0, name: str = "SGDRDecay"):
        if first_decay_steps <= 0:
            raise ArgumentError("Argument `first_decay_steps` must be > 0. Received: "
                                f"first_decay_steps={first_decay_steps}")
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> float:
        passed = float(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            cycle = math.floor(passed)
            share = passed - cycle
        else:
            cycle = math.floor(math.log(1.0 - passed * (1.0 - self.t_mul)) / math.log(self.t_mul))
            before = (1.0 - self.t_mul ** cycle) / (1.0 - self.t_mul)
            share = (passed - before) / self.t_mul ** cycle
        cosine = 0.5 * self.m_mul ** cycle * (1.0 + math.cos(math.pi * share))
        return self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)

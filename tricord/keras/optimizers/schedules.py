"""Learning rates as functions of the step."""

from ...optim.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from .._lookup import getter, serialize
from ..saving.registry import register_builtins

__all__ = ["CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay",
           "LearningRateSchedule", "PiecewiseConstantDecay", "PolynomialDecay", "deserialize",
           "serialize"]

for _class in (CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay,
               PiecewiseConstantDecay, PolynomialDecay):
    register_builtins("schedules", {_class.__name__: _class})
_, deserialize, _ = getter("schedules", "learning rate schedule")

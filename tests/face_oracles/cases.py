"""The vocabulary of the tables: what a case is, and how its inputs are drawn.

A case is a name, a function of a framework's namespace and of inputs, and the inputs. The same
function is called with the real namespace and with tricord's, on the same numbers::

    Case("softmax rows", lambda torch, x: torch.softmax(x, dim=1), normal(3, 5))

Inputs are drawn from the case's own name and the input's position, so a new row changes no other.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Case", "Draw", "bools", "distinct", "integers", "materialise", "names", "normal",
           "positive", "spd", "uniform"]


@dataclass(frozen=True)
class Draw:
    """An array to be drawn: ``kind`` with its two numbers, a shape and a dtype."""

    kind: str
    shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0
    dtype: str = "float32"
    frozen: bool = False

    def as_type(self, dtype: str) -> Draw:
        return Draw(self.kind, self.shape, self.low, self.high, dtype, self.frozen)

    def constant(self) -> Draw:
        """The same, but no gradient is asked of it."""
        return Draw(self.kind, self.shape, self.low, self.high, self.dtype, True)

    def array(self, random: np.random.RandomState) -> np.ndarray:
        if self.kind == "normal":
            values = random.standard_normal(self.shape)
        elif self.kind == "uniform":
            values = random.uniform(self.low, self.high, self.shape)
        elif self.kind == "integers":
            values = random.randint(int(self.low), int(self.high), self.shape)
        elif self.kind == "distinct":  # no ties, every gap the same: safe for sort, max and median
            count = int(np.prod(self.shape, dtype=int))
            values = (random.permutation(count) - count / 2 + 0.25).reshape(self.shape) * 0.25
        elif self.kind == "spd":
            square = random.standard_normal(self.shape)
            values = square @ np.swapaxes(square, -1, -2) + self.shape[-1] * np.eye(self.shape[-1])
        else:
            raise AssertionError(self.kind)
        return np.asarray(values).astype(self.dtype)


def normal(*shape: int) -> Draw:
    return Draw("normal", shape)


def uniform(low: float, high: float, *shape: int) -> Draw:
    return Draw("uniform", shape, low, high)


def positive(*shape: int) -> Draw:
    return Draw("uniform", shape, 0.2, 2.0)


def distinct(*shape: int) -> Draw:
    return Draw("distinct", shape)


def integers(low: int, high: int, *shape: int) -> Draw:
    """Whole numbers, ``low <= value < high``, int64."""
    return Draw("integers", shape, low, high, "int64")


def bools(*shape: int) -> Draw:
    return Draw("integers", shape, 0, 2, "bool")


def spd(*shape: int) -> Draw:
    """Symmetric positive definite matrices."""
    return Draw("spd", shape)


@dataclass(frozen=True, init=False)
class Case:
    """One row of a table; ``gradients`` says whether those of the float inputs are compared."""

    name: str
    call: Callable[..., Any]
    inputs: tuple[Any, ...]
    gradients: bool
    rtol: float
    atol: float

    def __init__(self, name: str, call: Callable[..., Any], *inputs: Any, gradients: bool = True,
                 rtol: float = 1e-5, atol: float = 2e-6):
        for field, value in [("name", name), ("call", call), ("inputs", inputs), ("rtol", rtol),
                             ("gradients", gradients), ("atol", atol)]:
            object.__setattr__(self, field, value)


def materialise(name: str, inputs: tuple[Any, ...]) -> list[Any]:
    """The inputs with every `Draw` replaced by its array."""
    return [draw.array(np.random.RandomState(zlib.crc32(f"{name}/{position}".encode())))
            if isinstance(draw, Draw) else draw for position, draw in enumerate(inputs)]


def names(cases: list[Any]) -> list[str]:
    """Test ids; a name used twice is a mistake in the table."""
    found = [case.name for case in cases]
    twice = {name for name in found if found.count(name) > 1}
    if twice:
        raise ValueError(f"case names used twice: {sorted(twice)}")
    return found

"""A step length that satisfies the strong Wolfe conditions.

Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6, with the cubic
interpolation of equation 3.59 and the safeguards of Schmidt's minFunc.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Point", "strong_wolfe"]

#: sufficient decrease, curvature
_C1, _C2 = 1e-4, 0.9
_MOST = 25


class Point(NamedTuple):
    """A step length with the loss, the gradient and the slope along the direction there."""

    t: float
    loss: float
    grad: np.ndarray
    slope: float


def _cubic_minimum(a: Point, b: Point, low: float | None = None, high: float | None = None,
                   ) -> float:
    """The minimiser of the cubic through two points and their slopes, within bounds."""
    if low is None or high is None:
        low, high = min(a.t, b.t), max(a.t, b.t)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    if a.t <= b.t:
        found = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        found = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(found, low), high)


def strong_wolfe(at: Callable[[float], Point], start: Point, first: float, reach: float,
                 tolerance: float) -> tuple[Point, int]:
    """The point found, and how often ``at`` was called. ``reach`` is the direction's largest
    element, ``tolerance`` the smallest change of a parameter that matters."""

    def falls_short(point: Point) -> bool:
        return point.loss > start.loss + _C1 * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -_C2 * start.slope

    previous, new, calls = start, at(first), 1
    for step in range(_MOST):
        if falls_short(new) or (step > 1 and new.loss >= previous.loss):
            bracket = [previous, new]
            break
        if is_flat(new):
            return new, calls
        if new.slope >= 0:
            bracket = [previous, new]
            break
        length = _cubic_minimum(previous, new, new.t + 0.01 * (new.t - previous.t), new.t * 10)
        previous, new, calls = new, at(length), calls + 1
    else:
        bracket = [start, new]
        return min(bracket, key=lambda p: p.loss), calls
    return _zoom(at, bracket, falls_short, is_flat, calls, _MOST - step, reach, tolerance)


def _zoom(at: Callable[[float], Point], bracket: list[Point], falls_short: Callable[[Point], bool],
          is_flat: Callable[[Point], bool], calls: int, most: int, reach: float,
          tolerance: float) -> tuple[Point, int]:
    """Narrow a bracket that holds a good step; ``bracket[low]`` is the better end."""
    slow = False
    low = 0 if bracket[0].loss <= bracket[1].loss else 1
    for _ in range(most):
        ends = [p.t for p in bracket]
        if abs(ends[1] - ends[0]) * reach < tolerance:
            break
        length = _cubic_minimum(bracket[0], bracket[1])
        margin = 0.1 * (max(ends) - min(ends))
        if min(max(ends) - length, length - min(ends)) < margin:
            # Twice in a row beside an end: move away from it.
            if slow or length >= max(ends) or length <= min(ends):
                near_top = abs(length - max(ends)) < abs(length - min(ends))
                length = max(ends) - margin if near_top else min(ends) + margin
                slow = False
            else:
                slow = True
        else:
            slow = False
        new, calls = at(length), calls + 1
        if falls_short(new) or new.loss >= bracket[low].loss:
            bracket[1 - low] = new
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        done = is_flat(new)
        if not done and new.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = new
        if done:
            break
    return bracket[low], calls

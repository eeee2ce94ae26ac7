"""Update rules inside a graph, where the numbers of a step are tensors too (TensorFlow 1).

There the rate may be fed or computed, and what `Rule.advance` counts in Python is a variable.
"""

from __future__ import annotations

import math
from typing import Any

from ..functions.elementwise import floor, where
from ..ir import arithmetic as ar
from ..ir.dtypes import float32
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.structural import constant
from .adam import AdamOptions, adam
from .rule import Rule

__all__ = ["adam_step", "cosine_decay", "decayed", "piecewise_constant", "polynomial_decay",
           "rule_step"]


def rule_step(p: Node, g: Node, *rest: Any) -> tuple[Node, ...]:
    """One update: ``rest`` is slots, then scalars, then the rule, its options, and how many slots.

    Returns the new parameter and the new slots, in their dtypes.
    """
    *nodes, rule, options, count = rest
    slots, scalars = nodes[:count], [ew.cast(s, p.dtype) for s in nodes[count:]]
    return _updated(rule, options, p, g, slots, scalars)


def _updated(rule: Rule, options: Any, p: Node, g: Node, slots: Any, scalars: Any
             ) -> tuple[Node, ...]:
    new, changed = rule.update(options, p, ew.cast(g, p.dtype), slots, scalars)
    return (ew.cast(new, p.dtype),
            *(ew.cast(n, s.dtype) for n, s in zip(changed, slots, strict=False)))


def adam_step(p: Node, g: Node, m: Node, v: Node, rate: Node, beta1: Node, beta2: Node,
              epsilon: Node, power1: Node, power2: Node) -> tuple[Node, ...]:
    """Adam with epsilon beside the root of the uncorrected moment; the powers of the betas given.

    Source: Kingma and Ba (2015), the remark before section 2.1, as TensorFlow has it.
    """
    rate, beta1, beta2, epsilon, power1, power2 = (
        ew.cast(s, p.dtype) for s in (rate, beta1, beta2, epsilon, power1, power2))
    size = rate * ew.sqrt(1 - power2) / (1 - power1)
    options = AdamOptions(eps=epsilon, epsilon_hat=True)  # type: ignore[arg-type]
    one = constant(1, p.dtype)
    return _updated(adam, options, p, g, (m, v),
                    (size, one, 1 - beta1, beta2, 1 - beta2, constant(0, p.dtype)))


# ---- rates that follow the step

def decayed(rate: Node, step: Node, steps: Node, share: Node, kind: str, staircase: bool) -> Node:
    """A rate after ``step`` steps: exponential, natural_exp or inverse_time decay."""
    progress = ew.cast(step, float32) / ew.cast(steps, float32)
    if staircase:
        progress = floor(progress)
    rate, share = ew.cast(rate, float32), ew.cast(share, float32)
    if kind == "exponential":
        return rate * ar.power(share, progress)
    if kind == "natural_exp":
        return rate * ew.exp(-share * progress)
    return rate / (1 + share * progress)


def polynomial_decay(rate: Node, step: Node, steps: float, end: float, power: float, cycle: bool
                     ) -> Node:
    """From ``rate`` to ``end`` in ``steps`` steps."""
    at = ew.cast(step, float32)
    if cycle:
        rounds = ew.maximum(ew.ceil(at / steps), constant(1, float32))
        share = at / (rounds * steps)
    else:
        share = ew.minimum(at, constant(steps, float32)) / steps
    return (ew.cast(rate, float32) - end) * ar.power(1 - share, power) + end


def cosine_decay(rate: Node, step: Node, steps: float, lowest: float) -> Node:
    """Half a cosine from ``rate`` to ``lowest * rate`` in ``steps`` steps."""
    at = ew.minimum(ew.cast(step, float32), constant(steps, float32))
    wave = 0.5 * (1 + ew.cos(at * (math.pi / steps)))
    return ew.cast(rate, float32) * ((1 - lowest) * wave + lowest)


def piecewise_constant(step: Node, *values: Any) -> Node:
    """``values[i]`` while ``step <= boundaries[i]``; the last value afterwards."""
    *given, boundaries = values
    found = given[-1]
    for boundary, value in reversed(list(zip(boundaries, given, strict=False))):
        found = where(step <= boundary, value, found)
    return found



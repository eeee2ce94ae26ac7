"""Which shapes from a file numpy can make an array of."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["is_possible"]


def is_possible(shape: Sequence[int], itemsize: int) -> bool:
    """Whether numpy takes a shape; an axis of length 0 does not excuse the others.

    >>> is_possible((2, 3), 4), is_possible((0, 2**40, 2**40), 4), is_possible((1,) * 65, 1)
    (True, False, False)
    """
    return len(shape) <= 64 and math.prod(max(length, 1) for length in shape) * itemsize < 2**62

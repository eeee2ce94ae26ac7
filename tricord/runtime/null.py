"""The null device: everything is recorded, checked and planned, and nothing is computed.

Results have the right shape and dtype, are zero, and take no memory. For tests of shapes and for
measuring what recording alone costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..ir.node import Node
from .executable import Array, Donated

__all__ = ["NullProgram"]


class NullProgram:
    """Answers zeros, one shared element stretched to each output's shape."""

    def __init__(self, outputs: Sequence[Node]):
        self.results = [np.broadcast_to(np.zeros((), o.type.dtype.numpy), tuple(o.shape))
                        for o in outputs]

    def __call__(self, arguments: Sequence[Array],
                 donated: Donated = ()) -> list[Array]:
        return self.results

"""The seam between a graph and whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

__all__ = ["Array", "Executable"]

Array = np.ndarray[Any, Any]


class Executable(Protocol):
    """A program ready to run: values of the inputs by slot in, values of the outputs out.

    Arguments are never written to; results may be, and may share memory with arguments only where
    an output *is* an input.
    """

    def __call__(self, arguments: Sequence[Array]) -> list[Array]: ...

"""The seam between a graph and whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

__all__ = ["Array", "Executable"]

Array = np.ndarray[Any, Any]


class Executable(Protocol):
    """A program ready to run: values of the inputs by slot in, values of the outputs out.

    Arguments are never written to, except the donated ones: pairs (output, slot) of an argument
    that nobody will read again, into whose memory the output may go. Whoever raises does so before
    it has written to one. Results may be written to, and share memory with arguments only where an
    output *is* an input or a donated one.
    """

    def __call__(self, arguments: Sequence[Array],
                 donated: Sequence[tuple[int, int]] = ()) -> list[Array]: ...

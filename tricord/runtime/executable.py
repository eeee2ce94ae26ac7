"""The seam between a graph and whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

__all__ = ["Array", "Donated", "Executable"]

Array = np.ndarray[Any, Any]
#: (output, slot, alone): an output that is the new value of a variable, the argument that is the
#: old one, and whether nobody else has that.
Donated = Sequence[tuple[int, int, bool]]


class Executable(Protocol):
    """A program ready to run: values of the inputs by slot in, values of the outputs out.

    Arguments are never written to, except donated ones that nobody else has. Whoever raises
    does so before it has written to one. Results may be written to, and share memory with arguments
    only where an output *is* an input or a donated one.
    """

    def __call__(self, arguments: Sequence[Array],
                 donated: Donated = ()) -> list[Array]: ...

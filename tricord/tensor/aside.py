"""Values that must exist at once, whatever is being recorded or traced at the moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .recorder import Segment, recording_gradients, state

__all__ = ["aside"]


@contextmanager
def aside() -> Iterator[None]:
    """Record in a segment of its own, without gradients.

    For what does not depend on the surrounding computation and has to have a value: the initial
    weights of a layer that is built while a function that uses it is traced.

    >>> import numpy as np
    >>> from .recorder import value_of, wrap
    >>> with aside():
    ...     made = value_of(wrap(np.ones(2)) * 2)
    >>> made
    array([2., 2.])
    """
    segment, held = state.segment, state.held
    state.segment, state.held = Segment(), 0
    try:
        with recording_gradients(False):
            yield
    finally:
        state.segment, state.held = segment, held

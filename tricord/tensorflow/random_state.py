"""Where the random numbers of this face come from."""

from __future__ import annotations

import threading
from typing import Any

from .. import random as native
from ..random import Generator

__all__ = ["generator_for", "global_seed", "graph_seed", "set_seed"]


class _Seeds(threading.local):
    def __init__(self) -> None:
        self.seed: int | None = None
        self.by_operation: dict[int, Generator] = {}


_seeds = _Seeds()


def set_seed(seed: int) -> None:
    """Start all random numbers of this thread again from ``seed``.

    >>> set_seed(1)
    """
    _seeds.seed = int(seed)
    _seeds.by_operation = {}
    native.manual_seed(int(seed))


def global_seed() -> int | None:
    return _seeds.seed


def graph_seed(seed: int | None) -> int:
    """The seed of a graph's random numbers."""
    chosen = seed if seed is not None else _seeds.seed
    return 87654321 if chosen is None else int(chosen)


def generator_for(seed: Any = None) -> Generator:
    """The generator an operation draws from: this thread's, or one for its own seed."""
    current = native.default_generator()
    if seed is None or type(current) is not Generator:
        return current  # a session's run draws from its own
    number = int(seed)
    found = _seeds.by_operation.get(number)
    if found is None:
        mixed = number if _seeds.seed is None else (number * 0x9E3779B97F4A7C15 + _seeds.seed)
        found = _seeds.by_operation[number] = Generator(mixed & ((1 << 63) - 1))
    return found


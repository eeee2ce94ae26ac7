"""Random tensors from a generator, or from this thread's default one.

The generators themselves are in `tricord.tensor.generator`, because tensors have methods that draw
(``x.normal_()``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .ir.dtypes import float32, int64
from .tensor import Tensor
from .tensor.generator import DEFAULT_SEED, Generator, default_generator, replace_default

__all__ = ["DEFAULT_SEED", "Generator", "bernoulli", "default_generator", "drawing_from",
           "exponential", "fork",
           "get_state", "initial_seed", "manual_seed", "multinomial", "normal", "permutation",
           "poisson", "rand", "randint", "randn", "seed", "set_state", "uniform"]


def manual_seed(seed: int) -> Generator:
    """Start this thread's generator again from ``seed``.

    >>> _ = manual_seed(1)
    >>> first = rand(2).tolist()
    >>> _ = manual_seed(1)
    >>> rand(2).tolist() == first
    True
    """
    return default_generator().manual_seed(seed)


def seed() -> int:
    """Seed this thread's generator from the operating system; returns the seed."""
    return default_generator().seed()


def initial_seed() -> int:
    """The seed this thread's generator started from."""
    return default_generator().initial_seed()


def get_state() -> Tensor:
    """The state of this thread's generator."""
    return default_generator().get_state()


def set_state(state: Any) -> None:
    """Continue this thread's generator from a state."""
    default_generator().set_state(state)


@contextmanager
def fork(seed: int | None = None) -> Iterator[Generator]:
    """Draw inside the block without disturbing this thread's generator outside of it."""
    inner = default_generator().clone_state() if seed is None else Generator(seed)
    outer = replace_default(inner)
    try:
        yield inner
    finally:
        replace_default(outer)


@contextmanager
def drawing_from(generator: Generator) -> Iterator[Generator]:
    """Let this thread draw from ``generator`` inside the block."""
    outer = replace_default(generator)
    try:
        yield generator
    finally:
        replace_default(outer)


def _sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    if len(sizes) == 1 and not isinstance(sizes[0], int):
        return tuple(sizes[0])
    return sizes


def rand(*size: Any, dtype: Any = float32, generator: Generator | None = None) -> Any:
    """Uniform numbers in [0, 1)."""
    return (generator or default_generator()).uniform(_sizes(size), dtype=dtype)


def randn(*size: Any, dtype: Any = float32, generator: Generator | None = None) -> Any:
    """Normal numbers with mean 0 and deviation 1."""
    return (generator or default_generator()).normal(_sizes(size), dtype=dtype)


def randint(low: int, high: int | None, size: Sequence[int], dtype: Any = int64,
            generator: Generator | None = None) -> Any:
    """Whole numbers in [low, high), or in [0, low) without ``high``."""
    low, high = (0, low) if high is None else (low, high)
    return (generator or default_generator()).randint(low, high, size, dtype)


def uniform(size: Sequence[int], low: float = 0.0, high: float = 1.0, dtype: Any = float32,
            generator: Generator | None = None) -> Any:
    """Uniform numbers in [low, high)."""
    return (generator or default_generator()).uniform(size, low, high, dtype)


def normal(size: Sequence[int], mean: float = 0.0, std: float = 1.0, dtype: Any = float32,
           generator: Generator | None = None) -> Any:
    """Normal numbers."""
    return (generator or default_generator()).normal(size, mean, std, dtype)


def permutation(size: int, dtype: Any = int64, generator: Generator | None = None) -> Any:
    """The numbers 0 ... size - 1 in random order."""
    return (generator or default_generator()).permutation(size, dtype)


def bernoulli(p: Tensor | float, size: Sequence[int] | None = None, dtype: Any = None,
              generator: Generator | None = None) -> Any:
    """1 with probability ``p``, else 0."""
    return (generator or default_generator()).bernoulli(p, size, dtype)


def exponential(size: Sequence[int], rate: float = 1.0, dtype: Any = float32,
                generator: Generator | None = None) -> Any:
    """Exponentially distributed numbers."""
    return (generator or default_generator()).exponential(size, rate, dtype)


def multinomial(weights: Tensor, samples: int, replacement: bool = False,
                generator: Generator | None = None) -> Any:
    """Indices drawn with probability proportional to ``weights`` along the last axis."""
    return (generator or default_generator()).multinomial(weights, samples, replacement)


def poisson(rates: Tensor, generator: Generator | None = None) -> Any:
    """Counts of events with these expectations."""
    return (generator or default_generator()).poisson(rates)

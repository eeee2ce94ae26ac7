"""Random streams that are pure functions of their keys, so that order and workers cannot matter.

Everything drawn while data is loaded comes from Philox, a counter-based generator: the stream for
(seed, purpose, epoch, index) can be had at any time, in any process, without drawing what came
before it. Only the raw 64-bit words are used for orders, because numpy keeps those the same from
release to release while the distributions of ``numpy.random.Generator`` may change.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import Any

import numpy as np

from ..errors import ArgumentError

__all__ = [
    "Purpose",
    "SampleContext",
    "default_seed",
    "permutation",
    "raw_words",
    "resolve_seed",
    "sample_rng",
    "seed_source",
    "uniform",
]

_WORD = (1 << 64) - 1


class Purpose(IntEnum):
    """What a stream is for; equal seeds with different purposes are unrelated streams."""

    SHUFFLE = 1
    SAMPLE = 2
    SPLIT = 3
    WORKER = 4
    STANDALONE = 5
    WEIGHTED = 6
    REPLACEMENT = 7
    GLOBAL = 8


def _constant_seed() -> int:
    return 0


_seed_source: ContextVar[Callable[[], int]] = ContextVar(
    "tricord_data_seed_source", default=_constant_seed)


def default_seed() -> int:
    """The seed of whoever was given none: the same in every process, run after run.

    This is the one place where loaders, samplers and splits ask; ``seed_source`` replaces it.
    """
    return _seed_source.get()()


@contextmanager
def seed_source(source: Callable[[], int]) -> Iterator[None]:
    """Take default seeds from ``source`` for the duration of a ``with`` block.

    >>> with seed_source(lambda: 7):
    ...     default_seed()
    7
    """
    token = _seed_source.set(source)
    try:
        yield
    finally:
        _seed_source.reset(token)


def resolve_seed(generator: Any) -> int:
    """The seed that a ``generator`` argument stands for.

    Accepts None (the default seed), an integer, or an object with ``initial_seed()``.

    >>> resolve_seed(3)
    3
    """
    if generator is None:
        return default_seed()
    if isinstance(generator, (int, np.integer)) and not isinstance(generator, bool):
        return int(generator)
    initial_seed = getattr(generator, "initial_seed", None)
    if callable(initial_seed):
        return int(initial_seed())
    raise ArgumentError(
        f"generator: expected None, an integer seed or a Generator, got {type(generator).__name__}",
        hint="pass generator=42, or a Generator that has initial_seed()")


def _bits(seed: int, purpose: Purpose, high: int, low: int) -> np.random.Philox:
    """The counter block (high, low) is 2**128 draws long: neighbours never overlap."""
    return np.random.Philox(
        key=np.array([seed & _WORD, purpose], np.uint64),
        counter=np.array([0, 0, low & _WORD, high & _WORD], np.uint64))


def raw_words(count: int, seed: int, purpose: Purpose, high: int = 0, low: int = 0) -> np.ndarray:
    """``count`` random 64-bit words of one stream, as uint64."""
    return _bits(seed, purpose, high, low).random_raw(count)


def uniform(words: np.ndarray) -> np.ndarray:
    """Words as float64 in [0, 1), from their upper 53 bits."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(count: int, seed: int, purpose: Purpose, high: int = 0, low: int = 0) -> np.ndarray:
    """A random order of ``range(count)``, as int64: the rank of ``count`` random words.

    >>> sorted(permutation(4, 0, Purpose.SHUFFLE).tolist())
    [0, 1, 2, 3]
    """
    return np.argsort(raw_words(count, seed, purpose, high, low), kind="stable")


class SampleContext:
    """Which sample is being loaded; ``sample_rng()`` inside a data set reads it."""

    __slots__ = ("_rng", "epoch", "index", "seed")

    def __init__(self, seed: int, epoch: int, index: int = 0):
        self.seed = seed
        self.epoch = epoch
        self.move_to(index)

    def move_to(self, index: int) -> None:
        self.index = index
        self._rng: np.random.Generator | None = None

    def rng(self) -> np.random.Generator:
        # Made on demand: a data set without augmentation does not pay for it.
        if self._rng is None:
            self._rng = np.random.Generator(
                _bits(self.seed, Purpose.SAMPLE, self.epoch, self.index))
        return self._rng


def seed_global_generators(seed: int, purpose: Purpose, epoch: int, index: int) -> None:
    """Key Python's and numpy's global generators, for code that draws from them."""
    word = int(raw_words(1, seed, purpose, epoch, index)[0])
    random.seed(word)
    np.random.seed(word & 0xFFFFFFFF)  # noqa: NPY002 - the legacy state is what users draw from


current_sample: ContextVar[SampleContext | None] = ContextVar("tricord_data_sample", default=None)


def sample_rng() -> np.random.Generator:
    """The numpy Generator that belongs to the sample being loaded.

    Call it inside ``Dataset.__getitem__`` or a transform. Its numbers depend on the loader's seed,
    the epoch and the sample's index, never on workers, threads or the order of loading. Outside a
    loader it is a fresh stream of the default seed, the same at every call.
    """
    sample = current_sample.get()
    if sample is not None:
        return sample.rng()
    return np.random.Generator(_bits(default_seed(), Purpose.STANDALONE, 0, 0))


def standalone_rng(name_key: int, call: int) -> np.random.Generator:
    """A stream for something random that is called by hand, outside a loader."""
    return np.random.Generator(_bits(default_seed(), Purpose.STANDALONE, name_key, call))


def global_generators_state() -> tuple:
    """A fingerprint of Python's and numpy's global generators: did somebody draw from them?"""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - looked at, not drawn from
    state = legacy["state"]
    return (random.getstate(), state["pos"], state["key"].tobytes(), legacy["has_gauss"])

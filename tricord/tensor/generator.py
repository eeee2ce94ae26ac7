"""Where random tensors come from: generators, and the default one of each thread.

A generator is a seed and a count of draws. Each draw is a function of the two (Philox, inside the
program), so numbers do not depend on when, in which order or by which thread they are computed.

All draws of one segment share one small operand, the seed and the count at the segment's first
draw, and differ by a static ordinal; that way a training step with dropout records the same nodes
each time round, with another key.

Threads: each has a default generator of its own, and all start from the same seed. One generator
may serve several threads; then no draw is given twice, but who gets which is a matter of timing.

Traced functions (`vmap`, `scan`, `checkpoint`, ...) run once, so what is drawn in there is one
draw: the same numbers for all examples of a vmap and all steps of a scan, and again when a
checkpoint computes its values a second time. For different ones draw outside, with one more axis.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..functions import random as composites
from ..ir.dtypes import as_dtype, float32, int64
from ..ir.evaluate import Program
from ..ir.graph import make_input
from ..ir.node import Node
from .handle import Handle
from .recorder import record, state, value_of, wrap

__all__ = ["DEFAULT_SEED", "Generator", "default_generator", "replace_default"]

DEFAULT_SEED = 0
_WORD = 0xFFFFFFFF
_64 = (1 << 64) - 1


class Generator:
    """A seeded source of random tensors.

    >>> a = Generator(7).uniform((3,))
    >>> a.tolist() == Generator(7).uniform((3,)).tolist()
    True
    """

    def __init__(self, seed: Any = DEFAULT_SEED, device: Any = None):
        # PyTorch's first argument is a device: Generator("cpu").
        self._seed = DEFAULT_SEED if isinstance(seed, str) else _checked_seed(seed)
        self._draws = 0
        self._key: Handle | None = None
        self._base = 0
        self._lock = threading.Lock()
        self.device = "cpu"

    # ---- state

    def manual_seed(self, seed: int) -> Generator:
        """Start again from this seed."""
        self._seed = _checked_seed(seed)
        self._draws = 0
        self._key = None
        return self

    def seed(self) -> int:
        """Start again from a seed of the operating system's; returns it."""
        self.manual_seed(int.from_bytes(os.urandom(7), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """The seed this generator started from."""
        return self._seed

    @property
    def draws(self) -> int:
        """How many draws have been made since."""
        return self._draws

    def get_state(self) -> Any:
        """Seed and count of draws as 16 bytes."""
        words = np.array([self._seed & _64, self._draws & _64], np.uint64)
        return wrap(words.view(np.uint8))  # type: ignore[no-any-return]

    def set_state(self, state: Any) -> Generator:
        """Continue from a state that `get_state` gave."""
        raw = np.asarray(state)
        if raw.dtype != np.uint8 or raw.shape != (16,):
            raise ArgumentError("set_state: expected the 16 bytes that get_state gave, got "
                                f"{raw.dtype} of shape {raw.shape}")
        seed, draws = (int(w) for w in np.ascontiguousarray(raw).view(np.uint64))
        self._seed, self._draws, self._key = seed, draws, None
        return self

    def clone_state(self) -> Generator:
        """Another generator that will give the same numbers."""
        return Generator(0).set_state(self.get_state())

    def __repr__(self) -> str:
        return f"<Generator seed={self._seed} draws={self._draws}>"

    def __deepcopy__(self, memo: Any) -> Generator:
        return self.clone_state()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._seed, self._draws)

    # ---- drawing

    def next_key(self) -> tuple[Handle, int]:
        """The key operand and the ordinal of the next draw."""
        with self._lock:
            key = self._key
            if key is None or key._segment is not state.segment:
                key = self._key = wrap(self._words())
                self._base = self._draws
                if state.watch is not None:
                    state.watch.drew(self, key, self._draws)
            ordinal = self._draws - self._base
            self._draws += 1
        return key, ordinal

    def _words(self) -> np.ndarray[Any, Any]:
        draws = self._draws
        return np.array([self._seed & _WORD, (self._seed >> 32) & _WORD, draws & _WORD,
                         (draws >> 32) & _WORD], np.uint32)

    def key_of_draws(self, count: int) -> np.ndarray[Any, Any]:
        """The value of the key operand of a program that makes ``count`` draws; they count."""
        with self._lock:
            words = self._words()
            self._draws += count
            self._key = None
        return words

    def draw(self, function: Callable[..., Node], static: tuple[Any, ...] = (),
             operands: Sequence[Handle] = ()) -> Any:
        """Record ``function(key, *operands, ordinal, *static)``: one draw.

        ``function`` is a module-level function on nodes, ``static`` hashable.
        """
        key, ordinal = self.next_key()
        return record(function, (key, *operands), (ordinal, *static))

    def sample(self, function: Callable[..., Node], shape: Sequence[int],
               *static: Any) -> np.ndarray[Any, Any]:
        """The numbers of one draw at once, in numpy: ``function(key, shape, ordinal, *static)``.

        For initial values, which are wanted before there is a program to compile.
        """
        key, ordinal = self.next_key()
        node = function(make_input(0, key._type), tuple(shape), ordinal, *static)
        result: np.ndarray[Any, Any] = Program([node])([value_of(key)])[0]
        return result

    def uniform(self, shape: Sequence[int], low: float = 0.0, high: float = 1.0,
                dtype: Any = float32) -> Any:
        """Uniform numbers in [low, high)."""
        return self.draw(_uniform, (tuple(shape), low, high, as_dtype(dtype)))

    def normal(self, shape: Sequence[int], mean: float = 0.0, std: float = 1.0,
               dtype: Any = float32) -> Any:
        """Normal numbers."""
        return self.draw(_normal, (tuple(shape), mean, std, as_dtype(dtype)))

    def truncated_normal(self, shape: Sequence[int], mean: float = 0.0, std: float = 1.0,
                         low: float = -2.0, high: float = 2.0, dtype: Any = float32) -> Any:
        """Normal numbers within [low, high]."""
        return self.draw(_truncated_normal, (tuple(shape), mean, std, low, high, as_dtype(dtype)))

    def randint(self, low: int, high: int, shape: Sequence[int], dtype: Any = int64) -> Any:
        """Whole numbers in [low, high)."""
        return self.draw(_randint, (tuple(shape), low, high, as_dtype(dtype)))

    def permutation(self, size: int, dtype: Any = int64) -> Any:
        """The numbers 0 ... size - 1 in random order."""
        return self.draw(_permutation, (size, as_dtype(dtype)))

    def bernoulli(self, p: Handle | float, shape: Sequence[int] | None = None,
                  dtype: Any = None) -> Any:
        """1 with probability ``p``, else 0; one per element of ``p`` if that is a tensor."""
        wanted = None if dtype is None else as_dtype(dtype)
        if isinstance(p, Handle):
            return self.draw(_bernoulli, (None if shape is None else tuple(shape), wanted), (p,))
        return self.draw(_bernoulli_of, (p, tuple(shape or ()), wanted))

    def mask(self, shape: Sequence[int], rate: float) -> Any:
        """Bools, false with probability ``rate``."""
        return self.draw(_mask, (tuple(shape), rate))

    def exponential(self, shape: Sequence[int], rate: float = 1.0, dtype: Any = float32) -> Any:
        """Exponentially distributed numbers."""
        return self.draw(_exponential, (tuple(shape), rate, as_dtype(dtype)))

    def gumbel(self, shape: Sequence[int], dtype: Any = float32) -> Any:
        """Gumbel distributed numbers."""
        return self.draw(_gumbel, (tuple(shape), as_dtype(dtype)))

    def multinomial(self, weights: Handle, samples: int, replacement: bool = False) -> Any:
        """Indices with probability proportional to ``weights`` along the last axis."""
        return self.draw(_multinomial, (samples, replacement), (weights,))

    def poisson(self, rates: Handle) -> Any:
        """Counts with these expectations."""
        return self.draw(_poisson, (), (rates,))


def _checked_seed(seed: Any) -> int:
    if isinstance(seed, float) and not seed.is_integer():
        raise ArgumentError(f"manual_seed: the seed must be a whole number, got {seed}")
    number = int(seed)
    if not -(1 << 63) <= number <= _64:
        raise ArgumentError(f"manual_seed: the seed must fit into 64 bits, got {number}")
    return number & _64


def _rebuilt(seed: int, draws: int) -> Generator:
    made = Generator(seed)
    made._draws = draws
    return made


# ---- what is recorded: key, then operands, then the ordinal and the rest

def _uniform(key: Node, ordinal: int, shape: Any, low: float, high: float, dtype: Any) -> Node:
    return composites.uniform(key, shape, ordinal, low, high, dtype)


def _normal(key: Node, ordinal: int, shape: Any, mean: float, std: float, dtype: Any) -> Node:
    return composites.normal(key, shape, ordinal, mean, std, dtype)


def _truncated_normal(key: Node, ordinal: int, shape: Any, *rest: Any) -> Node:
    return composites.truncated_normal(key, shape, ordinal, *rest)


def _randint(key: Node, ordinal: int, shape: Any, low: int, high: int, dtype: Any) -> Node:
    return composites.randint_as(key, shape, ordinal, low, high, dtype)


def _permutation(key: Node, ordinal: int, size: int, dtype: Any) -> Node:
    return composites.permutation(key, size, ordinal, dtype)


def _bernoulli(key: Node, p: Node, ordinal: int, shape: Any, dtype: Any) -> Node:
    return composites.bernoulli(key, p, shape, ordinal, dtype)


def _bernoulli_of(key: Node, ordinal: int, p: float, shape: Any, dtype: Any) -> Node:
    return composites.bernoulli(key, p, shape, ordinal, dtype)


def _mask(key: Node, ordinal: int, shape: Any, rate: float) -> Node:
    return composites.dropout_mask(key, shape, ordinal, rate)


def _exponential(key: Node, ordinal: int, shape: Any, rate: float, dtype: Any) -> Node:
    return composites.exponential(key, shape, ordinal, rate, dtype)


def _gumbel(key: Node, ordinal: int, shape: Any, dtype: Any) -> Node:
    return composites.gumbel(key, shape, ordinal, dtype)


def _multinomial(key: Node, weights: Node, ordinal: int, samples: int, replacement: bool) -> Node:
    return composites.multinomial(key, weights, samples, replacement, ordinal)


def _poisson(key: Node, rates: Node, ordinal: int) -> Node:
    return composites.poisson(key, rates, ordinal)


# ---- the default generator of each thread

class _Default(threading.local):
    def __init__(self) -> None:
        self.generator = Generator()


_default = _Default()


def default_generator() -> Generator:
    """This thread's generator. Every thread starts with the same seed, so that what a thread
    computes does not depend on which others there are."""
    return _default.generator


def replace_default(generator: Generator) -> Generator:
    """Let this thread draw from another generator; returns the one it drew from."""
    before = _default.generator
    _default.generator = generator
    return before

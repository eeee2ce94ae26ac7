"""keras.random: random tensors by seed; SeedGenerator for a stream of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..functions import dropout as dropouts
from ..ir.dtypes import as_dtype
from ..random import Generator, default_generator
from ..tensor.recorder import value_of, wrap
from . import config
from ._arguments import Checked, checked
from ._module import names_of
from ._operation import as_tensor
from .initializers import fresh_seed

__all__ = ["SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal",
           "randint", "shuffle", "truncated_normal", "uniform"]


class SeedGenerator(metaclass=Checked):
    """A stream of random numbers that starts from a seed.

    >>> a, b = SeedGenerator(3), SeedGenerator(3)
    >>> uniform((2,), seed=a).tolist() == uniform((2,), seed=b).tolist()
    True
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise ArgumentError(f"Argument `seed` must be an integer. Received: seed={seed}")
        self._initial_seed = seed
        self.name = name or "seed_generator"
        self.generator = Generator(fresh_seed() if seed is None else int(seed))

    def next_generator(self) -> Generator:
        """The generator, which moves on as it is drawn from."""
        return self.generator

    def next(self, ordered: bool = True) -> Any:
        """A seed, another one each time."""
        self.generator.next_key()
        return self.generator.initial_seed() + self.generator.draws

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._initial_seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    @staticmethod
    def of(seed: Any) -> Any:
        """A function that gives the generator to draw from: the thread's, if there is no seed."""
        if seed is None:
            return default_generator
        own = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)
        return own.next_generator


def _generator(seed: Any) -> Generator:
    if seed is None:
        return default_generator()
    if isinstance(seed, SeedGenerator):
        return seed.generator
    return Generator(int(seed))


def _dtype(dtype: Any) -> Any:
    return as_dtype(config.standardize_dtype(dtype))


@checked
def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None,
           seed: Any = None) -> Any:
    """Normal numbers."""
    return _generator(seed).normal(tuple(shape), float(mean), float(stddev), _dtype(dtype))


@checked
def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None,
            seed: Any = None) -> Any:
    """Uniform numbers."""
    return _generator(seed).uniform(tuple(shape), float(minval), float(maxval), _dtype(dtype))


@checked
def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None,
                     seed: Any = None) -> Any:
    """Normal numbers within two deviations."""
    drawn = _generator(seed).truncated_normal(tuple(shape), dtype=_dtype(dtype))
    return drawn * float(stddev) + float(mean)


@checked
def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Whole numbers in [minval, maxval)."""
    return _generator(seed).randint(int(minval), int(maxval), tuple(shape), _dtype(dtype))


@checked
def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Classes with the probabilities of these logits."""
    weights = as_tensor(logits).softmax(-1)
    return _generator(seed).multinomial(weights, num_samples, True).to(_dtype(dtype))


def _dropped(key: Any, x: Any, ordinal: int, rate: float, shape: Any) -> Any:
    return dropouts.dropout(x, key, ordinal, rate, shape)


@checked
def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Elements zero with probability ``rate``."""
    shape = None if noise_shape is None else tuple(noise_shape)
    return _generator(seed).draw(_dropped, (float(rate), shape), (as_tensor(inputs),))


@checked
def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """In random order along an axis."""
    x = as_tensor(x)
    order = _generator(seed).permutation(x.shape[axis])
    return x.index_select(axis, order)


def _numpy(seed: Any) -> np.random.Generator:
    generator = _generator(seed)
    generator.next_key()
    return np.random.default_rng([generator.initial_seed(), generator.draws])


@checked
def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Gamma distributed numbers."""
    return wrap(_numpy(seed).gamma(_values(alpha), size=tuple(shape)).astype(_dtype(dtype).numpy))


@checked
def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Beta distributed numbers."""
    drawn = _numpy(seed).beta(_values(alpha), _values(beta), size=tuple(shape))
    return wrap(drawn.astype(_dtype(dtype).numpy))


@checked
def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None,
             seed: Any = None) -> Any:
    """How many of so many tries succeed."""
    drawn = _numpy(seed).binomial(np.asarray(_values(counts), np.int64), _values(probabilities),
                                  size=tuple(shape))
    return wrap(drawn.astype(_dtype(dtype).numpy))


def _values(x: Any) -> Any:
    return value_of(as_tensor(x))


__getattr__ = names_of(__name__, __all__)

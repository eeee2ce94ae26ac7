"""Functions of `tf.random`: numbers from tricord's counter-based generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import random as native
from ..errors import ArgumentError, DTypeError
from ..functions import random as composites
from ..functions.activation import softmax
from ..ir.dtypes import DType, float32, int32, int64
from ..ir.node import Node
from ..ir.ops.indexing import take
from ..random import Generator as _Native
from ..tensor.recorder import value_of, wrap
from . import array_ops, math_ops
from ._names import explain_keywords
from ._op import op
from .dtypes import as_dtype
from .random_state import generator_for, global_seed, set_seed
from .tensors import EagerTensor, apply, array_of, cast_to, convert, static_ints, where_now

__all__ = ["Algorithm", "Generator", "categorical", "create_rng_state", "gamma",
           "get_global_generator", "get_seed", "normal", "poisson", "set_global_generator",
           "set_seed", "shuffle", "stateless_normal", "stateless_truncated_normal",
           "stateless_uniform", "truncated_normal", "uniform"]


class Algorithm:
    PHILOX, THREEFRY, AUTO_SELECT = 1, 2, 3


def _sizes(shape: Any) -> tuple[int, ...]:
    found = static_ints(shape, "shape")
    return (found,) if isinstance(found, int) else tuple(found)


def _eager(found: Any) -> Any:
    if found.__class__ is not EagerTensor:
        found.__class__ = EagerTensor
    return found


def _scaled(drawn: Any, scale: Any, shift: Any, dtype: DType) -> Any:
    """``drawn * scale + shift`` where they are not one and zero."""
    if not (scale.__class__ in (int, float) and scale == 1):
        drawn = math_ops.multiply(drawn, convert(array_of(scale, dtype)) if scale.__class__ in (
            int, float) else cast_to(convert(scale), dtype))
    if not (shift.__class__ in (int, float) and shift == 0):
        drawn = math_ops.add(drawn, convert(array_of(shift, dtype)) if shift.__class__ in (
            int, float) else cast_to(convert(shift), dtype))
    return drawn


def _float_dtype(dtype: Any, what: str) -> DType:
    wanted = as_dtype(dtype)
    if not wanted.is_floating_point:
        raise DTypeError(f"{what}: takes floating dtypes, got {wanted.name}", where=where_now())
    return wanted


def _draw_normal(generator: _Native, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Any:
    wanted = _float_dtype(dtype, "normal")
    return _scaled(_eager(generator.normal(_sizes(shape), 0.0, 1.0, wanted)), stddev, mean, wanted)


def _draw_truncated(generator: _Native, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Any:
    wanted = _float_dtype(dtype, "truncated_normal")
    drawn = generator.truncated_normal(_sizes(shape), dtype=wanted)
    return _scaled(_eager(drawn), stddev, mean, wanted)


def _draw_uniform(generator: _Native, shape: Any, minval: Any, maxval: Any, dtype: Any) -> Any:
    wanted = as_dtype(dtype)
    if wanted.is_floating_point:
        high = 1 if maxval is None else maxval
        plain = all(v.__class__ in (int, float) for v in (minval, high))
        if plain:
            return _eager(generator.uniform(_sizes(shape), float(minval), float(high), wanted))
        drawn = _eager(generator.uniform(_sizes(shape), 0.0, 1.0, wanted))
        low, top = (cast_to(convert(v), wanted) for v in (minval, high))
        return math_ops.add(math_ops.multiply(drawn, math_ops.subtract(top, low)), low)
    if maxval is None:
        raise ArgumentError(f"Must specify maxval for integer dtype {wanted.name}",
                            where=where_now())
    low, top = static_ints(minval, "uniform"), static_ints(maxval, "uniform")
    return _eager(generator.randint(low, top, _sizes(shape), wanted))


@op(random=True, name="random_normal")
def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: Any = None
           ) -> Any:
    """Normal numbers."""
    return _draw_normal(generator_for(seed), shape, mean, stddev, dtype)


@op(random=True, name="truncated_normal")
def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
                     seed: Any = None) -> Any:
    """Normal numbers within two deviations."""
    return _draw_truncated(generator_for(seed), shape, mean, stddev, dtype)


@op(random=True, name="random_uniform")
def uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: Any = None
            ) -> Any:
    """Uniform numbers in ``[minval, maxval)``; ``maxval`` is 1 for floats."""
    return _draw_uniform(generator_for(seed), shape, minval, maxval, dtype)


@op(random=True, name="RandomShuffle")
def shuffle(value: Any, seed: Any = None) -> Any:
    """The slices along the first axis in random order."""
    x = convert(value)
    return _eager(generator_for(seed).draw(_shuffled, (), (x,)))


def _shuffled(key: Node, x: Node, ordinal: int) -> Node:
    return take(x, composites.permutation(key, x.shape[0], ordinal), 0)


@op(random=True, name="Multinomial")
def categorical(logits: Any, num_samples: Any, dtype: Any = int64, seed: Any = None) -> Any:
    """Classes drawn by unnormalised log-probabilities, one row each."""
    weights = apply(softmax, (convert(logits),))
    found = generator_for(seed).multinomial(weights, static_ints(num_samples, "categorical"), True)
    return cast_to(_eager(found), as_dtype(dtype))


@op(random=True, name="RandomPoisson")
def poisson(shape: Any, lam: Any, dtype: Any = float32, seed: Any = None) -> Any:
    """Counts with the expectation ``lam``; ``shape`` comes before that of ``lam``."""
    rates = convert(lam)
    spread = array_ops.broadcast_to(rates, [*_sizes(shape), *rates.shape])
    return cast_to(_eager(generator_for(seed).poisson(spread)), as_dtype(dtype))


def gamma(shape: Any, alpha: Any, beta: Any = None, dtype: Any = float32, seed: Any = None) -> Any:
    """Not supported."""
    raise ArgumentError("tf.random.gamma is not supported by tricord",
                        hint="numpy.random.Generator.gamma and tf.constant")


# ---- stateless: the numbers follow from the seed alone

def _of_seed(seed: Any) -> _Native:
    words = value_of(seed) if hasattr(seed, "_type") else np.asarray(seed)
    if words.shape != (2,):
        raise ArgumentError(f"seed must have shape [2], got {words.shape}", where=where_now())
    low, high = (int(w) & 0xFFFFFFFF for w in words)
    return _Native(low | high << 31)


@op
def stateless_normal(shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0,
                     dtype: Any = float32, alg: Any = "auto_select") -> Any:
    """Normal numbers, the same for the same seed."""
    return _draw_normal(_of_seed(seed), shape, mean, stddev, dtype)


@op
def stateless_truncated_normal(shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0,
                               dtype: Any = float32, alg: Any = "auto_select") -> Any:
    """Normal numbers within two deviations, the same for the same seed."""
    return _draw_truncated(_of_seed(seed), shape, mean, stddev, dtype)


@op
def stateless_uniform(shape: Any, seed: Any, minval: Any = 0, maxval: Any = None,
                      dtype: Any = float32, alg: Any = "auto_select") -> Any:
    """Uniform numbers, the same for the same seed."""
    return _draw_uniform(_of_seed(seed), shape, minval, maxval, dtype)


# ---- generators

class Generator:
    """A source of random numbers with a state of its own.

    >>> a, b = Generator.from_seed(1), Generator.from_seed(1)
    >>> a.normal([3]).numpy().tolist() == b.normal([3]).numpy().tolist()
    True
    """

    def __init__(self, copy_from: Any = None, state: Any = None, alg: Any = None,
                 native: _Native | None = None):
        if copy_from is not None:
            self._native = copy_from._native.clone_state()
        elif state is not None:
            self._native = _Native(int(np.asarray(state).reshape(-1)[0]))
        else:
            self._native = native or _Native(0)

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Generator:
        """A generator that starts from this seed."""
        return cls(native=_Native(int(seed)))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that starts from a seed of the operating system's."""
        source = _Native(0)
        source.seed()
        return cls(native=source)

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        return cls(state=state)

    @property
    def state(self) -> Any:
        """Seed and number of draws."""
        return wrap(np.array([self._native.initial_seed(), self._native.draws, 0], np.int64),
                    EagerTensor)

    def reset_from_seed(self, seed: int) -> None:
        self._native.manual_seed(int(seed))

    def split(self, count: int = 1) -> list[Generator]:
        """Generators that do not depend on one another."""
        seeds = value_of(self._native.randint(0, 1 << 30, (count,)))
        return [Generator.from_seed(int(s)) for s in seeds]

    def normal(self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
               name: str | None = None) -> Any:
        """Normal numbers."""
        return _draw_normal(self._native, shape, mean, stddev, dtype)

    def truncated_normal(self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0,
                         dtype: Any = float32, name: str | None = None) -> Any:
        """Normal numbers within two deviations."""
        return _draw_truncated(self._native, shape, mean, stddev, dtype)

    def uniform(self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32,
                name: str | None = None) -> Any:
        """Uniform numbers."""
        return _draw_uniform(self._native, shape, minval, maxval, dtype)

    def uniform_full_int(self, shape: Any, dtype: Any = int32, name: str | None = None) -> Any:
        """Whole numbers over the whole range of a dtype."""
        info = np.iinfo(as_dtype(dtype).numpy)
        return _draw_uniform(self._native, shape, int(info.min), int(info.max), dtype)

    def make_seeds(self, count: int = 1) -> Any:
        """Seeds for the stateless functions, one column each."""
        return cast_to(_eager(self._native.randint(0, 1 << 30, (2, count))), int64)


def get_global_generator() -> Generator:
    """The generator behind the functions of this module."""
    return Generator(native=native.default_generator())


def set_global_generator(generator: Generator) -> None:
    """Let the functions of this module draw from a copy of this generator."""
    native.set_state(generator._native.get_state())


def create_rng_state(seed: int, alg: Any = None) -> Any:
    return wrap(np.array([int(seed), 0, 0], np.int64), EagerTensor)


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The global seed and this one."""
    return global_seed(), op_seed


explain_keywords(globals())

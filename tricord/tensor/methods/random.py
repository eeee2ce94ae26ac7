"""Methods that fill a tensor with random numbers, in place, as PyTorch names them."""

from __future__ import annotations

import operator
from typing import Any

from ...errors import ArgumentError, DTypeError
from ...functions import random as fn
from ...ir.dtypes import float32, float64, iinfo
from ...ir.node import Node
from ...ir.ops.elementwise import exp
from ..generator import Generator, default_generator
from ..handle import Handle
from ..views import write

__all__ = ["RandomMethods"]


def _wide(x: Node) -> Any:
    """The dtype to draw in: the tensor's own if it is floating."""
    return x.dtype if x.dtype.is_floating_point else float32


def _uniform(x: Node, key: Node, ordinal: int, low: float, high: float) -> Node:
    return fn.uniform(key, x.shape, ordinal, low, high, _wide(x))


def _normal(x: Node, key: Node, ordinal: int, mean: float, std: float) -> Node:
    return fn.normal(key, x.shape, ordinal, mean, std, _wide(x))


def _log_normal(x: Node, key: Node, ordinal: int, mean: float, std: float) -> Node:
    return exp(fn.normal(key, x.shape, ordinal, mean, std, _wide(x)))


def _exponential(x: Node, key: Node, ordinal: int, rate: float) -> Node:
    return fn.exponential(key, x.shape, ordinal, rate, _wide(x))


def _geometric(x: Node, key: Node, ordinal: int, p: float) -> Node:
    return fn.geometric(key, x.shape, p, ordinal, x.dtype)


def _cauchy(x: Node, key: Node, ordinal: int, median: float, sigma: float) -> Node:
    return fn.cauchy(key, x.shape, median, sigma, ordinal, _wide(x))


def _bernoulli(x: Node, key: Node, ordinal: int, p: float) -> Node:
    return fn.bernoulli(key, p, x.shape, ordinal, x.dtype)


def _bernoulli_each(x: Node, key: Node, p: Node, ordinal: int) -> Node:
    return fn.bernoulli(key, p, x.shape, ordinal, x.dtype)


def _integers(x: Node, key: Node, ordinal: int, low: int, high: int) -> Node:
    return fn.randint_as(key, x.shape, ordinal, low, high, x.dtype)


def _drawn(handle: Any, generator: Generator | None, function: Any, *static: Any) -> Any:
    key, ordinal = (generator or default_generator()).next_key()
    return write(handle, function, (key,), (ordinal, *static))


def _floating(handle: Any, name: str) -> None:
    if not handle.dtype.is_floating_point:
        raise DTypeError(f"{name}: expects a floating tensor, got {handle.dtype}",
                         hint="random_ fills integers")


class RandomMethods(Handle):
    """Random fills; each takes ``generator``, the thread's own by default."""

    def uniform_(self, from_: float = 0.0, to: float = 1.0, *,
                 generator: Generator | None = None, **keywords: Any) -> Any:
        """Uniform numbers in [from, to)."""
        if keywords:  # `from` is a word of Python's, but may come by ** from a dict
            from_ = keywords.pop("from", from_)
            _none_left("uniform_", keywords)
        _floating(self, "uniform_")
        return _drawn(self, generator, _uniform, float(from_), float(to))

    def normal_(self, mean: float = 0.0, std: float = 1.0, *,
                generator: Generator | None = None) -> Any:
        """Normal numbers."""
        _floating(self, "normal_")
        return _drawn(self, generator, _normal, float(mean), float(std))

    def log_normal_(self, mean: float = 1.0, std: float = 2.0, *,
                    generator: Generator | None = None) -> Any:
        """Numbers whose logarithm is normal."""
        _floating(self, "log_normal_")
        return _drawn(self, generator, _log_normal, float(mean), float(std))

    def exponential_(self, lambd: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Exponentially distributed numbers with that rate."""
        _floating(self, "exponential_")
        return _drawn(self, generator, _exponential, float(lambd))

    def geometric_(self, p: float, *, generator: Generator | None = None) -> Any:
        """Numbers of trials until the first success."""
        return _drawn(self, generator, _geometric, float(p))

    def cauchy_(self, median: float = 0.0, sigma: float = 1.0, *,
                generator: Generator | None = None) -> Any:
        """Cauchy distributed numbers."""
        _floating(self, "cauchy_")
        return _drawn(self, generator, _cauchy, float(median), float(sigma))

    def bernoulli(self, p: float | None = None, *, generator: Generator | None = None) -> Any:
        """1 with the probability that stands in this tensor, or ``p``; else 0."""
        source = generator or default_generator()
        if p is None:
            return source.bernoulli(self)
        return source.bernoulli(float(p), tuple(self.shape), self.dtype)

    def bernoulli_(self, p: Any = 0.5, *, generator: Generator | None = None) -> Any:
        """1 with probability ``p``, a number or a tensor with one for each element; else 0."""
        if isinstance(p, Handle):
            key, ordinal = (generator or default_generator()).next_key()
            return write(self, _bernoulli_each, (key, p), (ordinal,))
        return _drawn(self, generator, _bernoulli, float(p))

    def random_(self, *bounds: int, to: int | None = None, generator: Generator | None = None,
                **keywords: Any) -> Any:
        """Whole numbers: ``random_(to)``, ``random_(from, to)``, or all that the dtype can hold."""
        low, high = 0, to
        if len(bounds) == 2:
            low, high = bounds
        elif len(bounds) == 1 and to is None:
            high = bounds[0]
        elif bounds:
            low = bounds[0]
        low = keywords.pop("from", low)
        _none_left("random_", keywords)
        if high is None:
            high = _largest(self.dtype) + 1
        return _drawn(self, generator, _integers, int(low), int(high))

    def multinomial(self, num_samples: int, replacement: bool = False, *,
                    generator: Generator | None = None) -> Any:
        """Indices with probability proportional to the elements along the last axis."""
        source = generator or default_generator()
        return source.multinomial(self, operator.index(num_samples), replacement)


def _largest(dtype: Any) -> int:
    """The largest whole number up to which all are exact."""
    if dtype.kind in "iu":
        return iinfo(dtype).max
    return {"bool": 1, "float16": 1 << 11, "bfloat16": 1 << 8}.get(
        dtype.name, 1 << (53 if dtype is float64 else 24))


def _none_left(name: str, keywords: dict[str, Any]) -> None:
    if keywords:
        raise ArgumentError(f"{name}() got an unexpected keyword argument "
                            f"{next(iter(keywords))!r}")

"""Random numbers as functions of a key: the same key, shape and ordinal give the same numbers.

``key`` holds seed and draw number (see `ir.ops.random_bits`); two draws that share a key have
different ordinals. Draws of fewer or more elements with one key begin alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ArgumentError, ShapeError
from ..ir.dtypes import DType, bfloat16, float16, float32, float64, int64, uint64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast_to, expand_dims, move_axis, reshape, slice_
from ..ir.ops.random_bits import random_bits
from ..ir.ops.reduce import argmax, cumulative_sum, reduce_sum
from ..ir.ops.sort import argsort, top_k

__all__ = ["bernoulli", "dropout_mask", "exponential", "gumbel", "multinomial", "normal",
           "permutation", "poisson", "randint", "truncated_normal", "uniform", "unit"]

Shape = Sequence[int]

#: How many random bits a dtype can hold exactly in [0, 1).
_BITS = {float16: 11, bfloat16: 8, float32: 24, float64: 53}


def _words(key: Node, shape: Shape, ordinal: int, count: int) -> list[Node]:
    """That many arrays of random bits from one draw."""
    bits = random_bits(key, (count, *shape), ordinal)
    lead = bits.ndim - len(shape) - 1
    moved = move_axis(bits, lead, 0) if lead else bits
    return [_row(moved, i) for i in range(count)]


def _row(x: Node, index: int) -> Node:
    from_ = [index] + [0] * (x.ndim - 1)
    upto = [index + 1, *x.shape[1:]]
    return reshape(slice_(x, from_, upto), x.shape[1:])


def _unit_of(words: Sequence[Node], dtype: DType) -> Node:
    """In [0, 1), every multiple of 2**-bits equally likely."""
    bits = _BITS[dtype]
    if bits <= 32:
        [word] = words
        kept = ew.shift_right(word, ew.scalar_like(32 - bits, word))
        return ew.cast(kept, dtype) * 2.0 ** -bits
    high, low = (ew.cast(w, uint64) for w in words)
    both = ew.bitwise_or(ew.shift_left(high, ew.scalar_like(32, high)), low)
    return ew.cast(ew.shift_right(both, ew.scalar_like(11, both)), float64) * 2.0 ** -53


def unit(key: Node, shape: Shape, ordinal: int = 0, dtype: DType = float32) -> Node:
    """Uniform numbers in [0, 1)."""
    if dtype not in _BITS:
        raise ArgumentError(f"uniform: expected a floating dtype, got {dtype}")
    return _unit_of(_words(key, tuple(shape), ordinal, 2 if dtype is float64 else 1), dtype)


def uniform(key: Node, shape: Shape, ordinal: int = 0, low: float = 0.0, high: float = 1.0,
            dtype: DType = float32) -> Node:
    """Uniform numbers in [low, high)."""
    if low > high:
        raise ArgumentError(f"uniform: expects to return a [from, to) range, but found from={low} "
                            f"> to={high}")
    u = unit(key, shape, ordinal, dtype)
    return u if (low, high) == (0.0, 1.0) else u * (high - low) + low


def _pair_of_units(key: Node, shape: Shape, ordinal: int, dtype: DType) -> tuple[Node, Node]:
    each = 2 if dtype is float64 else 1
    words = _words(key, shape, ordinal, 2 * each)
    return _unit_of(words[:each], dtype), _unit_of(words[each:], dtype)


def standard_normal(key: Node, shape: Shape, ordinal: int = 0, dtype: DType = float32) -> Node:
    """Normal numbers with mean 0 and deviation 1 (Box and Muller 1958)."""
    wide = float64 if dtype is float64 else float32
    if dtype not in _BITS:
        raise ArgumentError(f"normal: expected a floating dtype, got {dtype}")
    u, v = _pair_of_units(key, tuple(shape), ordinal, wide)
    return ew.cast(ew.sqrt(ew.log(1 - u) * -2.0) * ew.cos(v * (2 * math.pi)), dtype)


def normal(key: Node, shape: Shape, ordinal: int = 0, mean: float = 0.0, std: float = 1.0,
           dtype: DType = float32) -> Node:
    """Normal numbers."""
    if std < 0:
        raise ArgumentError(f"normal: expects std >= 0.0, but found std {std}")
    z = standard_normal(key, shape, ordinal, dtype)
    z = z if std == 1 else z * std
    return z if mean == 0 else z + mean


def truncated_normal(key: Node, shape: Shape, ordinal: int = 0, mean: float = 0.0,
                     std: float = 1.0, low: float = -2.0, high: float = 2.0,
                     dtype: DType = float32) -> Node:
    """Normal numbers within [low, high], by the inverse of the distribution function."""
    wide = float64 if dtype is float64 else float32

    def below(value: float) -> float:
        return (1 + math.erf((value - mean) / (std * math.sqrt(2)))) / 2

    first, last = 2 * below(low) - 1, 2 * below(high) - 1
    u = uniform(key, shape, ordinal, first, last, wide)
    z = ew.erf_inverse(u) * (std * math.sqrt(2)) + mean
    z = ew.minimum(ew.maximum(z, ew.scalar_like(low, z)), ew.scalar_like(high, z))
    return ew.cast(z, dtype)


def randint(key: Node, shape: Shape, ordinal: int = 0, low: int = 0, high: int = 2,
            dtype: DType = int64) -> Node:
    """Whole numbers in [low, high)."""
    span = high - low
    if span <= 0:
        raise ArgumentError(f"randint: expects 'from' < 'to', but got from={low} >= to={high}")
    if span <= 1 << 24:
        [word] = _words(key, tuple(shape), ordinal, 1)
        wide = ew.cast(word, uint64)
        scaled = ew.shift_right(wide * span, ew.scalar_like(32, wide))
    else:
        a, b = (ew.cast(w, uint64) for w in _words(key, tuple(shape), ordinal, 2))
        both = ew.bitwise_or(ew.shift_left(a, ew.scalar_like(32, a)), b)
        scaled = both if span > 2 ** 64 - 1 else ew.remainder(both, ew.scalar_like(span, both))
    return ew.cast(ew.cast(scaled, int64) + low, dtype)


def permutation(key: Node, size: int, ordinal: int = 0, dtype: DType = int64) -> Node:
    """The numbers 0 ... size - 1 in random order."""
    a, b = (ew.cast(w, uint64) for w in _words(key, (size,), ordinal, 2))
    keys = ew.bitwise_or(ew.shift_left(a, ew.scalar_like(32, a)), b)
    return ew.cast(argsort(keys, axis=0), dtype)


def bernoulli(key: Node, p: Node | float, shape: Shape | None = None, ordinal: int = 0,
              dtype: DType | None = None) -> Node:
    """1 with probability ``p`` (a number, or one per element), else 0."""
    if isinstance(p, Node):
        shape = p.shape if shape is None else shape
        dtype = p.dtype if dtype is None else dtype
        wide = p.dtype if p.dtype in _BITS else float32
        bound = broadcast_to(ew.cast(p, wide), tuple(shape))
    else:
        wide = float32
        assert shape is not None
    u = unit(key, tuple(shape), ordinal, wide)
    bound = bound if isinstance(p, Node) else ew.scalar_like(p, u)
    hit = ew.less(u, bound)
    return ew.cast(hit, float32 if dtype is None else dtype)


def dropout_mask(key: Node, shape: Shape, ordinal: int, rate: float) -> Node:
    """True with probability ``1 - rate``; one 32-bit word per element."""
    word = random_bits(key, tuple(shape), ordinal)
    limit = min(round(rate * 2 ** 32), 2 ** 32 - 1)
    return ew.greater_equal(word, ew.scalar_like(limit, word))


def exponential(key: Node, shape: Shape, ordinal: int = 0, rate: float = 1.0,
                dtype: DType = float32) -> Node:
    """Waiting times between events that happen ``rate`` times per unit."""
    if rate <= 0:
        raise ArgumentError(f"exponential: expects lambda > 0.0, but found lambda={rate}")
    wide = float64 if dtype is float64 else float32
    return ew.cast(-ew.log1p(-unit(key, shape, ordinal, wide)) / rate, dtype)


def gumbel(key: Node, shape: Shape, ordinal: int = 0, dtype: DType = float32) -> Node:
    """``-log(-log(u))``: adding it to logits and taking the largest draws from their softmax."""
    wide = float64 if dtype is float64 else float32
    u = unit(key, shape, ordinal, wide)
    u = ew.maximum(u, ew.scalar_like(2.0 ** -(_BITS[wide] + 1), u))
    return ew.cast(-ew.log(-ew.log(u)), dtype)


def multinomial(key: Node, weights: Node, samples: int, replacement: bool = False,
                ordinal: int = 0) -> Node:
    """Indices drawn with probability proportional to ``weights`` along the last axis.

    Shapes:  weights (C,) or (N, C) -> (samples,) or (N, samples), int64
    """
    if weights.ndim not in (1, 2):
        raise ShapeError(f"multinomial: prob_dist must be 1 or 2 dim, got shape "
                         f"{tuple(weights.shape)}")
    if not weights.dtype.is_floating_point:
        raise ArgumentError(f"multinomial: only supports floating-point weights, got "
                            f"{weights.dtype}")
    classes = weights.shape[-1]
    if not replacement and samples > classes:
        raise ArgumentError("multinomial: cannot sample n_sample > prob_dist.size(-1) samples "
                            "without replacement", hint="replacement=True")
    logs = ew.log(ew.cast(weights, float64))
    if not replacement:
        return top_k(logs + gumbel(key, logs.shape, ordinal, float64), samples)[1]
    shape = (*logs.shape[:-1], samples, classes)
    noise = gumbel(key, shape, ordinal, float64)
    return argmax(broadcast_to(expand_dims(logs, logs.ndim - 1), shape) + noise,
                  axis=len(shape) - 1)


def poisson(key: Node, rates: Node, ordinal: int = 0) -> Node:
    """Counts of events with these expectations (at most 128 or so), by summing waiting times.

    For large rates a rounded normal approximation is used.
    """
    most = 128
    waits = exponential(key, (most, *rates.shape), ordinal, 1.0, float64)
    wide = ew.cast(rates, float64)
    passed = cumulative_sum(waits, axis=0) <= broadcast_to(wide, waits.shape)
    few = reduce_sum(ew.cast(passed, float64), (0,))
    z = standard_normal(key, rates.shape, ordinal, float64)
    many = ew.maximum(ew.round_(wide + z * ew.sqrt(wide)), ew.zeros_like(wide))
    return ew.cast(ew.where(wide < most / 2, few, many), rates.dtype)


def normal_around(key: Node, mean: Node | float, std: Node | float, ordinal: int = 0) -> Node:
    """Normal numbers around each element of ``mean``, with the deviations ``std``.

    At least one of the two is a node; they broadcast together.
    """
    like = mean + std
    assert isinstance(like, Node)
    return standard_normal(key, like.shape, ordinal, like.dtype) * std + mean


def geometric(key: Node, shape: Shape, p: float, ordinal: int = 0, dtype: DType = float32) -> Node:
    """How many trials until the first success, each with probability ``p``."""
    if not 0 < p < 1:
        raise ArgumentError(f"geometric: expects p to be in (0, 1), but got p={p}")
    u = unit(key, shape, ordinal, float64)
    counts = ew.floor(ew.log1p(-u) / math.log1p(-p)) + 1.0
    return ew.cast(counts, dtype)


def cauchy(key: Node, shape: Shape, median: float = 0.0, sigma: float = 1.0, ordinal: int = 0,
           dtype: DType = float32) -> Node:
    """Cauchy distributed numbers, by the inverse of the distribution function."""
    wide = float64 if dtype is float64 else float32
    u = unit(key, shape, ordinal, wide)
    return ew.cast(ew.tan((u - 0.5) * math.pi) * sigma + median, dtype)

"""Random numbers of many distributions, as plain functions of a key.

Each function makes exactly one draw of bits, so a program gives each call an ``ordinal`` of its own
and no two calls share bits (see `ir.ops.random_bits`). Narrow dtypes are computed in float32 and
rounded once. Where a parameter is a node, gradients flow to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..ir.arithmetic import as_node
from ..ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_,
    float16,
    float32,
    float64,
    iinfo,
    int32,
    int64,
    uint64,
)
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.indexing import take
from ..ir.ops.movement import broadcast_to, concatenate, reshape, slice_
from ..ir.ops.random_bits import random_bits
from ..ir.ops.reduce import cumulative_sum
from ..ir.ops.sort import argsort, searchsorted, top_k
from ..ir.source import user_location

__all__ = ["bernoulli", "exponential", "gumbel", "multinomial", "normal", "permutation", "randint",
           "shuffle", "truncated_normal", "uniform"]

Number = Node | float

#: Bits of a uniform number in [0, 1) that a dtype holds exactly.
_MANTISSA = {float16: 11, bfloat16: 8, float32: 24}


def _refused(message: str, hint: str | None = None) -> ArgumentError:
    return ArgumentError(message, hint=hint, where=str(user_location() or "") or None)


def _floating(what: str, dtype: DType | str) -> DType:
    found = as_dtype(dtype)
    if not found.is_floating_point:
        raise DTypeError(f"{what}: random numbers of a continuous distribution are floating, got "
                         f"{found}", where=str(user_location() or "") or None)
    return found


def _wide(dtype: DType) -> DType:
    return float64 if dtype is float64 else float32


# ---- bits to numbers

def _words(key: Node, shape: Sequence[int], count: int, ordinal: int) -> list[Node]:
    """``count`` arrays of bits from one draw."""
    bits = random_bits(key, (count, *shape), ordinal)
    if count == 1:
        return [reshape(bits, shape)]
    start, stop = [0] * bits.ndim, list(bits.shape)
    words = []
    for i in range(count):
        start[0], stop[0] = i, i + 1
        words.append(reshape(slice_(bits, start, stop), shape))
    return words


def _shifted(bits: Node, right: int) -> Node:
    return ew.shift_right(bits, ew.scalar_like(right, bits))


def _joined(high: Node, low: Node) -> Node:
    """64 bits of two times 32."""
    upper = ew.cast(high, uint64)
    return ew.bitwise_or(ew.shift_left(upper, ew.scalar_like(32, upper)), ew.cast(low, uint64))


def _unit(words: Sequence[Node], dtype: DType, bits: int) -> Node:
    """The upper ``bits`` of a word (of two for float64) as a fraction in [0, 1)."""
    if dtype is float64:
        whole = ew.cast(_shifted(_joined(*words), 64 - bits), float64)
    else:
        # As a signed number: it fits, and machines convert those faster.
        whole = ew.cast(ew.bitcast(_shifted(words[0], 32 - bits), dtype=int32), dtype)
    return whole * 2.0 ** -bits


def _words_per_number(dtype: DType) -> int:
    return 2 if dtype is float64 else 1


def _unit_open(key: Node, shape: Sequence[int], dtype: DType, ordinal: int) -> Node:
    """Uniform between 0 and 1 without either end."""
    bits = 52 if dtype is float64 else 23
    words = _words(key, shape, _words_per_number(dtype), ordinal)
    return _unit(words, dtype, bits) + 2.0 ** -(bits + 1)


def _unit_above_zero(words: Sequence[Node], dtype: DType) -> Node:
    """Uniform in (0, 1], with full resolution near zero, for logarithms."""
    if dtype is float64:
        return _unit(words, float64, 53) + 2.0 ** -54
    return ew.cast(words[0], float32) * 2.0 ** -32 + 2.0 ** -33


def _scaled(value: Node, scale: Number, offset: Number, dtype: DType) -> Node:
    """``value * scale + offset`` in ``dtype``, in the shape of ``value``."""
    shape = value.shape
    if isinstance(scale, Node) or scale != 1:
        value = value * scale
    if isinstance(offset, Node) or offset != 0:
        value = value + offset
    if value.shape != shape:
        raise _refused(f"random: parameters stretch the shape {tuple(shape)} to "
                       f"{tuple(value.shape)}", f"shape={tuple(value.shape)}")
    return ew.cast(value, dtype)


# ---- distributions

def uniform(key: Node, shape: Sequence[int], dtype: DType | str = float32, ordinal: int = 0,
            low: Number = 0.0, high: Number = 1.0) -> Node:
    """Uniform in ``[low, high)``: every multiple of 2**-24 (float64: 2**-53) is as likely.

    Shapes:  key (4,) -> shape; parameters broadcast to it
    Dtypes:  floating
    """
    dtype = _floating("uniform", dtype)
    words = _words(key, shape, _words_per_number(dtype), ordinal)
    unit = _unit(words, dtype, _MANTISSA.get(dtype, 53))
    if isinstance(low, Node) or isinstance(high, Node):
        return _scaled(unit, high - low, low, dtype)
    if (low, high) == (0, 1):
        return unit
    value = _scaled(unit, high - low, low, dtype)
    # The scaled number may round up to `high`, which is outside.
    below = np.nextafter(np.asarray(high, dtype.numpy), np.asarray(low, dtype.numpy))
    return ew.minimum(value, ew.scalar_like(below, value))


def normal(key: Node, shape: Sequence[int], dtype: DType | str = float32, ordinal: int = 0,
           mean: Number = 0.0, std: Number = 1.0) -> Node:
    """Normal, by the method of Box and Muller (1958): two numbers from each pair of uniforms.

    Shapes:  key (4,) -> shape; parameters broadcast to it
    Dtypes:  floating
    """
    dtype = _floating("normal", dtype)
    wide, count = _wide(dtype), math.prod(shape)
    half, each = (count + 1) // 2, _words_per_number(wide)
    words = _words(key, (half,), 2 * each, ordinal)
    radius = ew.sqrt(ew.log(_unit_above_zero(words[:each], wide)) * -2.0)
    angle = _unit(words[each:], wide, _MANTISSA.get(wide, 53)) * (2 * math.pi)
    both = concatenate([radius * ew.cos(angle), radius * ew.sin(angle)], 0)
    return _scaled(reshape(slice_(both, [0], [count]), shape), std, mean, dtype)


def truncated_normal(key: Node, shape: Sequence[int], dtype: DType | str = float32,
                     ordinal: int = 0, mean: Number = 0.0, std: Number = 1.0, low: float = -2.0,
                     high: float = 2.0) -> Node:
    """Normal, kept between ``mean + low*std`` and ``mean + high*std``; by the inverse of erf.

    An interval far out in one tail, beyond about 5 standard deviations, is drawn coarsely.

    Shapes:  key (4,) -> shape; parameters broadcast to it
    Dtypes:  floating
    """
    if not low < high:
        raise _refused(f"truncated_normal: low {low} must be less than high {high}")
    dtype = _floating("truncated_normal", dtype)
    wide = _wide(dtype)
    first, last = math.erf(low / math.sqrt(2)), math.erf(high / math.sqrt(2))
    share = _unit_open(key, shape, wide, ordinal) * (last - first) + first
    value = ew.erf_inverse(share) * math.sqrt(2)
    value = ew.minimum(ew.maximum(value, ew.scalar_like(low, value)), ew.scalar_like(high, value))
    return _scaled(value, std, mean, dtype)


def exponential(key: Node, shape: Sequence[int], dtype: DType | str = float32, ordinal: int = 0,
                scale: Number = 1.0) -> Node:
    """Exponential with mean ``scale``.

    Shapes:  key (4,) -> shape; scale broadcasts to it
    Dtypes:  floating
    """
    dtype = _floating("exponential", dtype)
    wide = _wide(dtype)
    words = _words(key, shape, _words_per_number(wide), ordinal)
    return _scaled(-ew.log(_unit_above_zero(words, wide)), scale, 0.0, dtype)


def gumbel(key: Node, shape: Sequence[int], dtype: DType | str = float32, ordinal: int = 0,
           location: Number = 0.0, scale: Number = 1.0) -> Node:
    """Gumbel: the distribution of ``-log(-log(u))``.

    Shapes:  key (4,) -> shape; parameters broadcast to it
    Dtypes:  floating
    """
    dtype = _floating("gumbel", dtype)
    share = _unit_open(key, shape, _wide(dtype), ordinal)
    return _scaled(-ew.log(-ew.log(share)), scale, location, dtype)


def bernoulli(key: Node, probability: Number, shape: Sequence[int] | None = None,
              dtype: DType | str = bool_, ordinal: int = 0) -> Node:
    """True (or 1) with the given probability; 0 never, 1 always.

    Shapes:  key (4,) -> shape, by default that of ``probability``, which broadcasts to it
    Dtypes:  any
    """
    if not isinstance(probability, Node) and not 0 <= probability <= 1:
        raise _refused(f"bernoulli: a probability lies between 0 and 1, got {probability}")
    if shape is None:
        shape = probability.shape if isinstance(probability, Node) else ()
    exact = float64 if isinstance(probability, Node) and probability.dtype is float64 else float32
    threshold = broadcast_to(as_node(probability, exact), shape)
    return ew.cast(ew.less(uniform(key, shape, exact, ordinal), threshold), as_dtype(dtype))


def randint(key: Node, shape: Sequence[int], low: int, high: int, dtype: DType | str = int64,
            ordinal: int = 0) -> Node:
    """Whole numbers in ``[low, high)``, each as likely up to one part in 2**64 times their number.

    64 random bits times the width of the range, of which the upper half is kept (Lemire, "Fast
    random integer generation in an interval", 2019, without its rejection step).

    Shapes:  key (4,) -> shape
    Dtypes:  any integer that holds the range
    """
    dtype = as_dtype(dtype)
    if dtype.kind not in "iu":
        raise DTypeError(f"randint: whole numbers have an integer dtype, got {dtype}",
                         where=str(user_location() or "") or None)
    if low >= high:
        raise _refused(f"randint: low {low} must be less than high {high}")
    info = iinfo(dtype)
    if low < info.min or high - 1 > info.max:
        raise _refused(f"randint: {low} ... {high - 1} does not fit into {dtype}",
                       "another dtype, or a narrower range")
    upper, lower = (ew.cast(w, uint64) for w in _words(key, shape, 2, ordinal))
    value = _upper_half(upper, lower, high - low) + (low & 0xFFFFFFFFFFFFFFFF)
    return value if dtype is uint64 else ew.cast(ew.bitcast(value, dtype=int64), dtype)


def _upper_half(upper: Node, lower: Node, width: int) -> Node:
    """``((upper * 2**32 + lower) * width) >> 64``, in 64-bit arithmetic."""
    if width == 1 << 64:
        return ew.bitwise_or(ew.shift_left(upper, ew.scalar_like(32, upper)), lower)
    if width <= 1 << 32:
        return _shifted(upper * width + _shifted(lower * width, 32), 32)
    high, low = width >> 32, width & 0xFFFFFFFF
    middle = upper * low + _shifted(lower * low, 32)
    rest = ew.bitwise_and(middle, ew.scalar_like(0xFFFFFFFF, middle)) + lower * high
    return upper * high + _shifted(middle, 32) + _shifted(rest, 32)


# ---- order and choice

def permutation(key: Node, size: int, ordinal: int = 0) -> Node:
    """The numbers 0 ... size-1 in random order, int64: the order of 64-bit random keys.

    Shapes:  key (4,) -> (size,)
    """
    return argsort(_joined(*_words(key, (size,), 2, ordinal)), axis=0)


def shuffle(key: Node, x: Node, axis: int = 0, ordinal: int = 0) -> Node:
    """``x`` with the parts along an axis in random order."""
    return take(x, permutation(key, x.shape[axis], ordinal), axis)


def multinomial(key: Node, weights: Node, count: int, replacement: bool = True,
                ordinal: int = 0) -> Node:
    """Positions drawn with probability proportional to ``weights``, int64.

    Without replacement no position is drawn twice, and those of weight zero come last.

    Shapes:  weights (..., n) -> (..., count)
    Dtypes:  weights real, not negative; they need not sum to one
    Raises:  ArgumentError if more are wanted than there are, without replacement
    """
    if not weights.ndim or not weights.shape[-1]:
        raise _refused(f"multinomial: nothing to draw from, weights have shape "
                       f"{tuple(weights.shape)}")
    size, last = weights.shape[-1], weights.ndim - 1
    mass = ew.cast(weights, float64)
    if not replacement:
        if count > size:
            raise _refused(f"multinomial: {count} of {size} without replacement",
                           "replacement=True")
        # Exponential race: the smallest of E / weight comes first with the right probability.
        race = exponential(key, weights.shape, float64, ordinal) / mass
        return top_k(race, count, last, largest=False)[1]
    steps = cumulative_sum(mass, axis=last)
    start = [*(0 for _ in weights.shape[:-1]), size - 1]
    total = slice_(steps, start, weights.shape)
    share = uniform(key, (*weights.shape[:-1], count), float64, ordinal) * total
    return searchsorted(steps, share, "right")

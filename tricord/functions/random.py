"""Random numbers of many distributions, as plain functions of a key.

``key`` holds a seed and the number of a draw (see `ir.ops.random_bits`): the same key, shape and
``ordinal`` give the same numbers, whenever and wherever they are computed. Each function makes
exactly one draw of bits, so two calls with one key need different ordinals and then share no bits.

Narrow dtypes are computed in float32 and rounded once. Where a parameter may be a node, gradients
flow to it and it broadcasts to the shape.

Shapes, of all functions:  key (..., 4) -> (..., *shape), each key a stream of its own
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..ir.arithmetic import as_node, select
from ..ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    finfo,
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
from ..ir.ops.checks import check_bounds
from ..ir.ops.indexing import take
from ..ir.ops.movement import broadcast_to, concatenate, reshape, slice_
from ..ir.ops.random_bits import random_bits
from ..ir.ops.reduce import cumulative_sum, reduce_sum
from ..ir.ops.sort import argsort, searchsorted, top_k
from ..ir.ops.structural import constant, stop_gradient
from ..ir.source import user_location

__all__ = ["bernoulli", "cauchy", "dropout_mask", "exponential", "geometric", "gumbel",
           "multinomial", "normal", "normal_around", "permutation", "poisson", "randint",
           "randint_as", "shuffle", "truncated_normal", "uniform", "unit"]

Shape = Sequence[int]
Number = Node | float

#: How many bits of a number in [0, 1) a dtype holds exactly.
_BITS = {float16: 11, bfloat16: 8, float32: 24, float64: 53}


def _here() -> str | None:
    return str(user_location() or "") or None


def _refused(message: str, hint: str | None = None) -> ArgumentError:
    return ArgumentError(message, hint=hint, where=_here())


def _floating(what: str, dtype: DType | str) -> DType:
    found = as_dtype(dtype)
    if found not in _BITS:
        raise DTypeError(f"{what}: random numbers of a continuous distribution are floating, got "
                         f"{found}", where=_here())
    return found


def _wide(dtype: DType) -> DType:
    return float64 if dtype is float64 else float32


# ---- bits to numbers

def _part(x: Node, axis: int, start: int, stop: int) -> Node:
    first, last = [0] * x.ndim, list(x.shape)
    first[axis], last[axis] = start, stop
    return slice_(x, first, last)


def _words(key: Node, shape: Shape, count: int, ordinal: int) -> list[Node]:
    """``count`` arrays of bits from one draw."""
    bits = random_bits(key, (count, *shape), ordinal)
    axis, found = key.ndim - 1, (*key.shape[:-1], *shape)
    return [reshape(_part(bits, axis, i, i + 1) if count > 1 else bits, found)
            for i in range(count)]


def _words_per_number(dtype: DType) -> int:
    return 2 if dtype is float64 else 1


def _shifted(bits: Node, right: int) -> Node:
    return ew.shift_right(bits, ew.scalar_like(right, bits))


def _joined(high: Node, low: Node) -> Node:
    """64 bits of two times 32."""
    upper = ew.cast(high, uint64)
    return ew.bitwise_or(ew.shift_left(upper, ew.scalar_like(32, upper)), ew.cast(low, uint64))


def _grid(words: Sequence[Node], dtype: DType) -> Node:
    """In [0, 1): every multiple of 2**-bits is as likely."""
    bits = _BITS[dtype]
    if dtype is float64:
        whole = ew.cast(_shifted(_joined(*words), 64 - bits), float64)
    else:
        # As a signed number: it fits, and machines convert those faster.
        whole = ew.cast(ew.bitcast(_shifted(words[0], 32 - bits), dtype=int32), dtype)
    return whole * 2.0 ** -bits


def _inside(words: Sequence[Node], dtype: DType) -> Node:
    """Between 0 and 1 without either end, with full resolution near 0: for logarithms."""
    if dtype is float64:
        value = _grid(words, float64) + 2.0 ** -54
    else:
        value = ew.cast(words[0], float32) * 2.0 ** -32 + 2.0 ** -33
    # The sum may have been rounded up to 1.
    return _at_most(1 - 2.0 ** -_BITS[dtype], value)


def _draw_inside(key: Node, shape: Shape, ordinal: int, dtype: DType) -> Node:
    return _inside(_words(key, shape, _words_per_number(dtype), ordinal), dtype)


def _at_most(limit: Number | np.ndarray, x: Node) -> Node:
    return ew.minimum(x, _like(limit, x))


def _at_least(limit: Number | np.ndarray, x: Node) -> Node:
    return ew.maximum(x, _like(limit, x))


def _like(value: Number | np.ndarray, x: Node) -> Node:
    if isinstance(value, Node):
        return broadcast_to(ew.cast(value, x.dtype), x.shape)
    return ew.scalar_like(value, x)  # type: ignore[arg-type]


def _moved(value: Node, scale: Number, offset: Number) -> Node:
    """``value * scale + offset``, which must keep the shape."""
    shape = value.shape
    if isinstance(scale, Node) or scale != 1:
        value = value * scale
    if isinstance(offset, Node) or offset != 0:
        value = value + offset
    if value.shape != shape:
        raise _refused(f"random: parameters stretch the shape {tuple(shape)} to "
                       f"{tuple(value.shape)}", f"shape={tuple(value.shape)}")
    return value


# ---- continuous distributions

def unit(key: Node, shape: Shape, ordinal: int = 0, dtype: DType | str = float32) -> Node:
    """Uniform in ``[0, 1)``: every multiple of 2**-24 is as likely (float64: 2**-53)."""
    dtype = _floating("uniform", dtype)
    return _grid(_words(key, shape, _words_per_number(dtype), ordinal), dtype)


def uniform(key: Node, shape: Shape, ordinal: int = 0, low: Number = 0.0, high: Number = 1.0,
            dtype: DType | str = float32) -> Node:
    """Uniform in ``[low, high)``; never ``high``, unless the two are equal.

    Dtypes:  floating
    Raises:  ArgumentError for low > high, or a range wider than the dtype
    """
    dtype = _floating("uniform", dtype)
    if isinstance(low, Node) or isinstance(high, Node):
        value = ew.cast(_moved(unit(key, shape, ordinal, _wide(dtype)), high - low, low), dtype)
        # The scaled number may round up to `high`, which is outside.
        return select(ew.less(value, _like(high, value)), value, _like(low, value))
    if not low <= high:
        raise _refused(f"uniform: expects to return a [from, to) range, but found from={low} "
                       f"> to={high}")
    if (low, high) == (0, 1):
        return unit(key, shape, ordinal, dtype)
    wide = _wide(dtype)
    if max(-low, high) > finfo(dtype).max or high - low > finfo(wide).max:
        raise _refused(f"uniform: the range from {low} to {high} is too wide for {dtype}")
    value = ew.cast(_moved(unit(key, shape, ordinal, wide), high - low, low), dtype)
    last = np.nextafter(np.asarray(high, dtype.numpy), np.asarray(low, dtype.numpy))
    return _at_most(last, value)


def normal(key: Node, shape: Shape, ordinal: int = 0, mean: Number = 0.0, std: Number = 1.0,
           dtype: DType | str = float32) -> Node:
    """Normal, by the method of Box and Muller (1958): two numbers from each pair of uniforms.

    Dtypes:  floating
    Raises:  ArgumentError for a negative ``std``
    """
    dtype = _floating("normal", dtype)
    if not isinstance(std, Node) and not std >= 0:
        raise _refused(f"normal: expects std >= 0.0, but found std {std}")
    wide, count = _wide(dtype), math.prod(shape)
    each, axis = _words_per_number(wide), key.ndim - 1
    words = _words(key, ((count + 1) // 2,), 2 * each, ordinal)
    radius = ew.sqrt(ew.log(_inside(words[:each], wide)) * -2.0)
    angle = _grid(words[each:], wide) * (2 * math.pi)
    both = concatenate([radius * ew.cos(angle), radius * ew.sin(angle)], axis)
    value = reshape(_part(both, axis, 0, count), (*key.shape[:-1], *shape))
    return ew.cast(_moved(value, std, mean), dtype)


def normal_around(key: Node, mean: Number, std: Number, ordinal: int = 0) -> Node:
    """Normal around each element of ``mean``, with the deviations ``std``.

    At least one of the two is a node; they broadcast together.
    """
    like = mean + std
    assert isinstance(like, Node)
    return normal(key, like.shape, ordinal, mean, std, like.dtype)


def truncated_normal(key: Node, shape: Shape, ordinal: int = 0, mean: Number = 0.0,
                     std: Number = 1.0, low: float = -2.0, high: float = 2.0,
                     dtype: DType | str = float32) -> Node:
    """Normal, kept between ``low`` and ``high``, by the inverse of the distribution function.

    Either end may be infinite. Intervals that hold little of the distribution are drawn in
    float64, and refused where that cannot tell their numbers apart either: more than about seven
    deviations from the mean. Where ``mean`` or ``std`` is a node that cannot be known beforehand;
    then such numbers are coarse, and lie at the nearer end in the extreme.

    Dtypes:  floating
    Raises:  ArgumentError for low >= high, std <= 0, or an interval too far out
    """
    if not low < high:
        raise _refused(f"truncated_normal: low {low} must be less than high {high}")
    dtype = _floating("truncated_normal", dtype)
    wide = _wide(dtype)
    if isinstance(mean, Node) or isinstance(std, Node):
        start, stop = (ew.erf(as_node((end - mean) / (std * math.sqrt(2)), wide))
                       for end in (low, high))
        share = _moved(_draw_inside(key, shape, ordinal, wide), stop - start, start)
    else:
        first, last, wide = _shares_between(mean, std, low, high, wide)
        share = _moved(_draw_inside(key, shape, ordinal, wide), last - first, first)
    # The ends -1 and 1 are infinitely far out.
    nearly = 1 - 2.0 ** -_BITS[wide]
    value = ew.erf_inverse(_at_least(-nearly, _at_most(nearly, share))) * math.sqrt(2)
    return ew.cast(_at_least(low, _at_most(high, _moved(value, std, mean))), dtype)


def _shares_between(mean: float, std: float, low: float, high: float,
                    wide: DType) -> tuple[float, float, DType]:
    """erf at both ends, and the dtype that tells enough numbers between them apart."""
    if not std > 0:
        raise _refused(f"truncated_normal: expects std > 0, but found std {std}")
    first, last = (math.erf((end - mean) / std / math.sqrt(2)) for end in (low, high))
    outer = max(abs(first), abs(last))
    if (last - first) * 2.0 ** 24 / outer < 2 ** 22:
        wide = float64
    if (last - first) * 2.0 ** 53 / outer < 2 ** 10:
        raise _refused(f"truncated_normal: almost nothing of a normal distribution of mean {mean} "
                       f"and deviation {std} lies between {low} and {high}",
                       "an interval nearer to the mean")
    return first, last, wide


def exponential(key: Node, shape: Shape, ordinal: int = 0, rate: Number = 1.0,
                dtype: DType | str = float32) -> Node:
    """Waiting times between events that happen ``rate`` times per unit; more than 0.

    Dtypes:  floating
    """
    dtype = _floating("exponential", dtype)
    if not isinstance(rate, Node) and not rate > 0:
        raise _refused(f"exponential: expects lambda > 0.0, but found lambda={rate}")
    times = -ew.log(_draw_inside(key, shape, ordinal, _wide(dtype)))
    return ew.cast(_moved(times, 1 / rate, 0.0), dtype)


def gumbel(key: Node, shape: Shape, ordinal: int = 0, dtype: DType | str = float32,
           location: Number = 0.0, scale: Number = 1.0) -> Node:
    """``-log(-log(u))``: adding it to logits and taking the largest draws from their softmax.

    Dtypes:  floating
    """
    dtype = _floating("gumbel", dtype)
    # log1p spends the resolution near 0 on the long upper tail.
    times = -ew.log1p(-_draw_inside(key, shape, ordinal, _wide(dtype)))
    return ew.cast(_moved(-ew.log(times), scale, location), dtype)


def cauchy(key: Node, shape: Shape, median: Number = 0.0, sigma: Number = 1.0, ordinal: int = 0,
           dtype: DType | str = float32) -> Node:
    """Cauchy: how far from ``median`` a ray in random direction hits a line at distance ``sigma``.

    Dtypes:  floating; the largest number of the dtype stands for those beyond it
    """
    dtype = _floating("cauchy", dtype)
    wide = _wide(dtype)
    words = _words(key, shape, 1 + _words_per_number(wide), ordinal)
    size = 1 / ew.tan(_inside(words[1:], wide) * (math.pi / 2))
    left = ew.equal(_shifted(words[0], 31), ew.zeros_like(words[0]))
    value = _moved(ew.where(left, -size, size), sigma, median)
    most = finfo(dtype).max
    return ew.cast(_at_least(-most, _at_most(most, value)), dtype)


# ---- whole numbers and truth values

def bernoulli(key: Node, p: Number, shape: Shape | None = None, ordinal: int = 0,
              dtype: DType | str | None = None) -> Node:
    """1 with probability ``p``, else 0: with 0 never, with 1 always.

    Shapes:  shape is that of ``p`` by default
    Dtypes:  any; by default that of ``p``, float32 for a number
    """
    like = p if isinstance(p, Node) else None
    if not isinstance(p, Node) and not 0 <= p <= 1:
        raise _refused(f"bernoulli: a probability lies between 0 and 1, got {p}")
    if shape is None:
        shape = () if like is None else like.shape
    if dtype is None:
        dtype = float32 if like is None else like.dtype
    exact = float32 if like is None else _wide(like.dtype)
    share = _draw_inside(key, shape, ordinal, exact)
    return ew.cast(ew.less(share, _like(p, share)), as_dtype(dtype))


def dropout_mask(key: Node, shape: Shape, ordinal: int, rate: float) -> Node:
    """True with probability ``1 - rate``, exact to 2**-33; one word of bits per element.

    Dtypes:  bool
    """
    [word] = _words(key, shape, 1, ordinal)
    limit = round(rate * 2 ** 32)
    if limit > 0xFFFFFFFF:
        return ew.less(word, ew.zeros_like(word))
    return ew.greater_equal(word, ew.scalar_like(limit, word))


def randint(key: Node, shape: Shape, ordinal: int = 0, low: int = 0, high: int = 2,
            dtype: DType | str = int64) -> Node:
    """Whole numbers in ``[low, high)``, each as likely up to one part in 2**64 times their number.

    64 random bits times the width of the range, of which the upper half is kept (Lemire, "Fast
    random integer generation in an interval", 2019, without its rejection step).

    Dtypes:  any integer that holds the range
    """
    dtype = as_dtype(dtype)
    if dtype.kind not in "iu":
        raise DTypeError(f"randint: whole numbers have an integer dtype, got {dtype}",
                         where=_here())
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
        return _joined(upper, lower)
    if width <= 1 << 32:
        return _shifted(upper * width + _shifted(lower * width, 32), 32)
    high, low = width >> 32, width & 0xFFFFFFFF
    middle = upper * low + _shifted(lower * low, 32)
    rest = ew.bitwise_and(middle, ew.scalar_like(0xFFFFFFFF, middle)) + lower * high
    return upper * high + _shifted(middle, 32) + _shifted(rest, 32)


def randint_as(key: Node, shape: Shape, ordinal: int = 0, low: int = 0, high: int = 2,
               dtype: DType | str = int64) -> Node:
    """`randint` in any dtype: where it is no integer, drawn as int64 and cast."""
    found = as_dtype(dtype)
    drawn = found if found.kind in "iu" else int64
    return ew.cast(randint(key, shape, ordinal, low, high, drawn), found)


def geometric(key: Node, shape: Shape, p: float, ordinal: int = 0,
              dtype: DType | str = float32) -> Node:
    """How many trials until the first success, each with probability ``p``."""
    if not 0 < p < 1:
        raise _refused(f"geometric: expects p to be in (0, 1), but got p={p}")
    failures = ew.floor(ew.log(_draw_inside(key, shape, ordinal, float64)) / math.log1p(-p))
    return ew.cast(failures + 1.0, as_dtype(dtype))


#: Up to this rate a Poisson distribution function is summed, and over so many terms (the rest is
#: below 2**-64); beyond it is expanded, with an error of less than 4e-6 in a probability.
_POISSON_SUMMED, _POISSON_TERMS = 32.0, 96


def poisson(key: Node, rates: Node, ordinal: int = 0) -> Node:
    """Counts of events with these expectations; NaN for a negative one. No gradient flows.

    By the inverse of the distribution function: of its terms' sum for small rates, of its
    asymptotic expansion for large ones (Giles, "Approximation of the inverse Poisson cumulative
    distribution function", 2016).

    Shapes:  key (4,), rates (...) -> (...)
    Dtypes:  rates floating, which is that of the counts
    """
    dtype = _floating("poisson", rates.dtype)
    rate = ew.cast(stop_gradient(rates), float64)
    share = _draw_inside(key, rates.shape, ordinal, float64)
    counts = ew.where(ew.less(rate, ew.scalar_like(_POISSON_SUMMED, rate)),
                      _poisson_summed(_at_most(_POISSON_SUMMED, rate), share),
                      _poisson_expanded(_at_least(_POISSON_SUMMED, rate), share))
    legal = ew.greater_equal(rate, ew.zeros_like(rate))
    return ew.cast(ew.where(legal, counts, ew.scalar_like(math.nan, rate)), dtype)


def _poisson_summed(rate: Node, share: Node) -> Node:
    """How many values of the distribution function lie at or below ``share``."""
    stretched = (_POISSON_TERMS, *(1 for _ in rate.shape))
    counts = np.arange(_POISSON_TERMS, dtype=np.float64).reshape(stretched)
    factorials = np.vectorize(math.lgamma)(counts + 1)
    log_rate = ew.log(_at_least(2.0 ** -1000, rate))
    terms = ew.exp(constant(counts, float64) * log_rate - rate - constant(factorials, float64))
    passed = cumulative_sum(terms, axis=0) <= share
    return reduce_sum(ew.cast(passed, float64), (0,))


def _poisson_expanded(rate: Node, share: Node) -> Node:
    z = ew.erf_inverse(share * 2.0 - 1.0) * math.sqrt(2)
    root, square = ew.sqrt(rate), z * z
    value = (rate + root * z + (square / 6 + 1 / 3) - z * (square / 72 + 1 / 36) / root
             + ((square / 270 + 7 / 810) * square - 8 / 405) / rate)
    return ew.floor(value)


# ---- order and choice

def permutation(key: Node, size: int, ordinal: int = 0, dtype: DType | str = int64) -> Node:
    """The numbers 0 ... size - 1 in random order: the order of 64-bit random keys."""
    order = argsort(_joined(*_words(key, (size,), 2, ordinal)), axis=key.ndim - 1)
    return ew.cast(order, as_dtype(dtype))


def shuffle(key: Node, x: Node, ordinal: int = 0, axis: int = 0) -> Node:
    """``x`` with the parts along an axis in random order.

    Shapes:  key (4,), x any -> that of x
    """
    return take(x, permutation(key, x.shape[axis], ordinal), axis)


def multinomial(key: Node, weights: Node, samples: int, replacement: bool = False,
                ordinal: int = 0) -> Node:
    """Positions drawn with probability proportional to ``weights`` along the last axis, int64.

    Without replacement no position is drawn twice, and those of weight zero come last.

    Shapes:  key (4,), weights (..., n) -> (..., samples)
    Dtypes:  weights real; they need not sum to one
    Raises:  ArgumentError if more are wanted than there are, without replacement; when it runs,
             IndexRangeError for weights that are negative, not finite, or all zero
    """
    if not weights.ndim or not weights.shape[-1]:
        raise _refused(f"multinomial: nothing to draw from, weights have shape "
                       f"{tuple(weights.shape)}")
    size, last = weights.shape[-1], weights.ndim - 1
    if not replacement and samples > size:
        raise _refused("multinomial: cannot sample n_sample > prob_dist.size(-1) samples without "
                       f"replacement, got {samples} of {size}", "replacement=True")
    mass = ew.cast(weights, float64)
    # A weight that is no weight makes the total NaN, for which no comparison holds.
    mass = ew.where(mass >= 0, mass, ew.scalar_like(math.nan, mass))
    steps = cumulative_sum(mass, axis=last)
    total = _part(steps, last, size - 1, size)
    if replacement:
        share = unit(key, (*weights.shape[:-1], samples), ordinal, float64) * total
        # Rounded up to the total it would lie behind the last position.
        share = ew.where(share < total, share, ew.zeros_like(share))
        found = searchsorted(steps, share, "right")
    else:
        # Exponential race: the smallest of E / weight comes first with the right probability.
        race = exponential(key, weights.shape, ordinal, dtype=float64) / mass
        found = top_k(race, samples, last, largest=False)[1]
    legal = ew.bitwise_and(total > 0, total < math.inf)
    return check_bounds(select(legal, found, size), size,
                        "multinomial: position {value} of {size} was drawn; the weights must be "
                        "finite, not negative, and not all zero")

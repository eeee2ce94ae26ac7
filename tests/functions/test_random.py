"""Distributions: their ends, their moments, their distance from the true distribution."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.ir.helpers import inputs, run
from tricord.autodiff import gradients
from tricord.errors import ArgumentError, DTypeError, IndexRangeError
from tricord.functions import random
from tricord.ir.dtypes import as_dtype, float32
from tricord.ir.ops import elementwise as ew

KEY = np.array([2024, 0, 0, 0], np.uint32)
COUNT = 20_000
#: Kolmogorov's bound: a right sample of COUNT numbers exceeds it once in 10**5.
FAR = 2.5 / math.sqrt(COUNT)


def draw(function, *arguments, **keywords):
    key, = inputs(KEY)
    return run([function(key, *arguments, **keywords)], [KEY])[0]


def distance(sample, distribution):
    """Kolmogorov and Smirnov's distance between a sample and a distribution function."""
    ordered = np.sort(sample.astype(np.float64), axis=None)
    share = np.array([distribution(x) for x in ordered])
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return max(np.abs(share - steps[1:]).max(), np.abs(share - steps[:-1]).max())


def normal_share(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


DISTRIBUTIONS = [
    (random.uniform, {}, lambda x: x),
    (random.uniform, {"low": -3.0, "high": 5.0}, lambda x: (x + 3) / 8),
    (random.normal, {}, normal_share),
    (random.normal, {"mean": 4.0, "std": 0.5}, lambda x: normal_share((x - 4) / 0.5)),
    (random.exponential, {"rate": 0.5}, lambda x: -math.expm1(-x / 2)),
    (random.gumbel, {}, lambda x: math.exp(-math.exp(-x))),
    (random.truncated_normal, {}, lambda x: (normal_share(x) - normal_share(-2)) / (
        1 - 2 * normal_share(-2))),
    (random.truncated_normal, {"low": 0.5, "high": math.inf}, lambda x: (
        normal_share(x) - normal_share(0.5)) / (1 - normal_share(0.5))),
    (random.truncated_normal, {"mean": 3.0, "std": 2.0, "low": 2.0, "high": 9.0}, lambda x: (
        normal_share((x - 3) / 2) - normal_share(-0.5)) / (normal_share(3) - normal_share(-0.5))),
    (random.truncated_normal, {"low": 6.0, "high": math.inf}, lambda x: (
        1 - normal_share(-x) / normal_share(-6))),
    (random.gumbel, {"location": 3.0, "scale": 2.0}, lambda x: (
        math.exp(-math.exp(-(x - 3) / 2)))),
    (random.cauchy, {"median": 1.0, "sigma": 2.0}, lambda x: (
        0.5 + math.atan((x - 1) / 2) / math.pi)),
]


@pytest.mark.parametrize(("function", "keywords", "share"), DISTRIBUTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_follow_the_distribution(function, keywords, share, dtype):
    sample = draw(function, (COUNT // 4, 4), dtype=dtype, **keywords)
    assert sample.shape == (COUNT // 4, 4)
    assert sample.dtype == dtype
    assert distance(sample, share) < FAR


FLOATING = ["float16", "bfloat16", "float32", "float64"]
CONTINUOUS = [random.normal, random.exponential, random.gumbel, random.truncated_normal,
              random.cauchy]


@pytest.mark.parametrize("dtype", FLOATING)
def test_uniform_numbers_stay_below_the_upper_end(monkeypatch, dtype):
    """With all bits set the number is the largest one below."""
    numpy = as_dtype(dtype).numpy
    monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                        lambda seed, draw, count: np.full(count, 0xFFFFFFFF, np.uint32))
    assert draw(random.uniform, (), dtype=dtype) == np.nextafter(numpy.type(1), numpy.type(0))
    assert draw(random.uniform, (2,), dtype=dtype, low=0.0, high=3.0).max() < np.asarray(3, numpy)
    for function in CONTINUOUS:
        assert np.isfinite(draw(function, (3,), dtype=dtype).astype(float)).all()


@pytest.mark.parametrize("dtype", FLOATING)
def test_all_bits_clear_gives_zero_and_nothing_infinite(monkeypatch, dtype):
    monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                        lambda seed, draw, count: np.zeros(count, np.uint32))
    assert draw(random.uniform, (), dtype=dtype) == 0
    for function in CONTINUOUS:
        assert np.isfinite(draw(function, (3,), dtype=dtype).astype(float)).all()


@pytest.mark.parametrize("word", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_waiting_times_are_more_than_zero_and_open_tails_stay_finite(monkeypatch, word, dtype):
    monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                        lambda seed, draw, count: np.full(count, word, np.uint32))
    assert draw(random.exponential, (), dtype=dtype) > 0
    for low, high in ((-math.inf, math.inf), (0.5, math.inf), (-math.inf, -7.0)):
        drawn = draw(random.truncated_normal, (), low=low, high=high, dtype=dtype)
        assert low <= drawn <= high and np.isfinite(drawn)


@pytest.mark.parametrize("word", [0, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize(("low", "high"), [(0.0, 3.0), (-7.0, -2.0), (1.0, 1.0), (-6e4, 6e4),
                                           (1000.0, 1001.0)])
def test_scaled_uniform_numbers_keep_their_ends(monkeypatch, word, dtype, low, high):
    """With numbers and with nodes; where no number of the dtype lies between, low it is."""
    monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                        lambda seed, draw, count: np.full(count, word, np.uint32))
    numpy = as_dtype(dtype).numpy
    ends = [np.asarray(low, numpy), np.asarray(high, numpy)]
    key, first, last = inputs(KEY, *ends)
    found = run([random.uniform(key, (2,), 0, low, high, dtype),
                 random.uniform(key, (2,), 0, first, last, dtype)], [KEY, *ends])
    for numbers in found:
        assert numbers.dtype == numpy
        if ends[0] == ends[1]:
            assert (numbers == ends[0]).all()
        else:
            assert ((ends[0] <= numbers) & (numbers < ends[1])).all()


def test_normal_numbers_are_uncorrelated_with_their_partners():
    sample = draw(random.normal, (COUNT,))
    partners = sample.reshape(2, -1)
    for a, b in ((partners[0], partners[1]), (sample[1:], sample[:-1]),
                 (partners[0] ** 2, partners[1] ** 2)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(len(a))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (2, 0), (5, 3)])
def test_shapes_of_odd_and_no_numbers(shape):
    assert draw(random.normal, shape).shape == shape
    assert draw(random.normal, shape, dtype="float64").shape == shape
    assert draw(random.randint, shape, low=0, high=7).shape == shape


@pytest.mark.parametrize(("low", "high", "dtype"), [
    (0, 2, "int64"), (-3, 4, "int8"), (0, 256, "uint8"), (-128, 128, "int8"),
    (-(2 ** 31), 2 ** 31, "int32"), (-(2 ** 63), 2 ** 63, "int64"), (0, 2 ** 64, "uint64"),
    (-5, 2 ** 40, "int64"), (2 ** 63, 2 ** 63 + 3, "uint64")])
def test_whole_numbers_fill_their_range_evenly(low, high, dtype):
    sample = draw(random.randint, (COUNT,), 0, low, high, dtype)
    assert sample.dtype == dtype
    exact = [int(v) for v in sample]
    assert low <= min(exact) and max(exact) < high
    shares = np.array([(v - low + 0.5) / (high - low) for v in exact])
    bins = min(high - low, 16)
    edges = [-(-i * (high - low) // bins) for i in range(bins + 1)]
    expected = np.array([(b - a) / (high - low) for a, b in itertools.pairwise(edges)])
    counts = np.bincount((shares * bins).astype(int), minlength=bins)
    sigma = np.sqrt(COUNT * expected * (1 - expected))
    assert (np.abs(counts - COUNT * expected) < 5 * sigma).all()


@pytest.mark.parametrize("width", [3, 10 ** 6, 2 ** 32, 2 ** 32 + 1, 10 ** 15, 2 ** 63 + 12345])
def test_whole_numbers_are_the_upper_half_of_bits_times_width(width):
    key, = inputs(KEY)
    found = run([random.randint(key, (50,), 0, 0, width, "uint64"),
                 *random._words(key, (50,), 2, 0)], [KEY])
    for value, upper, lower in zip(*found, strict=True):
        assert int(value) == (((int(upper) << 32) + int(lower)) * width) >> 64


@pytest.mark.parametrize(("dtype", "high"), [("float32", 7), ("bool", 2), ("uint64", 2 ** 64)])
def test_whole_numbers_come_in_any_dtype(dtype, high):
    sample = draw(random.randint_as, (1000,), 0, 0, high, dtype)
    assert sample.dtype == dtype
    shares = sample.astype(float) / high
    assert (sample == np.floor(sample)).all() and shares.min() >= 0 and shares.max() <= 1
    assert abs(shares.mean() - (high - 1) / (2 * high)) < 0.05


def poisson_share(rate, count):
    return math.exp(count * math.log(rate) - rate - math.lgamma(count + 1))


@pytest.mark.parametrize("rate", [0.1, 3.0, 31.9, 32.1, 400.0])
def test_poisson_counts_are_as_frequent_as_they_should_be(rate):
    rates = np.full(COUNT, rate)
    key, node = inputs(KEY, rates)
    found = run([random.poisson(key, node)], [KEY, rates])[0]
    assert found.dtype == np.float64
    assert (found == np.floor(found)).all()
    frequencies_match(found.astype(int), lambda n: poisson_share(rate, n), range(int(rate * 3 + 9)))


def frequencies_match(found, share, counts):
    seen = np.bincount(found, minlength=len(counts))
    for n in counts:
        expected = COUNT * share(n)
        assert abs(seen[n] - expected) <= 5 * math.sqrt(expected) + 4, n


@pytest.mark.parametrize("rate", [32.0, 50.0])
def test_the_expansion_meets_the_sum_of_the_poisson_distribution(rate):
    """They count alike wherever no value of the distribution function lies within 4e-6."""
    shares = np.cumsum([poisson_share(rate, n) for n in range(int(3 * rate))])
    shares = shares[(shares > 1e-5) & (shares < 1 - 1e-5)]
    tries = np.concatenate([shares - 4e-6, shares + 4e-6])
    node, share = inputs(np.full(tries.shape, rate), tries)
    summed, expanded = run([random._poisson_summed(node, share),
                            random._poisson_expanded(node, share)],
                           [np.full(tries.shape, rate), tries])
    np.testing.assert_array_equal(summed, expanded)
    assert len(np.unique(summed)) > 40


def test_poisson_counts_of_nothing_very_much_and_less_than_nothing():
    rates = np.array([0.0, -1.0, math.nan, 1e12], np.float32)
    key, node = inputs(KEY, rates)
    nothing, *illegal, much = run([random.poisson(key, node)], [KEY, rates])[0]
    assert nothing == 0 and np.isnan(illegal).all()
    assert abs(much - 1e12) < 6e6


@pytest.mark.parametrize("p", [0.02, 0.5, 0.9])
def test_trials_until_success_are_as_many_as_they_should_be(p):
    found = draw(random.geometric, (COUNT,), p, dtype="int64")
    assert found.min() == 1
    frequencies_match(found, lambda n: p * (1 - p) ** (n - 1) if n else 0.0, range(20))


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_a_dropout_mask_is_false_as_often_as_asked(rate):
    mask = draw(random.dropout_mask, (COUNT,), 0, rate)
    assert mask.dtype == bool
    assert abs((1 - mask.mean()) - rate) <= 5 * math.sqrt(rate * (1 - rate) / COUNT)


def test_a_dropout_mask_ends_where_its_bits_end(monkeypatch):
    for word, kept in ((0xFFFFFFFF, (True, True, False)), (0, (True, False, False))):
        monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                            lambda seed, draw, count, word=word: np.full(count, word, np.uint32))
        assert tuple(draw(random.dropout_mask, (), 0, rate) for rate in (0.0, 0.5, 1.0)) == kept


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_bernoulli_is_true_as_often_as_it_should_be(p):
    sample = draw(random.bernoulli, p, (COUNT,), dtype="bool")
    assert sample.dtype == bool
    assert abs(sample.mean() - p) <= 5 * math.sqrt(p * (1 - p) / COUNT)
    assert draw(random.bernoulli, p, (2,)).dtype == np.float32


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_bernoulli_of_one_is_true_and_of_zero_false_whatever_the_bits(monkeypatch, dtype):
    p = np.array([0.0, 1.0], dtype)
    key, node = inputs(KEY, p)
    for word in (0, 0xFFFFFFFF):
        monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                            lambda seed, draw, count, word=word: np.full(count, word, np.uint32))
        found = run([random.bernoulli(key, node)], [KEY, p])[0]
        assert found.dtype == dtype and found.tolist() == [0, 1]


def test_bernoulli_takes_a_probability_for_each_element():
    p = np.array([[0.0, 1.0]] * 50)
    key, node = inputs(KEY, p)
    found = run([random.bernoulli(key, node, dtype="float32")], [KEY, p])[0]
    np.testing.assert_array_equal(found, p)


def test_a_permutation_holds_every_number_once_and_all_orders_are_as_likely():
    found = draw(random.permutation, 1000)
    assert sorted(found.tolist()) == list(range(1000))
    assert found.dtype == np.int64
    key, = inputs(KEY)
    orders = run([random.permutation(key, 3, ordinal) for ordinal in range(600)], [KEY])
    counts = np.unique([o[0] * 9 + o[1] * 3 + o[2] for o in orders], return_counts=True)[1]
    assert len(counts) == 6
    assert (np.abs(counts - 100) < 5 * math.sqrt(100 * 5 / 6)).all()


def test_shuffle_moves_rows_together(rng):
    x = rng.standard_normal((6, 4))
    key, node = inputs(KEY, x)
    found = run([random.shuffle(key, node)], [KEY, x])[0]
    assert sorted(map(tuple, found)) == sorted(map(tuple, x))


WEIGHTS = np.array([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 2.0, 0.0]], np.float32)


def test_positions_are_drawn_in_proportion_to_their_weights():
    key, node = inputs(KEY, WEIGHTS)
    found = run([random.multinomial(key, node, COUNT, replacement=True)], [KEY, WEIGHTS])[0]
    assert found.shape == (2, COUNT)
    counts = np.bincount(found[0], minlength=4) / COUNT
    np.testing.assert_allclose(counts, [0.125, 0, 0.375, 0.5], atol=0.02)
    assert counts[1] == 0
    assert set(found[1]) == {2}


def test_without_replacement_no_position_comes_twice():
    weights = np.tile(WEIGHTS[0], (4000, 1))
    key, node = inputs(KEY, weights)
    found = run([random.multinomial(key, node, 3, replacement=False)], [KEY, weights])[0]
    assert (np.sort(found, axis=1) == [0, 2, 3]).all()
    np.testing.assert_allclose(np.bincount(found[:, 0], minlength=4) / 4000,
                               [0.125, 0, 0.375, 0.5], atol=0.04)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("bad", [[0.0, 0.0], [1.0, -1.0], [2.0, -1.0], [math.nan, 1.0],
                                 [math.inf, 1.0]])
def test_weights_that_are_no_distribution_are_refused_when_it_runs(replacement, bad):
    weights = np.array([[1.0, 1.0], bad])
    key, node = inputs(KEY, weights)
    with pytest.raises(IndexRangeError, match="finite, not negative, and not all zero"):
        run([random.multinomial(key, node, 1, replacement)], [KEY, weights])


def test_a_position_is_legal_whatever_the_bits(monkeypatch):
    weights = np.array([0.0, 0.1, 0.7, 0.0])
    key, node = inputs(KEY, weights)
    for word, first in ((0, 1), (0xFFFFFFFF, 2)):
        monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                            lambda seed, draw, count, word=word: np.full(count, word, np.uint32))
        assert run([random.multinomial(key, node, 1, True)], [KEY, weights])[0].tolist() == [first]


def test_truncated_numbers_around_nodes_are_those_around_numbers():
    arrays = [KEY, np.array([0.0, 3.0, 100.0]), np.array([1.0, 2.0, 1.0]), np.ones(3)]
    key, mean, std, g = inputs(*arrays)
    node = random.truncated_normal(key, (3,), 0, mean, std, 2.0, 9.0, "float64")
    found, into_mean = run([node, *gradients([node], [g], [mean])], arrays)
    assert found[2] == 9.0  # nothing of it lies inside: the nearer end
    for i in (0, 1):
        expected = draw(random.truncated_normal, (3,), 0, arrays[1][i], arrays[2][i], 2.0, 9.0,
                        "float64")
        np.testing.assert_allclose(found[i], expected[i], rtol=1e-12)
    assert 0 < into_mean[0] < 1 and 0 < into_mean[1] < 1


def test_parameters_of_all_kinds_may_be_nodes():
    arrays = [KEY, np.array([1.0, 2.0]), np.array([3.0, 5.0])]
    key, a, b = inputs(*arrays)
    for build in (lambda x, y: random.uniform(key, (2,), 0, x, y, "float64"),
                  lambda x, y: random.normal(key, (2,), 0, x, y, "float64"),
                  lambda x, y: random.gumbel(key, (2,), 0, "float64", x, y),
                  lambda x, y: random.cauchy(key, (2,), x, y, dtype="float64"),
                  lambda x, y: random.exponential(key, (2,), 0, x, "float64") * y):
        whole, first, second = run([build(a, b), build(1.0, 3.0), build(2.0, 5.0)], arrays)
        np.testing.assert_allclose(whole, [first[0], second[1]], rtol=1e-15)
    around, both = run([random.normal_around(key, a, 3.0), random.normal_around(key, 1.0, b)],
                       arrays)
    np.testing.assert_allclose([around[0], both[1]], draw(random.normal, (2,), 0, 0.0, 1.0,
                                                          "float64") * [3, 5] + 1)


def test_each_of_several_keys_gives_its_own_sample():
    keys = np.array([[1, 0, 0, 0], [2, 0, 0, 0], [1, 0, 1, 0]], np.uint32)
    node, one = inputs(keys, keys[0])
    calls = [lambda k: random.uniform(k, (3,), dtype="float64"), lambda k: random.normal(k, (3,)),
             lambda k: random.randint(k, (2, 2), 0, 0, 99), lambda k: random.permutation(k, 5),
             lambda k: random.truncated_normal(k, ()), lambda k: random.bernoulli(k, 0.5, (9,))]
    for call in calls:
        together = run([call(node)], [keys, keys[0]])[0]
        for key, row in zip(keys, together, strict=True):
            np.testing.assert_array_equal(row, run([call(one)], [keys, key])[0])


def test_gradients_flow_to_the_parameters():
    arrays = [KEY, np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([1.0, 1.0])]
    key, mean, std, g = inputs(*arrays)
    node = random.normal(key, (2,), 0, mean, std, "float64")
    value, into_mean, into_std = run([node, *gradients([node], [g], [mean, std])], arrays)
    assert into_mean.tolist() == [1, 1]
    np.testing.assert_allclose(into_std, (value - arrays[1]) / arrays[2])


def test_one_key_gives_one_sample_and_ordinals_others():
    a, b = draw(random.normal, (5,)), draw(random.normal, (5,), ordinal=1)
    assert a.tolist() == draw(random.normal, (5,)).tolist()
    assert not set(a) & set(b)


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda key: random.normal(key, (2,), dtype="int32"), DTypeError, "floating, got int32"),
    (lambda key: random.randint(key, (2,), 0, 3, 3), ArgumentError,
     "low 3 must be less than high 3"),
    (lambda key: random.randint(key, (2,), 0, 0, 300, "uint8"), ArgumentError,
     "0 ... 299 does not fit into uint8"),
    (lambda key: random.randint(key, (2,), 0, 0, 3, "float32"), DTypeError, "got float32"),
    (lambda key: random.bernoulli(key, 1.5, (2,)), ArgumentError, "between 0 and 1, got 1.5"),
    (lambda key: random.truncated_normal(key, (2,), low=2, high=-2), ArgumentError,
     "low 2 must be less"),
    (lambda key: random.truncated_normal(key, (2,), std=0.0), ArgumentError,
     "expects std > 0, but found std 0.0"),
    (lambda key: random.truncated_normal(key, (2,), mean=50.0), ArgumentError,
     "almost nothing of a normal distribution of mean 50.0"),
    (lambda key: random.uniform(key, (2,), 0, 3.0, 2.0), ArgumentError,
     "found from=3.0 > to=2.0"),
    (lambda key: random.uniform(key, (2,), 0, math.nan, 2.0), ArgumentError, "found from=nan"),
    (lambda key: random.uniform(key, (2,), 0, 0.0, 1e5, "float16"), ArgumentError,
     "from 0.0 to 100000.0 is too wide for float16"),
    (lambda key: random.uniform(key, (2,), 0, -3e38, 3e38), ArgumentError, "too wide for float32"),
    (lambda key: random.normal(key, (2,), 0, 0.0, -1.0), ArgumentError,
     "expects std >= 0.0, but found std -1.0"),
    (lambda key: random.exponential(key, (2,), 0, 0.0), ArgumentError, "expects lambda > 0.0"),
    (lambda key: random.geometric(key, (2,), 1.0), ArgumentError, "expects p to be in (0, 1)"),
    (lambda key: random.normal(key, (1,), mean=ew.cast(key, float32)), ArgumentError,
     "parameters stretch the shape (1,) to (4,)"),
    (lambda key: random.multinomial(key, ew.cast(key, float32), 5), ArgumentError,
     "without replacement, got 5 of 4"),
])
def test_wrong_arguments_are_refused(call, error, says):
    with pytest.raises(error) as caught:
        call(*inputs(KEY))
    assert says in str(caught.value)
    assert "test_random.py" in str(caught.value)

"""Distributions: their ends, their moments, their distance from the true distribution."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.ir.helpers import inputs, run
from tricord.autodiff import gradients
from tricord.errors import ArgumentError, DTypeError
from tricord.functions import random
from tricord.ir.dtypes import as_dtype

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
]


@pytest.mark.parametrize(("function", "keywords", "share"), DISTRIBUTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_follow_the_distribution(function, keywords, share, dtype):
    sample = draw(function, (COUNT // 4, 4), dtype=dtype, **keywords)
    assert sample.shape == (COUNT // 4, 4)
    assert sample.dtype == dtype
    assert distance(sample, share) < FAR


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_uniform_numbers_stay_below_the_upper_end(monkeypatch, dtype):
    """With all bits set the number is the largest one below."""
    numpy = as_dtype(dtype).numpy
    monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                        lambda seed, draw, count: np.full(count, 0xFFFFFFFF, np.uint32))
    assert draw(random.uniform, (), dtype=dtype) == np.nextafter(numpy.type(1), numpy.type(0))
    assert draw(random.uniform, (2,), dtype=dtype, low=0.0, high=3.0).max() < np.asarray(3, numpy)
    for function in (random.normal, random.exponential, random.gumbel, random.truncated_normal):
        assert np.isfinite(draw(function, (3,), dtype=dtype).astype(float)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_all_bits_clear_gives_zero_and_nothing_infinite(monkeypatch, dtype):
    monkeypatch.setattr("tricord.ir.ops.random_bits._stream",
                        lambda seed, draw, count: np.zeros(count, np.uint32))
    assert draw(random.uniform, (), dtype=dtype) == 0
    for function in (random.normal, random.exponential, random.gumbel, random.truncated_normal):
        assert np.isfinite(draw(function, (3,), dtype=dtype).astype(float)).all()


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


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_bernoulli_is_true_as_often_as_it_should_be(p):
    sample = draw(random.bernoulli, p, (COUNT,), dtype="bool")
    assert sample.dtype == bool
    assert abs(sample.mean() - p) <= 5 * math.sqrt(p * (1 - p) / COUNT)


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
])
def test_wrong_arguments_are_refused(call, error, says):
    with pytest.raises(error) as caught:
        call(*inputs(KEY))
    assert says in str(caught.value)
    assert "test_random.py" in str(caught.value)

"""tricord.random: functions that draw from this thread's generator, its seed and its state."""

from __future__ import annotations

import numpy as np
import pytest

from tricord import random
from tricord.errors import ArgumentError, DTypeError
from tricord.tensor import tensor
from tricord.tensor.generator import Generator, default_generator, replace_default


@pytest.fixture(autouse=True)
def own_default():
    """Each test draws from a default generator of its own, and leaves the thread's as it was."""
    outer = replace_default(Generator())
    yield
    replace_default(outer)


WEIGHTS = [[1.0, 2.0, 3.0], [4.0, 0.0, 1.0]]
#: A function of this module and the generator's method that it stands for.
PAIRS = [
    (lambda **k: random.rand(2, 3, **k), lambda g: g.uniform((2, 3))),
    (lambda **k: random.rand((2, 3), **k), lambda g: g.uniform((2, 3))),
    (lambda **k: random.rand(dtype="float64", **k), lambda g: g.uniform((), dtype="float64")),
    (lambda **k: random.randn(2, 3, **k), lambda g: g.normal((2, 3))),
    (lambda **k: random.randint(5, None, (9,), **k), lambda g: g.randint(0, 5, (9,))),
    (lambda **k: random.randint(-5, 5, (9,), "int8", **k),
     lambda g: g.randint(-5, 5, (9,), "int8")),
    (lambda **k: random.uniform((4,), -1.0, 2.0, **k), lambda g: g.uniform((4,), -1.0, 2.0)),
    (lambda **k: random.normal((4,), 5.0, 2.0, **k), lambda g: g.normal((4,), 5.0, 2.0)),
    (lambda **k: random.permutation(6, **k), lambda g: g.permutation(6)),
    (lambda **k: random.bernoulli(0.5, (9,), **k), lambda g: g.bernoulli(0.5, (9,))),
    (lambda **k: random.bernoulli(tensor([0.5] * 9), dtype="bool", **k),
     lambda g: g.bernoulli(tensor([0.5] * 9), dtype="bool")),
    (lambda **k: random.exponential((4,), 3.0, **k), lambda g: g.exponential((4,), 3.0)),
    (lambda **k: random.multinomial(tensor(WEIGHTS), 2, **k),
     lambda g: g.multinomial(tensor(WEIGHTS), 2)),
    (lambda **k: random.multinomial(tensor(WEIGHTS), 5, True, **k),
     lambda g: g.multinomial(tensor(WEIGHTS), 5, True)),
    (lambda **k: random.poisson(tensor([1.0, 90.0]), **k),
     lambda g: g.poisson(tensor([1.0, 90.0]))),
]


@pytest.mark.parametrize(("function", "method"), PAIRS)
def test_functions_draw_from_the_threads_generator_or_a_given_one(function, method):
    random.manual_seed(11)
    expected = method(Generator(11))
    found, given = function(), function(generator=Generator(11))
    for drawn in (found, given):
        assert (drawn.shape, drawn.dtype) == (expected.shape, expected.dtype)
        assert drawn.tolist() == expected.tolist()
    assert default_generator().draws == 1


def test_a_seed_repeats_and_another_does_not():
    def sample(seed):
        assert random.manual_seed(seed) is default_generator()
        assert random.initial_seed() == seed
        return random.randn(5).tolist()

    assert sample(1) == sample(1)
    assert not set(sample(1)) & set(sample(2))


def test_a_seed_of_the_operating_systems_is_told():
    found = random.seed()
    assert random.initial_seed() == found
    first = random.rand(3).tolist()
    random.manual_seed(found)
    assert random.rand(3).tolist() == first


def test_a_state_brings_the_stream_back():
    random.manual_seed(3)
    random.rand(2)
    state = random.get_state()
    first = [random.rand(3).tolist(), random.permutation(5).tolist()]
    random.manual_seed(4)
    random.set_state(state)
    assert [random.rand(3).tolist(), random.permutation(5).tolist()] == first


def test_a_fork_leaves_the_stream_outside_as_it_was():
    random.manual_seed(3)
    with random.fork() as inner:
        assert default_generator() is inner
        forked = random.rand(3).tolist()
    with pytest.raises(ZeroDivisionError), random.fork(seed=8):
        seeded = random.rand(3).tolist()
        raise ZeroDivisionError
    assert forked == random.rand(3).tolist()
    assert seeded == Generator(8).uniform((3,)).tolist()


# ---- tensors that fill themselves

FILLS = [
    (lambda t, **k: t.uniform_(-1, 3, **k), lambda v: (v >= -1).all() and (v < 3).all()),
    (lambda t, **k: t.uniform_(**{"from": 2, "to": 3}, **k),
     lambda v: (v >= 2).all() and (v < 3).all()),
    (lambda t, **k: t.normal_(100, 1, **k), lambda v: abs(v.mean() - 100) < 0.2),
    (lambda t, **k: t.log_normal_(0, 1, **k),
     lambda v: (v > 0).all() and abs(np.log(v).mean()) < 0.2),
    (lambda t, **k: t.exponential_(2, **k),
     lambda v: (v > 0).all() and abs(v.mean() - 0.5) < 0.1),
    (lambda t, **k: t.geometric_(0.25, **k),
     lambda v: v.min() == 1 and (v == np.floor(v)).all() and abs(v.mean() - 4) < 0.6),
    (lambda t, **k: t.cauchy_(5, 1, **k), lambda v: abs(np.median(v) - 5) < 0.2),
    (lambda t, **k: t.bernoulli_(0.5, **k), lambda v: set(v.tolist()) == {0, 1}),
    (lambda t, **k: t.random_(2, 5, **k), lambda v: set(v.tolist()) == {2, 3, 4}),
    (lambda t, **k: t.random_(3, **k), lambda v: set(v.tolist()) == {0, 1, 2}),
    (lambda t, **k: t.random_(**k), lambda v: v.max() <= 2 ** 24 and (v == np.floor(v)).all()
     and v.std() > 0),
]


@pytest.mark.parametrize(("fill", "right"), FILLS)
def test_a_tensor_fills_itself(fill, right):
    x = tensor(np.zeros(1000, np.float32))
    assert fill(x) is x
    assert x.dtype == "float32" and right(x.numpy())
    first = x.tolist()
    assert fill(x, generator=Generator()).tolist() == first
    assert fill(x).tolist() != first
    assert default_generator().draws == 2


def test_a_view_fills_its_part_of_the_base():
    x = tensor(np.zeros((3, 2), np.float32))
    x[1].uniform_(1, 2)
    assert (x.numpy() > 0).tolist() == [[False] * 2, [True] * 2, [False] * 2]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
def test_random_fills_integers_with_all_their_bits_but_the_sign(dtype):
    x = tensor(np.zeros(2000, dtype)).random_().numpy()
    assert x.dtype == dtype and x.min() >= 0
    most = float(np.iinfo(dtype).max)
    assert abs(x.astype(float).mean() / most - 0.5) < 0.05 and x.max() > most * 0.95


def test_fills_of_the_wrong_dtype_and_wrong_words_are_refused():
    with pytest.raises(DTypeError, match="normal_: expects a floating tensor, got int64"):
        tensor([1, 2]).normal_()
    with pytest.raises(ArgumentError, match="unexpected keyword argument 'upto'"):
        tensor([1.0]).uniform_(upto=3)
    with pytest.raises(ArgumentError, match="low 3 must be less than high 3"):
        tensor([1.0]).random_(3, 3)

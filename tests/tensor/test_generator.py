"""Generators: a stream of numbers is a matter of seed and count of draws, and of nothing else."""

from __future__ import annotations

import copy
import pickle
import threading
import time

import numpy as np
import pytest

from tricord import settings
from tricord.errors import ArgumentError
from tricord.functions import random
from tricord.ir.ops.random_bits import philox4x32
from tricord.nn.functional import dropout
from tricord.runtime.devices import device_names
from tricord.tensor import tensor
from tricord.tensor.aside import aside
from tricord.tensor.control import scan
from tricord.tensor.generator import DEFAULT_SEED, Generator, default_generator, replace_default
from tricord.tensor.recorder import cut, recording_gradients, state, value_of
from tricord.tensor.transforms import checkpoint, jvp, vmap


@pytest.fixture(autouse=True)
def own_default():
    """Each test draws from a default generator of its own, and leaves the thread's as it was."""
    outer = replace_default(Generator())
    yield
    replace_default(outer)


DRAWS = [
    lambda g: g.uniform((3,)), lambda g: g.normal((2, 2), 1.0, 2.0, "float64"),
    lambda g: g.randint(0, 1000, (5,)), lambda g: g.permutation(7), lambda g: g.mask((9,), 0.5),
    lambda g: g.truncated_normal((4,)), lambda g: g.exponential((2,)), lambda g: g.gumbel((2,)),
    lambda g: g.bernoulli(0.5, (8,)), lambda g: g.bernoulli(tensor([0.5] * 8)),
    lambda g: g.multinomial(tensor([1.0, 2.0, 3.0]), 2), lambda g: g.poisson(tensor([3.0, 50.0])),
    lambda g: tensor([0.0] * 4).normal_(generator=g), lambda g: dropout(tensor([1.0] * 9),
                                                                        generator=g),
]


def stream(generator, between=lambda i, drawn: None, rounds=2):
    """The numbers of every kind of draw; ``between`` runs after each."""
    made = []
    for i in range(rounds * len(DRAWS)):
        made.append(DRAWS[i % len(DRAWS)](generator))
        between(i, made[-1])
    return [value_of(h).tolist() for h in made]


def draw_aside(i, drawn):
    with aside():
        tensor([1.0]) + 1


def other_work(i, drawn):
    x = tensor([1.0, 2.0], requires_grad=True)
    (x * i).sum().backward()


@pytest.mark.parametrize("between", [
    lambda i, drawn: value_of(drawn), lambda i, drawn: value_of(drawn) if i % 3 == 1 else None,
    lambda i, drawn: cut(), draw_aside, other_work, lambda i, drawn: Generator(1).uniform((3,)),
])
def test_the_stream_does_not_depend_on_what_happens_between_draws(between):
    assert stream(Generator(7), between) == stream(Generator(7))


def test_the_stream_does_not_depend_on_the_budget_of_nodes_or_on_gradients():
    expected = stream(Generator(7), rounds=6)
    with settings.override(node_budget=16):
        cuts = state.cuts
        assert stream(Generator(7), rounds=6) == expected
        assert state.cuts > cuts + 2
    with recording_gradients(False):
        assert stream(Generator(7), rounds=6) == expected


def test_numbers_do_not_depend_on_the_order_in_which_they_are_looked_at():
    first, second = Generator(7), Generator(7)
    a = [first.normal((3,)) for _ in range(4)]
    b = [second.normal((3,)) for _ in range(4)]
    assert [t.tolist() for t in reversed(a)] == [t.tolist() for t in b][::-1]


def test_initial_values_drawn_in_numpy_are_draws_of_the_same_stream():
    sampled, drawn = Generator(7), Generator(7)
    for _ in range(2):
        value = sampled.sample(random.uniform, (3,), -1.0, 1.0)
        assert value.tolist() == drawn.uniform((3,), -1.0, 1.0).tolist()
    assert sampled.normal((2,)).tolist() == drawn.normal((2,)).tolist()


@pytest.mark.parametrize("seed", [0, 5, -1, 2 ** 32, 2 ** 64 - 1])
def test_a_draw_is_philox_of_seed_and_number(seed):
    generator = Generator(seed)
    generator.uniform((1,))
    found = generator.uniform((6,)).numpy()
    zero = np.zeros(2, np.uint32)
    words = philox4x32([np.arange(2, dtype=np.uint32), zero, zero + 1, zero],
                       (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF))
    expected = np.stack(words, 1).reshape(-1)[:6] >> 8
    np.testing.assert_array_equal(found, expected * np.float32(2.0 ** -24))


def test_seeds_and_draws_that_differ_in_any_word_give_other_numbers():
    states = [(0, 0), (1, 0), (2 ** 32, 0), (0, 1), (0, 2 ** 32)]
    found = [tuple(Generator().set_state(np.array(s, np.uint64).view(np.uint8)).normal(
        (4,)).tolist()) for s in states]
    assert len({number for sample in found for number in sample}) == 20


@pytest.mark.parametrize("looking", [True, False])
def test_the_count_of_draws_passes_32_bits(looking):
    generator = Generator().set_state(np.array([3, 2 ** 32 - 2], np.uint64).view(np.uint8))
    drawn = []
    for _ in range(4):
        drawn.append(generator.uniform((2,)))
        if looking:
            drawn[-1].tolist()
    assert generator.draws == 2 ** 32 + 2
    for i, d in enumerate(drawn):
        again = Generator().set_state(np.array([3, 2 ** 32 - 2 + i], np.uint64).view(np.uint8))
        assert d.tolist() == again.uniform((2,)).tolist()


# ---- seeds and states

def test_seeding_starts_again():
    generator = Generator(5)
    first = generator.normal((3,)).tolist()
    pending = generator.normal((3,))
    assert generator.manual_seed(5) is generator
    assert generator.normal((3,)).tolist() == first  # nothing was looked at in between
    assert pending.tolist() != first
    assert (generator.initial_seed(), generator.draws) == (5, 1)


def test_a_seed_of_the_operating_systems_is_another_each_time_and_can_be_repeated():
    generator = Generator()
    seeds = {generator.seed() for _ in range(5)}
    assert len(seeds) == 5
    assert generator.normal((3,)).tolist() == Generator(generator.initial_seed()).normal(
        (3,)).tolist()


@pytest.mark.parametrize("seed", [1.5, 2 ** 64, -(2 ** 63) - 1])
def test_seeds_are_whole_numbers_of_64_bits(seed):
    with pytest.raises(ArgumentError, match=r"must be a whole number|must fit into 64 bits"):
        Generator(seed)
    with pytest.raises(ArgumentError, match="manual_seed"):
        Generator().manual_seed(seed)


def test_a_device_may_stand_first_as_in_pytorch():
    assert Generator("cpu").initial_seed() == DEFAULT_SEED
    assert Generator(device="cpu").device == "cpu"


def test_a_state_goes_on_where_it_was_taken():
    generator = Generator(9)
    generator.normal((3,))
    kept = generator.get_state()
    assert (kept.shape, kept.dtype) == ((16,), "uint8")
    expected = stream(generator)
    assert generator.set_state(kept) is generator
    assert stream(generator) == expected
    assert stream(Generator().set_state(kept.numpy().copy())) == expected


@pytest.mark.parametrize("copied", [
    lambda g: g.clone_state(), copy.copy, copy.deepcopy,
    lambda g: pickle.loads(pickle.dumps(g))])
def test_copies_go_on_alike_and_on_their_own(copied):
    generator = Generator(9)
    generator.normal((3,))
    twin = copied(generator)
    assert twin is not generator
    assert stream(twin) == stream(generator)
    generator.normal((3,))
    assert twin.draws == generator.draws - 1


@pytest.mark.parametrize("wrong", [np.zeros(15, np.uint8), np.zeros(2, np.uint64), [1, 2]])
def test_what_is_no_state_is_refused(wrong):
    generator = Generator(4)
    with pytest.raises(ArgumentError, match="expected the 16 bytes that get_state gave"):
        generator.set_state(wrong)
    assert generator.normal((2,)).tolist() == Generator(4).normal((2,)).tolist()


# ---- threads

def in_threads(count, work):
    """The results of ``work(number)`` in as many threads at once."""
    results, start = [None] * count, threading.Barrier(count)

    def run(number):
        start.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def test_each_thread_has_a_default_generator_of_its_own():
    default_generator().manual_seed(123)
    expected = stream(Generator(DEFAULT_SEED))
    assert in_threads(3, lambda i: stream(default_generator())) == [expected] * 3
    assert default_generator().draws == 0
    assert stream(default_generator()) == stream(Generator(123))


def test_what_a_thread_draws_does_not_depend_on_the_others():
    def work(number):
        default_generator().manual_seed(number)
        return stream(default_generator(), lambda i, d: value_of(d) if number % 2 else None)

    assert in_threads(4, work) == [stream(Generator(i)) for i in range(4)]


def test_numbers_drawn_in_one_thread_may_be_looked_at_in_another():
    [pending] = in_threads(1, lambda i: Generator(3).normal((4,)) * 2)
    assert pending.tolist() == (Generator(3).normal((4,)) * 2).tolist()


class Slow(Generator):
    """Lets other threads come in between at the worst moment."""

    @property
    def _base(self):
        return self.base

    @_base.setter
    def _base(self, value):
        self.base = value
        time.sleep(1e-4)


def test_threads_that_share_a_generator_never_get_the_same_draw():
    shared, each = Slow(3), 50
    drawn = in_threads(4, lambda i: [shared.next_key() for _ in range(each)])
    numbers = {int(value_of(key)[2]) + ordinal for part in drawn for key, ordinal in part}
    assert numbers == set(range(4 * each))
    assert shared.draws == 4 * each


# ---- devices

@pytest.mark.parametrize("device", device_names())
def test_draws_on_any_device_count_alike(device):
    generator, other = Generator(7), Generator(7)
    expected = [DRAWS[i](other) for i in range(len(DRAWS))]
    with settings.override(device=device):
        found = [draw(generator) for draw in DRAWS]
        values = [value_of(h) for h in found]
    for value, wanted in zip(values, expected, strict=True):
        assert (value.shape, value.dtype) == (tuple(wanted.shape), wanted.dtype.numpy)
        if device != "null":
            np.testing.assert_array_equal(value, value_of(wanted))
    assert generator.normal((3,)).tolist() == other.normal((3,)).tolist()


# ---- traced functions

def test_all_examples_of_a_vmap_share_one_draw():
    generator, outside = Generator(7), Generator(7)
    found = vmap(lambda x: x + generator.normal((3,)))(tensor(np.zeros((4, 3), np.float32)))
    expected = outside.normal((3,)).tolist()
    assert found.tolist() == [expected] * 4
    assert generator.normal((2,)).tolist() == outside.normal((2,)).tolist()


def test_a_vmap_over_numbers_drawn_outside_gives_each_example_its_own():
    noise = Generator(7).normal((4, 3))
    found = vmap(lambda x, n: x + n)(tensor(np.zeros((4, 3), np.float32)), noise)
    assert found.tolist() == noise.tolist()


def test_all_steps_of_a_scan_share_one_draw():
    generator = Generator(7)
    xs = tensor(np.zeros((3, 2), np.float32))
    _, found = scan(lambda c, x: (c, x + generator.uniform((2,))), tensor(0.0), xs)
    assert found.tolist() == [Generator(7).uniform((2,)).tolist()] * 3
    assert generator.draws == 1


def test_a_traced_function_draws_what_it_would_have_drawn_outside():
    x = tensor([1.0, 2.0])
    traced, plain = Generator(7), Generator(7)

    def noisy(generator):
        return lambda x: x * generator.normal((2,)) + generator.uniform((2,))

    value, slope = jvp(noisy(traced), (x,), (tensor([1.0, 1.0]),))
    again = Generator(7)
    assert value.tolist() == noisy(plain)(x).tolist()
    assert slope.tolist() == again.normal((2,)).tolist()


def test_a_checkpoint_computes_its_draws_again_with_the_same_numbers():
    def layer(generator):
        return lambda x: dropout(x * x, 0.5, generator=generator) * generator.uniform((40,))

    found = []
    for call in (checkpoint, lambda function, x: function(x)):
        generator = Generator(7)
        x = tensor(np.arange(1, 41, dtype=np.float32), requires_grad=True)
        y = call(layer(generator), x)
        y.sum().backward()
        found.append((y.tolist(), x.grad.tolist(), generator.draws))
    assert found[0] == found[1]
    dropped = np.array(found[0][0]) == 0
    assert 0 < dropped.sum() < 40
    np.testing.assert_array_equal(np.array(found[0][1]) == 0, dropped)


def test_a_step_that_draws_is_compiled_once():
    generator = Generator(7)
    x = tensor(np.ones(50, np.float32))
    seen = []

    def step():
        return dropout(x, 0.5, generator=generator).tolist()

    for _ in range(3):
        seen.append(tuple(step()))
    built = state.programs_built
    seen += [tuple(step()) for _ in range(3)]
    assert state.programs_built == built
    assert len(set(seen)) == 6

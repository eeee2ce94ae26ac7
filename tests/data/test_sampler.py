"""Samplers: orders are functions of (seed, epoch), and have the right distribution."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from tricord.errors import ArgumentError, EmptyDataError


def test_iterating_by_hand_moves_to_the_next_epoch():
    sampler = RandomSampler(range(20), generator=1)
    first, second = list(sampler), list(sampler)
    assert first != second and sorted(first) == list(range(20)) and len(sampler) == 20
    sampler.set_epoch(0)
    assert list(sampler) == first
    assert sampler.order(1).tolist() == second


def test_an_order_stays_what_it_was():
    """Frozen: another order after an update would change everybody's results."""
    assert RandomSampler(range(8), generator=0).order(0).tolist() == FROZEN_ORDER
    assert RandomSampler(range(8), True, 6, generator=1).order(2).tolist() == FROZEN_DRAWS


FROZEN_ORDER = [5, 3, 7, 2, 4, 1, 0, 6]
FROZEN_DRAWS = [5, 4, 4, 2, 3, 5]


def test_more_samples_than_there_are_come_in_whole_orders():
    order = RandomSampler(range(5), num_samples=12, generator=3).order(0)
    assert len(order) == 12
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert order[:5].tolist() != order[5:10].tolist()


def test_with_replacement_every_index_is_as_likely(rng):
    order = RandomSampler(range(4), replacement=True, num_samples=40_000, generator=1).order(0)
    counts = np.bincount(order, minlength=4)
    assert np.abs(counts - 10_000).max() < 400  # 4.6 standard deviations


def test_weights_are_probabilities():
    weights = [0.0, 1.0, 3.0, 0.0]
    order = WeightedRandomSampler(weights, 40_000, generator=1).order(0)
    counts = np.bincount(order, minlength=4)
    assert counts[0] == counts[3] == 0 and abs(counts[1] - 10_000) < 400


def test_without_replacement_no_index_comes_twice_and_weights_count():
    firsts = []
    for seed in range(2000):
        order = WeightedRandomSampler([1, 0, 3, 1], 3, replacement=False, generator=seed).order(0)
        assert sorted(order) == [0, 2, 3]
        firsts.append(order[0])
    assert abs(firsts.count(2) / 2000 - 0.6) < 0.05


def test_a_subset_is_shuffled():
    sampler = SubsetRandomSampler([10, 20, 30, 40], generator=2)
    assert sorted(sampler) == [10, 20, 30, 40] and len(sampler) == 4


def test_batches_of_any_sampler():
    assert list(BatchSampler("abcde", 2, True)) == [["a", "b"], ["c", "d"]]
    batches = BatchSampler(SequentialSampler(range(5)), 2, False)
    assert list(batches) == [[0, 1], [2, 3], [4]] and len(batches) == 3
    assert len(BatchSampler(range(5), 2, True)) == 2


def test_a_state_brings_back_seed_and_epoch():
    sampler = RandomSampler(range(9), generator=4)
    list(sampler)
    other = RandomSampler(range(9))
    other.load_state_dict(sampler.state_dict())
    assert list(other) == list(sampler)


@pytest.mark.parametrize(("make", "error", "says"), [
    (lambda: RandomSampler([]), EmptyDataError, "but got num_samples=0"),
    (lambda: RandomSampler([1], num_samples=0), ArgumentError, "positive integer value"),
    (lambda: RandomSampler([1], replacement=1), ArgumentError, "should be a boolean value"),
    (lambda: BatchSampler([1], 1.5), ArgumentError, "batch_size=1.5"),
    (lambda: BatchSampler([1], 1, 0), ArgumentError, "drop_last should be a boolean"),
    (lambda: WeightedRandomSampler([[1.0]], 1), ArgumentError, "1d sequence"),
    (lambda: WeightedRandomSampler([1.0, -1.0], 1), ArgumentError, "not negative"),
    (lambda: WeightedRandomSampler([1.0, 0.0], 2, False), ArgumentError, "1 weights are above"),
    (lambda: iter(Sampler()), NotImplementedError, "needs a method __iter__"),
])
def test_arguments_that_make_no_sense_are_refused(make, error, says):
    with pytest.raises(error, match=says):
        make()

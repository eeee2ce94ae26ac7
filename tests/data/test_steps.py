"""How many batches an epoch has: one meaning for lists, loaders, generators (P20.1, P26.1)."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.data import DataLoader, TensorDataset
from tricord.data.steps import EpochStream, known_length, require_batches
from tricord.errors import ArgumentError, EmptyDataError


def generator(count):
    yield from range(count)


def epochs(stream):
    return [list(stream.epoch()) for _ in range(stream.epochs)]


def test_one_pass_is_an_epoch():
    assert epochs(EpochStream([1, 2, 3], epochs=2)) == [[1, 2, 3]] * 2
    assert epochs(EpochStream(generator(3))) == [[0, 1, 2]]
    loader = DataLoader(TensorDataset(np.arange(4)), batch_size=3)
    stream = EpochStream(loader, epochs=2)
    assert stream.steps == 2 and [len(e) for e in epochs(stream)] == [2, 2]


@pytest.mark.parametrize("steps", range(1, 9))
def test_any_number_of_steps_of_a_list_is_delivered(steps):
    delivered = epochs(EpochStream([0, 1, 2], steps_per_epoch=steps, epochs=3))
    assert [len(e) for e in delivered] == [steps] * 3
    assert sum(delivered, []) == [i % 3 for i in range(3 * steps)]  # noqa: RUF017


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_finite_generator_gives_the_right_number_or_an_error_with_both(steps):
    stream = EpochStream(generator(8), steps_per_epoch=steps, epochs=2)
    if 2 * steps <= 8:
        assert [len(e) for e in epochs(stream)] == [steps, steps]
    else:
        with pytest.raises(EmptyDataError, match=f"ended after 8 batches.* need {2 * steps}"):
            epochs(stream)


def test_an_iterator_of_known_length_is_refused_before_the_first_epoch():
    class Counted:
        def __len__(self):
            return 5

        def __iter__(self):
            return self

        def __next__(self):
            raise AssertionError("read before it was checked")

    with pytest.raises(EmptyDataError, match="ended after 5 batches, but 2 epochs of 3 steps"):
        EpochStream(Counted(), steps_per_epoch=3, epochs=2)


def test_a_generator_for_several_epochs_is_refused_before_the_first():
    with pytest.raises(ArgumentError, match="epochs=2, but the data are an iterator"):
        EpochStream(generator(3), epochs=2)


def test_an_endless_generator_is_read_no_further_than_needed():
    read = []

    def endless():
        while True:
            read.append(len(read))
            yield read[-1]

    stream = EpochStream(endless(), steps_per_epoch=2, epochs=2)
    assert epochs(stream) == [[0, 1], [2, 3]] and len(read) == 4


@pytest.mark.parametrize("data", [[], (x for x in range(9) if x > 9),
                                  DataLoader(TensorDataset(np.zeros((0, 2)))),
                                  DataLoader(TensorDataset(np.zeros(3)), 4, drop_last=True)],
                         ids=["list", "filtered", "loader", "dropped"])
def test_nothing_to_train_on_is_an_error_before_step_0(data):
    with pytest.raises(EmptyDataError):
        EpochStream(data, steps_per_epoch=5)


def test_an_iterable_without_a_length_that_is_empty_says_so():
    class Nothing:
        def __iter__(self):
            return iter(())

    with pytest.raises(EmptyDataError, match="gave no batch"):
        list(EpochStream(Nothing()).epoch())
    with pytest.raises(EmptyDataError, match="validation data gave no batch"):
        require_batches([], "validation data")


def test_lengths_are_known_where_there_is_one():
    assert known_length(DataLoader(TensorDataset(np.arange(5)), 2)) == 3
    assert known_length(generator(3)) is None
    with pytest.raises(ArgumentError, match="positive number or None, got 0"):
        EpochStream([1], steps_per_epoch=0)

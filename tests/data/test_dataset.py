"""Data sets made of arrays and of other data sets, and how they are split."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.data import sets
from tricord.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
    train_validation_split,
)
from tricord.errors import (
    ArgumentError,
    EmptyDataError,
    IndexRangeError,
    NotSupportedError,
    ShapeError,
)
from tricord.tensor import tensor


def test_rows_of_tensors_are_tensors():
    data = TensorDataset(tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([0, 1]))
    x, y = data[1]
    assert x.tolist() == [3.0, 4.0] and y.item() == 1 and len(data) == 2
    columns = data.take(np.array([1, 1, 0]))
    assert [column.tolist() for column in columns] == [[[3, 4], [3, 4], [1, 2]], [1, 1, 0]]


@pytest.mark.parametrize(("tensors", "error", "says"), [
    ((np.zeros(3), np.zeros(4)), ShapeError, r"Size mismatch between tensors.*\(3,\), \(4,\)"),
    ((np.float32(1),), ShapeError, "needs a first axis"),
    ((), ArgumentError, "at least one array"),
])
def test_arrays_that_do_not_fit_are_refused(tensors, error, says):
    with pytest.raises(error, match=says):
        TensorDataset(*tensors)


def test_a_data_set_without_its_method_says_which():
    class Nothing(Dataset):
        pass

    class NoStream(IterableDataset):
        pass

    with pytest.raises(NotImplementedError, match="Nothing needs a method __getitem__"):
        Nothing()[0]
    with pytest.raises(NotImplementedError, match="NoStream needs a method __iter__"):
        iter(NoStream())
    with pytest.raises(NotSupportedError, match="does not hold its samples as arrays"):
        Nothing().take(np.arange(1))


def test_concatenation_counts_from_both_ends():
    both = sets.Squares(3) + sets.Squares(2)
    assert isinstance(both, ConcatDataset) and len(both) == 5
    assert [both[i][1] for i in (0, 2, 3, 4, -1, -5)] == [0, 2, 0, 1, 1, 0]
    for index in (5, -6):
        with pytest.raises(IndexError):
            both[index]


def test_concatenated_rows_are_taken_in_the_order_asked():
    parts = ConcatDataset([TensorDataset(np.arange(4)), TensorDataset(np.arange(10, 13)),
                           TensorDataset(np.arange(20, 22))])
    wanted = np.array([8, 0, 4, 4, 3, -1, 7])
    assert parts.take(wanted)[0].tolist() == [parts[int(i)][0] for i in wanted]
    with pytest.raises(IndexRangeError, match="index 9 is out of range for 9"):
        parts.take(np.array([0, 9]))


def test_concatenation_takes_no_streams_and_not_nothing():
    with pytest.raises(ArgumentError, match="does not support IterableDataset"):
        ConcatDataset([sets.Stream(3)])
    with pytest.raises(EmptyDataError, match="should not be an empty iterable"):
        ConcatDataset([])


def test_streams_are_chained_by_adding():
    chain = sets.Stream(2) + sets.Stream(3)
    assert isinstance(chain, ChainDataset) and list(chain) == [0, 1, 0, 1, 2]
    with pytest.raises(ArgumentError, match="only supports IterableDataset"):
        list(ChainDataset([sets.Squares(2)]))


def test_stacking_puts_samples_side_by_side():
    assert StackDataset([1, 2], [3, 4])[1] == (2, 4)
    assert StackDataset(a=[1, 2], b=[3, 4])[0] == {"a": 1, "b": 3}
    with pytest.raises(ShapeError, match=r"lengths are \[1, 2\]"):
        StackDataset([1], [1, 2])


def test_a_subset_of_a_subset_finds_its_rows():
    inner = Subset(TensorDataset(np.arange(10) * 10), [9, 7, 5, 3])
    outer = Subset(inner, [3, 0])
    assert outer[0][0] == 30 and outer.take(range(2))[0].tolist() == [30, 90]
    assert outer.__getitems__([1])[0][0] == 90


# ------------------------------------------------------------------------------------ splitting


def test_a_split_by_lengths_is_a_partition_and_repeats():
    parts = random_split(range(10), [7, 3], generator=5)
    assert [len(part) for part in parts] == [7, 3]
    assert sorted(i for part in parts for i in part) == list(range(10))
    assert [p.indices for p in parts] == [
        p.indices for p in random_split(range(10), [7, 3], generator=5)]
    assert parts[0].indices != random_split(range(10), [7, 3], generator=6)[0].indices


def test_a_split_by_fractions_gives_the_rest_in_turn():
    assert [len(p) for p in random_split(range(11), [0.5, 0.25, 0.25])] == [6, 3, 2]
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(2), [0.9, 0.1])[1:]


@pytest.mark.peers("torch")
@pytest.mark.parametrize("fractions", [[0.5, 0.25, 0.25], [0.1, 0.9], [0.33, 0.33, 0.34]])
@pytest.mark.parametrize("count", [1, 7, 10, 101])
def test_a_split_by_fractions_has_the_lengths_of_pytorch(count, fractions):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torch.utils.data.random_split(range(count), fractions)
        ours = random_split(range(count), fractions)
    assert [len(p) for p in ours] == [len(p) for p in theirs]


@pytest.mark.parametrize(("lengths", "says"), [
    ([3, 3], r"Sum of input lengths does not equal.*3 \+ 3 = 6, the data set has 10"),
    ([1.5, -0.5], "Fraction at index 0 is not between 0 and 1"),
])
def test_lengths_that_do_not_fit_are_refused(lengths, says):
    with pytest.raises(ValueError, match=says):
        random_split(range(10), lengths)


def test_a_validation_part_can_be_the_end_or_stratified():
    train, validation = train_validation_split(range(10), 0.2, shuffle=False)
    assert list(train) == list(range(8)) and list(validation) == [8, 9]
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    train, validation = train_validation_split(range(100), 0.1, stratify=labels)
    assert np.bincount(labels[validation.indices]).tolist() == [5, 3, 2]
    assert sorted([*train, *validation]) == list(range(100))


@pytest.mark.parametrize(("count", "part"), [(0, "training"), (1, "validation")])
def test_a_split_that_leaves_nothing_is_an_error(count, part):  # P26.1
    with pytest.raises(EmptyDataError, match=f"of {count} samples leaves the {part} part empty"):
        train_validation_split(range(count), 0.5)

"""Where batches come from: every kind of data with one meaning, refused early if they are wrong."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from tricord.data import DataLoader, TensorDataset
from tricord.errors import ArgumentError, EmptyDataError, NonFiniteError, ShapeError
from tricord.tensor import tensor
from tricord.train import BatchSequence, source_of, unpack


def data(n: int = 10) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n * 2, dtype=np.float32).reshape(n, 2), np.arange(n)


def seen(source: Any, number: int = 0, start: int = 0) -> list[Any]:
    return [batch[-1].tolist() for batch in source.epoch(number, start)]


class Batches(BatchSequence):
    def __init__(self) -> None:
        self.ended = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 2), index, np.float32), np.full(2, index)

    def on_epoch_end(self) -> None:
        self.ended += 1


def test_arrays_in_order_are_views() -> None:
    x, y = data()
    source = source_of(x, y, batch_size=4, shuffle=False)
    batches = list(source.epoch(0))
    assert source.steps == 3 and [b[1].tolist() for b in batches] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert np.shares_memory(batches[0][0]._value, x)


def test_shuffling_is_a_function_of_seed_and_pass() -> None:
    x, y = data(20)

    def orders(seed: int) -> list[Any]:
        source = source_of(x, y, batch_size=3, seed=seed)
        return [seen(source, number) for number in (0, 1, 0)]

    first, second, again = orders(1)
    assert first == again and first != second and orders(1)[0] == first != orders(2)[0]
    assert sorted(i for batch in first for i in batch) == list(range(20))


def test_a_pass_can_start_anywhere() -> None:
    x, y = data(20)
    for shuffle in (True, False, "batch"):
        source = source_of(x, y, batch_size=3, shuffle=shuffle)
        whole = seen(source, 4)
        assert [seen(source, 4, k) for k in range(7)] == [whole[k:] for k in range(7)]


def test_shuffling_by_batch_keeps_neighbours_together() -> None:
    x, y = data(12)
    found = seen(source_of(x, y, batch_size=4, shuffle="batch"))
    assert sorted(found) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_nested_inputs_keep_their_structure() -> None:
    x, y = data(4)
    (batch,) = source_of({"a": x, "b": [x, tensor(x)]}, (y, y), batch_size=4).epoch(0)
    assert set(batch[0]) == {"a", "b"} and isinstance(batch[0]["b"], list)
    assert isinstance(batch[1], tuple) and batch[1][1].shape == (4,)


def test_lists_of_numbers_are_arrays_and_doubles_become_floats() -> None:
    (batch,) = source_of([[1.0, 2.0], [3.0, 4.0]], [0, 1], shuffle=False).epoch(0)
    assert batch[0].tolist() == [[1.0, 2.0], [3.0, 4.0]] and batch[0].dtype.name == "float32"
    assert batch[1].dtype.name == "int64"


def test_every_kind_of_data_gives_the_same_batches() -> None:
    x, y = data(6)

    def generator() -> Any:
        for i in range(3):
            yield x[2 * i:2 * i + 2], y[2 * i:2 * i + 2]

    class Again:
        def __iter__(self) -> Any:
            return generator()

    class Samples:
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> Any:
            return x[index], y[index]

    kinds = [source_of(x, y, batch_size=2, shuffle=False),
             source_of(tensor(x), tensor(y), batch_size=2, shuffle=False),
             source_of(TensorDataset(x, y), batch_size=2, shuffle=False),
             source_of(DataLoader(TensorDataset(x, y), batch_size=2)),
             source_of(Samples(), batch_size=2, shuffle=False),
             source_of(generator()), source_of(Again())]
    for source in kinds:
        got = [(b[0].tolist(), b[1].tolist()) for b in source.epoch(0)]
        assert got == [(x[i:i + 2].tolist(), y[i:i + 2].tolist()) for i in (0, 2, 4)]


def test_a_sequence_is_read_by_number_and_told_of_the_end() -> None:
    batches = Batches()
    source = source_of(batches, shuffle=False)
    assert source.steps == 3 and seen(source) == [[0, 0], [1, 1], [2, 2]]
    source.end_epoch()
    assert batches.ended == 1
    assert sorted(seen(source_of(batches, shuffle=True), 1)) == [[0, 0], [1, 1], [2, 2]]


def test_arrays_of_a_generator_are_copied() -> None:
    buffer = np.zeros((1, 1), np.float32)

    def reusing() -> Any:
        for i in range(3):
            buffer[:] = i
            yield buffer, buffer

    first, *_ = source_of(reusing()).epoch(0)  # all of them, before looking
    assert first[0].item() == 0.0


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7])
def test_steps_per_epoch_over_arrays_go_round(steps: int) -> None:
    x, y = data(10)
    source = source_of(x, y, batch_size=4, shuffle=False, steps=steps)
    found = seen(source, 0) + seen(source, 1)
    whole = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] * 10
    assert found == whole[:2 * steps]


@pytest.mark.parametrize("steps", range(1, 8))
def test_a_finite_generator_gives_the_steps_asked_for_or_both_numbers(steps: int) -> None:
    def six() -> Any:
        for i in range(6):
            yield np.full((1, 1), i, np.float32), np.full(1, i)

    source = source_of(six(), steps=steps, epochs=2)
    if 2 * steps <= 6:
        assert len(seen(source, 0)) + len(seen(source, 1)) == 2 * steps
    else:
        with pytest.raises(EmptyDataError, match=rf"after 6 batches.*2 epochs of {steps} steps"):
            seen(source, 0), seen(source, 1)


def test_a_generator_over_several_epochs_is_refused_before_the_first() -> None:
    with pytest.raises(ArgumentError, match="epochs=3, but the data are an iterator"):
        source_of(iter([(1, 2)]), epochs=3)


def empty_generator() -> Any:
    yield from ()


@pytest.mark.parametrize("make", [
    lambda: source_of(np.zeros((0, 2)), np.zeros(0)), lambda: source_of([], []),
    lambda: source_of(empty_generator()), lambda: source_of(DataLoader(TensorDataset(
        np.zeros((3, 1))), batch_size=4, drop_last=True)),
    lambda: source_of(TensorDataset(np.zeros((0, 1))))])
def test_nothing_to_train_on_is_said_at_once(make: Any) -> None:
    start = time.monotonic()
    with pytest.raises(EmptyDataError):
        list(make().epoch(0))
    assert time.monotonic() - start < 1


def test_different_lengths_are_named() -> None:
    x, y = data(5)
    with pytest.raises(ShapeError, match=r"Data cardinality is ambiguous.*x has 5, y has 4"):
        source_of(x, y[:4])
    with pytest.raises(ShapeError, match=r"x\['b'\] has 3"):
        source_of({"a": x, "b": x[:3]}, y)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_bad_numbers_are_named_with_their_row(value: float) -> None:
    x, y = data(40)
    x[17, 1] = value
    with pytest.raises(NonFiniteError, match=rf"x holds {value} in row 17, column 1"):
        source_of(x, y)
    assert source_of(x, y, check=False).steps == 2
    target = y.astype(np.float32)
    target[3] = np.nan
    with pytest.raises(NonFiniteError, match="y holds nan in row 3"):
        source_of(np.zeros((40, 2)), target)


def test_class_weights_become_sample_weights() -> None:
    x, _ = data(4)
    labels = np.array([0, 1, 2, 1])
    expected = [1.0, 3.0, 0.5, 3.0]
    hot = np.eye(3)[labels]
    for target in (labels, labels[:, None], hot, tensor(labels)):
        (batch,) = source_of(x, target, class_weight={1: 3.0, 2: 0.5}, shuffle=False).epoch(0)
        assert batch[2].tolist() == expected
    (batch,) = source_of(iter([(x, labels)]), class_weight={1: 3.0, 2: 0.5}).epoch(0)
    assert batch[2].tolist() == expected
    with pytest.raises(ArgumentError, match="at the same time"):
        source_of(x, labels, np.ones(4), class_weight={1: 3.0})


@pytest.mark.parametrize("call", [
    lambda x, y: source_of(None), lambda x, y: source_of(x, y, batch_size=0),
    lambda x, y: source_of(x, y, batch_size=2.5), lambda x, y: source_of(x, y, shuffle="yes"),
    lambda x, y: source_of(TensorDataset(x, y), y), lambda x, y: source_of(3),
    lambda x, y: source_of(iter([x]), y), lambda x, y: source_of(x, y, steps=0)])
def test_what_makes_no_sense_is_refused(call: Any) -> None:
    with pytest.raises(ArgumentError):
        call(*data())


def test_unpacking() -> None:
    assert unpack((1, 2, 3)) == (1, 2, 3) and unpack([1, 2]) == (1, 2, None)
    assert unpack({"a": 1}) == ({"a": 1}, None, None)
    with pytest.raises(ArgumentError, match="a tuple of 4 elements"):
        unpack((1, 2, 3, 4))

"""Loaders, side by side with PyTorch's: batches, types, lengths and refusals."""

from __future__ import annotations

import collections
from collections.abc import Mapping

import numpy as np
import pytest

import tricord.data as ours
from tricord.tensor import Tensor

pytestmark = pytest.mark.peers("torch")

Point = collections.namedtuple("Point", "x y")


@pytest.fixture
def theirs():
    return pytest.importorskip("torch").utils.data


def described(batch):
    """A batch as plain data that shows structure, dtypes and values."""
    if hasattr(batch, "numpy"):
        array = batch.numpy()
        return "tensor", array.dtype.name, array.tolist()
    if isinstance(batch, Mapping):
        return type(batch).__name__, {key: described(value) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch).__name__, [described(value) for value in batch]
    return batch


SAMPLES = {
    "ints": [1, 2, 3],
    "floats": [1.0, 2.5, 3.0],
    "bools": [True, False, True],
    "strings": ["a", "b", "c"],
    "arrays": [np.arange(2, dtype=np.float32) + i for i in range(3)],
    "numpy numbers": [np.float32(1), np.float32(2), np.float32(3)],
    "integers of a byte": [np.uint8(i) for i in range(3)],
    "zero axes": [np.array(i) for i in range(3)],
    "tuples": [(i, np.ones(2)) for i in range(3)],
    "lists": [[i, "s"] for i in range(3)],
    "dicts": [{"a": i, "b": (1.0, "x")} for i in range(3)],
    "ordered": [collections.OrderedDict(a=i) for i in range(3)],
    "named": [Point(i, 2.0) for i in range(3)],
    "nested": [{"p": Point(np.zeros(1), [i])} for i in range(3)],
    "bytes": [b"a", b"b", b"c"],
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_collated_batches_are_the_same(theirs, kind):
    samples = SAMPLES[kind]
    for options in ({"batch_size": 2}, {"batch_size": None}, {"batch_size": 2, "drop_last": True}):
        expected = [described(b) for b in theirs.DataLoader(samples, **options)]
        assert [described(b) for b in ours.DataLoader(samples, **options)] == expected


def test_batches_hold_tensors():
    [batch] = ours.DataLoader([1.0, 2.0], batch_size=2)
    assert type(batch) is Tensor


@pytest.mark.parametrize("samples", [
    [object(), object()], [None, None], [[1], [1, 2]], [np.zeros(2), np.zeros(3)], [{"a": 1}, {}],
], ids=["object", "None", "lengths", "shapes", "keys"])
def test_what_pytorch_refuses_to_collate_is_refused_as_well(theirs, samples):
    with pytest.raises(Exception) as expected:
        theirs.default_collate(samples)
    with pytest.raises(type(expected.value)):
        ours.default_collate(samples)


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("options", [
    {}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None},
    {"sampler": [3, 1]}, {"batch_sampler": [[0, 2], [1]]}], ids=str)
def test_lengths_are_the_same(theirs, count, options):
    assert len(ours.DataLoader(range(count), **options)) == len(
        theirs.DataLoader(range(count), **options))


@pytest.mark.parametrize("options", [
    {"num_workers": -1}, {"timeout": -1}, {"persistent_workers": True}, {"batch_size": 0},
    {"batch_size": 1.5}, {"sampler": [0], "shuffle": True},
    {"batch_sampler": [[0]], "shuffle": True},
    {"batch_sampler": [[0]], "batch_size": 2}, {"batch_sampler": [[0]], "drop_last": True},
    {"batch_size": None, "drop_last": True}, {"multiprocessing_context": "spawn"},
    {"multiprocessing_context": "sponge", "num_workers": 1}, {"drop_last": 1, "batch_size": 2},
], ids=str)
def test_options_that_pytorch_refuses_are_refused_with_its_error(theirs, options):
    with pytest.raises(Exception) as expected:
        theirs.DataLoader(range(3), **options)
    with pytest.raises(type(expected.value)) as got:
        ours.DataLoader(range(3), **options)
    assert str(got.value).split("\n")[0][:40] == str(expected.value)[:40]


def test_shuffling_nothing_is_the_same_error(theirs):
    with pytest.raises(ValueError) as expected:
        theirs.DataLoader([], shuffle=True)
    with pytest.raises(ValueError) as got:
        ours.DataLoader([], shuffle=True)
    assert str(got.value).startswith(str(expected.value))


@pytest.mark.parametrize("name", [
    "dataset", "batch_size", "num_workers", "pin_memory", "drop_last", "timeout", "sampler",
    "batch_sampler", "generator", "collate_fn", "worker_init_fn", "persistent_workers",
    "multiprocessing_context", "prefetch_factor"])
def test_a_loader_has_the_attributes_of_pytorchs(theirs, name):
    data = list(range(3))
    expected = getattr(theirs.DataLoader(data, 2), name)
    found = getattr(ours.DataLoader(data, 2), name)
    assert type(found).__name__ == type(expected).__name__
    if isinstance(expected, (int, float, list, type(None))):
        assert found == expected


def test_tensors_of_pytorch_can_be_the_data(theirs):
    torch = pytest.importorskip("torch")
    x = torch.arange(6.0, requires_grad=True).reshape(3, 2)
    [batch] = ours.DataLoader(ours.TensorDataset(x), batch_size=3)
    assert batch[0].tolist() == x.tolist()

"""The loader in this process: order, batching, the thread, errors, resuming."""

from __future__ import annotations

import gc
import os
import random
import threading
import time
import traceback
from itertools import chain

import numpy as np
import pytest

from tests.data import sets
from tricord.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    RandomSampler,
    Sampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    sample_rng,
    seed_source,
)
from tricord.data.arrays import as_array
from tricord.errors import (
    ArgumentError,
    DTypeError,
    EmptyDataError,
    NotSupportedError,
    ShapeError,
    StateError,
)


def plain(batch):
    """A batch as nested lists of Python values."""
    if isinstance(batch, dict):
        return {key: plain(value) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return [plain(value) for value in batch]
    return as_array(batch).tolist() if hasattr(batch, "shape") else batch


def indices(loader):
    return [plain(batch)[1] for batch in loader]


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def prefetch_threads():
    return [t for t in threading.enumerate() if t.name == "tricord-prefetch"]


# ------------------------------------------------------------------------------- order and batches


@pytest.mark.parametrize("prefetch", [True, False])
def test_batches_come_in_order_and_the_last_one_is_shorter(prefetch):
    loader = DataLoader(sets.Squares(7), batch_size=3, prefetch=prefetch)
    assert indices(loader) == [[0, 1, 2], [3, 4, 5], [6]]
    assert len(loader) == 3


def test_drop_last_drops_the_shorter_batch():
    loader = DataLoader(sets.Squares(7), batch_size=3, drop_last=True)
    assert indices(loader) == [[0, 1, 2], [3, 4, 5]]
    assert len(loader) == 2


def test_an_order_is_a_function_of_seed_and_epoch():
    def epochs(seed):
        loader = DataLoader(sets.Squares(20), batch_size=4, shuffle=True, generator=seed)
        return [indices(loader) for _ in range(3)]

    first = epochs(1)
    assert first == epochs(1)
    assert first[0] != first[1] != first[2] and epochs(2)[0] != first[0]
    assert all(sorted(chain(*epoch)) == list(range(20)) for epoch in first)


def test_a_break_in_the_middle_does_not_change_the_next_epoch():
    whole = DataLoader(sets.Squares(20), batch_size=4, shuffle=True)
    broken = DataLoader(sets.Squares(20), batch_size=4, shuffle=True)
    list(whole)
    next(iter(broken))
    assert indices(whole) == indices(broken)


def test_without_a_generator_the_default_seed_is_asked_when_iteration_begins():
    loader = DataLoader(sets.Squares(20), batch_size=20, shuffle=True)
    with seed_source(lambda: 77):
        order = indices(loader)
    assert order == indices(DataLoader(sets.Squares(20), batch_size=20, shuffle=True,
                                       generator=77))


def test_a_generator_gives_its_initial_seed():
    class Generator:
        def initial_seed(self):
            return 5

    one = DataLoader(sets.Squares(9), batch_size=9, shuffle=True, generator=Generator())
    two = DataLoader(sets.Squares(9), batch_size=9, shuffle=True, generator=5)
    assert indices(one) == indices(two)
    with pytest.raises(ArgumentError, match="generator: expected"):
        list(DataLoader(sets.Squares(9), shuffle=True, generator="5"))


def test_rows_of_arrays_equal_loading_sample_by_sample(rng):
    x, y = rng.normal(size=(23, 2)), rng.integers(0, 5, 23)
    inner = ConcatDataset([TensorDataset(x[:9], y[:9]), TensorDataset(x[9:], y[9:])])
    data = Subset(inner, rng.permutation(23)[:17].tolist())

    class Counted(TensorDataset):
        calls = 0

        def __getitem__(self, index):
            Counted.calls += 1
            return super().__getitem__(index)

    by_rows = list(DataLoader(data, batch_size=4, shuffle=True))
    one_by_one = list(DataLoader([data[i] for i in range(17)], batch_size=4, shuffle=True))
    assert [plain(b) for b in by_rows] == [plain(b) for b in one_by_one]
    assert not Counted(x).can_take  # its own __getitem__ must be called
    list(DataLoader(Counted(x, y), batch_size=4))
    assert Counted.calls == 23


def test_a_batch_of_rows_never_shares_memory_with_the_data():
    x = np.zeros((4, 2))
    [batch] = next(iter(DataLoader(TensorDataset(x), batch_size=4)))
    batch += 1
    assert batch.tolist() == [[1, 1]] * 4 and x.sum() == 0


def test_an_array_is_a_data_set():
    assert plain(list(DataLoader(np.arange(5), batch_size=2))) == [[0, 1], [2, 3], [4]]


def test_without_batches_samples_come_alone():
    loader = DataLoader(sets.Squares(3), batch_size=None)
    assert [plain(sample) for sample in loader] == [[0.0, 0], [1.0, 1], [4.0, 2]]
    assert len(loader) == 3


def test_a_batch_sampler_of_the_user_decides():
    loader = DataLoader(sets.Squares(9), batch_sampler=[[3, 1], [8]])
    assert indices(loader) == [[3, 1], [8]]
    ours = DataLoader(sets.Squares(9), batch_sampler=BatchSampler(
        RandomSampler(sets.Squares(9), generator=2), 4, True))
    assert indices(ours) == indices(DataLoader(
        sets.Squares(9), 4, shuffle=True, drop_last=True, generator=2))


def test_getitems_is_called_once_per_batch():
    class Batched(sets.Squares):
        def __getitems__(self, wanted):
            asked.append(wanted)
            return [self[i] for i in wanted]

    asked = []
    assert indices(DataLoader(Batched(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert asked == [[0, 1], [2, 3], [4]]


def test_a_stream_is_batched_until_it_ends():
    assert plain(list(DataLoader(sets.Stream(5), batch_size=2))) == [[0, 1], [2, 3], [4]]
    assert plain(list(DataLoader(sets.Stream(5), batch_size=2, drop_last=True))) == [[0, 1], [2, 3]]


def test_a_stream_longer_than_its_length_says_so():
    class Liar(sets.Stream):
        def __len__(self):
            return 2

    with pytest.warns(UserWarning, match="reported to be 2, but more samples"):
        list(DataLoader(Liar(5), batch_size=1))


# ------------------------------------------------------------------------------------- collating


def test_collating_keeps_the_structure():
    batch = default_collate([{"a": (1, 2.0), "s": "x"}, {"a": (3, 4.0), "s": "y"}])
    assert plain(batch) == {"a": [[1, 3], [2.0, 4.0]], "s": ["x", "y"]}
    assert as_array(batch["a"][0]).dtype == np.int64
    assert as_array(batch["a"][1]).dtype == np.float64
    assert as_array(default_collate([True, False])).dtype == np.bool_


@pytest.mark.parametrize(("samples", "error", "says"), [
    ([np.zeros(3), np.zeros(4)], ShapeError, r"got \[3\] at entry 0 and \[4\] at entry 1"),
    ([[1, 2], [1]], ShapeError, "should be of equal size"),
    ([object()], DTypeError, "batch must contain tensors, numpy arrays, numbers"),
    ([np.array(["a"])], DTypeError, "dtype <U1"),
])
def test_what_cannot_be_collated_says_why(samples, error, says):
    with pytest.raises(error, match=says):
        default_collate(samples)


def test_a_collate_function_gets_the_samples():
    loader = DataLoader([1, 2, 3], batch_size=2, collate_fn=sets.add_one)
    assert list(loader) == [[2, 3], [4]]


# ------------------------------------------------------------------------------------ the thread


def test_an_exception_in_the_thread_shows_the_line_that_failed():
    loader = DataLoader(sets.Failing(20, at=11), batch_size=2)
    with pytest.raises(ValueError, match="sample 11 is broken") as caught:
        list(loader)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].filename.endswith("sets.py") and "_fill" in {f.name for f in frames}
    assert caught.value.__notes__ == ["while loading sample 11"]


def test_the_thread_ends_when_the_iterator_is_dropped():
    iterator = iter(DataLoader(sets.Squares(1000), batch_size=2))
    next(iterator)
    assert prefetch_threads()
    del iterator
    gc.collect()
    assert wait_until(lambda: not prefetch_threads())


def test_the_thread_runs_only_a_few_batches_ahead():
    class Counting(sets.Squares):
        loaded = 0

        def __getitem__(self, index):
            self.loaded += 1
            return index

    data = Counting(1000)
    iterator = iter(DataLoader(data, batch_size=1, prefetch_factor=3))
    next(iterator)
    assert wait_until(lambda: data.loaded >= 4)
    time.sleep(0.05)
    assert data.loaded <= 1 + 3 + 1  # delivered, queued, and one in hand


def test_a_thousand_epochs_leave_no_thread_and_no_file():  # P1.5
    loader = DataLoader(sets.Squares(8), batch_size=2, shuffle=True)
    list(loader)
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for epoch in range(1000):
        for _ in loader:
            if epoch % 2:
                break
    gc.collect()
    assert wait_until(lambda: threading.active_count() <= threads)
    assert len(os.listdir("/proc/self/fd")) <= files


def test_global_generators_are_never_drawn_from_in_a_thread():
    def run():
        np.random.seed(3)  # noqa: NPY002
        loader = DataLoader(sets.GlobalNoise(12), batch_size=2)
        first = plain(next(iter(loader)))
        return first, [plain(batch) for batch in loader], np.random.rand()  # noqa: NPY002

    outcome = []
    for _ in range(3):
        random.seed(4)
        outcome.append(run())
    assert outcome[0] == outcome[1] == outcome[2]


def test_a_data_set_that_raises_stop_iteration_does_not_end_the_epoch_in_silence():
    class Stops(sets.Squares):
        def __getitem__(self, index):
            raise StopIteration

    with pytest.raises(RuntimeError, match="raised StopIteration for 0"):
        list(DataLoader(Stops(3)))


# ------------------------------------------------------------------------------------- randomness


def test_augmentation_differs_per_sample_and_epoch_and_repeats():
    def epochs():
        loader = DataLoader(sets.Augmented(8), batch_size=3, shuffle=True, generator=1)
        values = []
        for _ in range(2):
            seen = {}
            for batch in loader:
                batch = plain(batch)
                seen.update({i: x[0] - i for i, x in zip(batch["index"], batch["x"])})
            values.append(seen)
        return values

    first, second = epochs()
    assert len({round(value, 4) for value in [*first.values(), *second.values()]}) == 16
    assert [first, second] == epochs()


def test_a_stream_draws_the_same_numbers_again():
    one, two = (plain(list(DataLoader(sets.NoisyStream(), batch_size=4))) for _ in range(2))
    assert one == two and len({x % 1 for batch in one for x in batch}) == 10


def test_outside_a_loader_sample_rng_is_a_constant_stream():
    assert sample_rng().random() == sample_rng().random()


# --------------------------------------------------------------------------------------- resuming


@pytest.mark.parametrize("prefetch", [True, False, None])
@pytest.mark.parametrize("data", [sets.Augmented(10), TensorDataset(np.arange(10)),
                                  sets.NoisyStream()], ids=["map", "rows", "stream"])
def test_resuming_after_any_batch_gives_what_would_have_come(data, prefetch):  # P15.1
    def new():
        stream = isinstance(data, sets.NoisyStream)
        return DataLoader(data, batch_size=3, shuffle=None if stream else True, generator=9,
                          prefetch=prefetch)

    loader = new()
    unbroken = [[plain(batch) for batch in loader] for _ in range(3)]
    for stop in range(1, 12):
        loader, seen, state = new(), [], None
        while state is None:
            for batch in loader:
                seen.append(plain(batch))
                if len(seen) == stop:
                    state = loader.state_dict()
                    break
        resumed = new()
        resumed.load_state_dict(state)
        while len(seen) < 12:
            seen += [plain(batch) for batch in resumed]
        assert seen == list(chain(*unbroken))


def test_a_state_restores_the_seed_and_says_when_it_does_not_fit():
    loader = DataLoader(sets.Squares(10), batch_size=2, shuffle=True, generator=3)
    next(iter(loader))
    state = loader.state_dict()
    other = DataLoader(sets.Squares(10), batch_size=2, shuffle=True)
    other.load_state_dict(state)
    rest = indices(other)
    assert len(rest) == 4
    with pytest.raises(StateError, match="batches of 2, this loader makes batches of 5"):
        DataLoader(sets.Squares(10), batch_size=5).load_state_dict(state)
    with pytest.raises(StateError, match="no version"):
        other.load_state_dict({"epoch": 1, "cursor": 0, "seed": 0})
    with pytest.raises(StateError, match="version 99"):
        other.load_state_dict({**state, "version": 99})


# ----------------------------------------------------------------------------------------- misuse


class OwnSampler(Sampler):
    def __iter__(self):
        return iter([2, 0])


@pytest.mark.parametrize(("options", "says"), [
    ({"num_workers": -1}, "num_workers option should be non-negative"),
    ({"timeout": -1}, "timeout option should be non-negative"),
    ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
    ({"sampler": OwnSampler(), "shuffle": True}, "mutually exclusive with shuffle"),
    ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
    ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
    ({"batch_size": 0}, "batch_size should be a positive integer value"),
    ({"multiprocessing_context": "spawn"}, "got num_workers=0"),
    ({"multiprocessing_context": "sponge", "num_workers": 1}, "valid start method"),
])
def test_options_that_do_not_fit_are_refused_as_in_pytorch(options, says):
    with pytest.raises(ValueError, match=says):
        DataLoader(sets.Squares(3), **options)


def test_a_fork_is_refused():
    with pytest.raises(NotSupportedError, match="fresh processes"):
        DataLoader(sets.Squares(3), num_workers=1, multiprocessing_context="fork")


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": OwnSampler()},
                                     {"batch_sampler": [[0]]}])
def test_a_stream_takes_no_order_from_outside(options):
    [name] = options
    with pytest.raises(ValueError, match=f"expected unspecified {name} option"):
        DataLoader(sets.Stream(3), **options)


def test_what_a_loader_is_made_of_stays():
    loader = DataLoader(sets.Squares(3))
    with pytest.raises(ValueError, match="batch_size attribute should not be set after DataLoader"):
        loader.batch_size = 4


def test_an_own_sampler_is_used_as_it_is():
    assert indices(DataLoader(sets.Squares(3), sampler=OwnSampler())) == [[2], [0]]


def test_shuffling_nothing_is_an_error_and_reading_nothing_is_not():  # P26.1
    with pytest.raises(EmptyDataError, match="num_samples=0"):
        DataLoader(sets.Squares(0), shuffle=True)
    assert list(DataLoader(sets.Squares(0))) == []
    assert list(DataLoader(TensorDataset(np.zeros((0, 2))), batch_size=2)) == []


def test_the_other_random_samplers_follow_the_epoch():
    for sampler in (SubsetRandomSampler([4, 5, 6, 7, 8], generator=1),
                    WeightedRandomSampler([0, 1, 2, 3, 4, 5, 6, 7, 8], 9, generator=1)):
        loader = DataLoader(sets.Squares(9), sampler=sampler)
        first, second = indices(loader), indices(loader)
        assert first != second
        loader.set_epoch(0)
        assert indices(loader) == first


@pytest.mark.parametrize("array", [
    np.arange(6.0)[::-1], np.arange(6, dtype=">i4"), np.arange(12.0).reshape(3, 4).T,
    np.broadcast_to(np.float32(3), (4,)), np.zeros((0, 2)), np.float64(7),
    np.frombuffer(b"\0" * 9, np.uint8)[1:].view("<u4")], ids=str)
def test_odd_layouts_arrive_as_plain_tensors_and_are_never_written_to(array):  # P29.1
    before = np.array(array)
    for batch in (default_collate([array, array])[0], *DataLoader([array], batch_size=None)):
        np.testing.assert_array_equal(batch.numpy(), before)
        batch += 1
        batch.numpy()
    np.testing.assert_array_equal(array, before)

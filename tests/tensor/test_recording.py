"""Recording, cutting and evaluating."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from tricord import settings
from tricord.errors import DTypeError, ShapeError, TricordError
from tricord.functions.reduction import sum as sum_
from tricord.ir.ops.indexing import gather
from tricord.tensor import record, tensor, wrap
from tricord.tensor.recorder import clear_tables, cut, state
from tricord.tensor.transforms import vmap


def total(x):
    return record(sum_, (x,), (None, False))


def test_nothing_is_computed_before_a_value_is_observed():
    cuts = state.cuts
    x = tensor([1.0, 2.0])
    y = x * 3 + 1
    assert state.cuts == cuts and y._value is None
    assert y.tolist() == [4.0, 7.0]
    assert state.cuts == cuts + 1


def test_repr_shows_values_and_never_raises():
    assert repr([tensor([1.0]) * 2]) == "[tensor([2.])]"
    seen = []
    vmap(lambda x: seen.append(repr(x)) or x)(tensor([1.0]))
    assert "while a function is traced" in seen[0]
    broken = record(_take, (tensor([1.0]), tensor([5])))
    assert "failed" in repr(broken)


def test_a_cut_evaluates_every_live_handle_and_drops_the_dead():
    cut()
    x = tensor([2.0])
    kept = x * 3
    dropped = x * 5
    del dropped
    last = kept + 1
    last.item()
    assert kept._value is not None, "a live handle is an output"
    cuts = state.cuts
    assert kept.item() == 6.0 and state.cuts == cuts, "and is not computed again"


def test_a_repeated_step_finds_its_program_and_builds_nothing():
    x = tensor(np.ones((4, 3), np.float32))

    def step():
        return total(x * x + 1).item()

    step()
    built, memo = state.programs_built, len(state.memo)
    for _ in range(10):
        step()
    assert state.programs_built == built and len(state.memo) == memo


def test_numbers_that_change_do_not_make_new_programs():
    x = tensor([1.0, 2.0])
    (x * 0.1234).tolist()
    built = state.programs_built
    for i in range(5):
        np.testing.assert_allclose((x * (0.37 + i)).numpy(), [0.37 + i, 2 * (0.37 + i)], rtol=1e-6)
    assert state.programs_built == built


def test_numbers_of_equal_value_but_other_type_are_not_confused():
    x = tensor([3, 4])
    assert (x * 2).dtype == "int64"
    assert (x * 2.0).dtype == "float32"
    assert (x * True).dtype == "int64"


def test_the_node_budget_bounds_a_recording():
    with settings.override(node_budget=32):
        cuts = state.cuts
        x = tensor(0.0)
        for _ in range(1000):
            x = x + 1
        assert state.cuts - cuts >= 20
        assert len(state.segment.handles) <= 48
    assert x.item() == 1000.0


def test_tables_can_be_cleared_between_any_two_steps():
    x = tensor([1.0])
    y = x + 1
    y.tolist()
    clear_tables()
    z = x + y
    clear_tables()  # even with something pending
    assert z.tolist() == [3.0]


def test_dead_handles_leave_nothing_behind():
    x = tensor(np.ones(3, np.float32))
    for _ in range(50):
        total(x * 2).item()
    gc.collect()
    nodes = len(state.memo)
    for _ in range(500):
        total(x * 2).item()
    assert len(state.memo) == nodes and len(state.segment.handles) < 16


def test_a_failed_evaluation_gives_written_tensors_their_old_values_back():
    weights = tensor([1.0, 2.0])
    labels = tensor([0, 7])
    weights -= 1
    picked = record(_take, (weights, labels))
    with pytest.raises(IndexError):
        picked.tolist()
    assert weights.tolist() == [1.0, 2.0]
    with pytest.raises(IndexError):
        picked.tolist()
    assert (weights + 1).tolist() == [2.0, 3.0], "and the thread goes on"


def _take(x, index):
    return gather(x, index, axes=(0,))


def test_errors_carry_the_users_line():
    x = tensor(np.ones((2, 3), np.float32))
    with pytest.raises(ShapeError, match=r"test_recording.py:\d+ .*x \+ tensor"):
        x + tensor(np.ones((4, 5), np.float32))
    with pytest.raises(DTypeError):
        _ = ~x


def test_two_threads_record_independently():
    results = {}

    def work(name, factor):
        x = tensor(np.full(3, factor, np.float32), requires_grad=True)
        for _ in range(50):
            loss = total(x * x)
            x.grad = None
            loss.backward()
            loss.item()
        results[name] = x.grad.tolist()

    threads = [threading.Thread(target=work, args=(i, float(i))) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {i: [2.0 * i] * 3 for i in range(4)}


def test_a_pending_tensor_can_be_read_from_another_thread():
    x = tensor([1.0, 2.0]) * 7
    seen = []
    thread = threading.Thread(target=lambda: seen.append((x + 1).tolist()))
    thread.start()
    thread.join()
    assert seen == [[8.0, 15.0]]
    assert x.tolist() == [7.0, 14.0]


def test_the_null_device_checks_shapes_and_runs_nothing():
    with settings.override(device="null"):
        x = tensor(np.full((2, 3), 5, np.float32))
        assert total(x + 1).item() == 0.0
        with pytest.raises(ShapeError):
            x + tensor(np.ones((4,), np.float32))


def test_a_deep_chain_needs_no_recursion():
    x = tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert y.item() == 100_001.0
    assert x.grad.item() == 100_001.0


def test_arrays_given_to_the_constructor_are_copied_and_wrap_shares():
    source = np.zeros(2, np.float32)
    x = tensor(source)
    source[0] = 5
    assert x.tolist() == [0.0, 0.0]
    own = np.ones(2, np.float32)
    assert np.shares_memory(np.asarray(wrap(own)), own)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 1


def test_all_errors_here_are_tricords():
    with pytest.raises(TricordError):
        tensor([1.0, 2.0]).item()

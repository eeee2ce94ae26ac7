"""The step of `benchmarks/record_step.py`: once seen, nothing is built or recorded anew."""

from __future__ import annotations

from benchmarks.record_step import make_step
from tricord import settings
from tricord.ir.node import node_count
from tricord.tensor.recorder import state


def counts() -> tuple[int, int, int]:
    """Programs built, applications remembered, nodes alive."""
    remembered = len(state.memo_with_gradients) + len(state.memo_without_gradients)
    return state.programs_built, remembered, node_count()


def test_a_step_seen_before_builds_and_records_nothing_new() -> None:
    with settings.override(device="null"):
        step = make_step()
        for _ in range(5):
            step()
        before = counts()
        for _ in range(50):
            step()
        assert counts() == before


def test_a_step_is_one_evaluation() -> None:
    with settings.override(device="null"):
        step = make_step()
        for _ in range(5):
            step()
        before = state.cuts
        for _ in range(10):
            step()
        assert state.cuts - before == 10


def test_the_step_is_a_real_one_on_the_numpy_device() -> None:
    step = make_step()
    losses = [step() for _ in range(30)]
    assert losses[-1] < losses[0] / 2

"""Schedules give PyTorch's rates, step by step, and their state moves both ways."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tricord import optim
from tricord.tensor import Parameter

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def own(name: str) -> Any:
    return getattr(optim.lr_scheduler, name)


def half(step: int) -> float:
    return 0.5 + step / 10


def ninetieth(step: int) -> float:
    return 0.9


CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("StepLR", (3,), {}), ("StepLR", (2,), {"gamma": 0.5}),
    ("MultiStepLR", ([2, 5, 5, 9],), {"gamma": 0.3}),
    ("ConstantLR", (), {}), ("ConstantLR", (), {"factor": 0.5, "total_iters": 4}),
    ("LinearLR", (), {}),
    ("LinearLR", (), {"start_factor": 0.5, "end_factor": 0.8, "total_iters": 6}),
    ("ExponentialLR", (0.9,), {}), ("PolynomialLR", (), {"total_iters": 8, "power": 2.0}),
    ("CosineAnnealingLR", (8,), {}), ("CosineAnnealingLR", (5,), {"eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", (4,), {}),
    ("CosineAnnealingWarmRestarts", (2,), {"T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", (0.01, 0.1), {"step_size_up": 3}),
    ("CyclicLR", (0.01, 0.1), {"step_size_up": 2, "step_size_down": 3, "mode": "triangular2"}),
    ("CyclicLR", (0.01, 0.1), {"step_size_up": 4, "mode": "exp_range", "gamma": 0.9}),
    ("CyclicLR", (0.01, 0.1), {"step_size_up": 4, "scale_fn": half, "scale_mode": "iterations"}),
    ("OneCycleLR", (0.5,), {"total_steps": 30}),
    ("OneCycleLR", (0.5,), {"epochs": 5, "steps_per_epoch": 6, "anneal_strategy": "linear",
                            "three_phase": True, "pct_start": 0.4}),
    ("LambdaLR", (half,), {}), ("MultiplicativeLR", (ninetieth,), {}),
]


def optimizers(kind: str) -> tuple[Any, Any]:
    options = {"lr": 0.1, "momentum": 0.9} if kind == "SGD" else {"lr": 0.1}
    mine = [{"params": [Parameter(np.zeros(2, np.float32))]},
            {"params": [Parameter(np.zeros(2, np.float32))], "lr": 0.3}]
    real = [{"params": [torch.nn.Parameter(torch.zeros(2))]},
            {"params": [torch.nn.Parameter(torch.zeros(2))], "lr": 0.3}]
    return getattr(optim, kind)(mine, **options), getattr(torch.optim, kind)(real, **options)


def same(ours: Any, theirs: Any, what: str) -> None:
    for group, other in zip(ours.param_groups, theirs.param_groups, strict=True):
        assert list(group)[1:] == list(other)[1:], what
        for name, value in other.items():
            if name != "params" and value is not None:
                np.testing.assert_allclose(group[name], value, rtol=1e-12, err_msg=what)


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    return {k: dict(v) if hasattr(v, "elements") else v for k, v in state.items()}


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "arguments", "options"), CASES)
def test_rates_are_those_of_torch(name: str, arguments: tuple[Any, ...], options: dict[str, Any],
                                  kind: str) -> None:
    mine, real = optimizers(kind)
    schedule = own(name)(mine, *arguments, **options)
    theirs = getattr(torch.optim.lr_scheduler, name)(real, *arguments, **options)
    same(mine, real, "at the start")
    for step in range(1, 25):
        schedule.step()
        theirs.step()
        same(mine, real, f"step {step}")
        np.testing.assert_allclose(schedule.get_last_lr(), theirs.get_last_lr(), rtol=1e-12)
    assert comparable(schedule.state_dict()).keys() == comparable(theirs.state_dict()).keys()
    # the state resumes: here from torch, then both go on
    again_mine, _ = optimizers(kind)
    second = own(name)(again_mine, *arguments, **options)
    second.load_state_dict(theirs.state_dict())
    for group, other in zip(again_mine.param_groups, real.param_groups, strict=True):
        group.update({k: v for k, v in other.items() if k != "params"})
    for step in range(5):
        second.step()
        theirs.step()
        same(again_mine, real, f"resumed {step}")


#: the others have no closed form to jump by
CLOSED = [case for case in CASES if case[0] not in ("CyclicLR", "OneCycleLR")]


@pytest.mark.parametrize(("name", "arguments", "options"), CLOSED)
def test_jumping_to_an_epoch(name: str, arguments: tuple[Any, ...], options: dict[str, Any],
                             ) -> None:
    mine, real = optimizers("SGD")
    schedule = own(name)(mine, *arguments, **options)
    theirs = getattr(torch.optim.lr_scheduler, name)(real, *arguments, **options)
    for epoch in (3, 7, 2, 12):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs.step(epoch)
        schedule.step(epoch)
        same(mine, real, f"epoch {epoch}")


@pytest.mark.parametrize("options", [
    {"patience": 1}, {"factor": 0.5, "patience": 2, "threshold": 0.01, "cooldown": 1,
                      "min_lr": 0.02}, {"mode": "max", "threshold_mode": "abs", "patience": 0},
    {"min_lr": [0.01, 0.2], "patience": 0}])
def test_plateau(options: dict[str, Any]) -> None:
    mine, real = optimizers("SGD")
    schedule = own("ReduceLROnPlateau")(mine, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(real, **options)
    random = np.random.RandomState(3)
    for step in range(40):
        value = float(np.exp(-step / 10) + random.uniform(0, 0.2))
        schedule.step(value)
        theirs.step(value)
        same(mine, real, f"step {step}")
    assert schedule.state_dict() == theirs.state_dict()


def several(s: Any, optimizer: Any, kind: str) -> Any:
    get = own if s is None else lambda n: getattr(s, n)
    if kind == "sequential":
        return get("SequentialLR")(optimizer, [
            get("LinearLR")(optimizer, 0.1, total_iters=4), get("ExponentialLR")(optimizer, 0.8),
            get("StepLR")(optimizer, 2)], milestones=[4, 9])
    if kind == "chained":
        return get("ChainedScheduler")([get("ConstantLR")(optimizer, 0.1, total_iters=4),
                                        get("ExponentialLR")(optimizer, 0.8)])
    return get("SequentialLR")(optimizer, [
        get("ChainedScheduler")([get("ConstantLR")(optimizer, 0.1, total_iters=4),
                                 get("ExponentialLR")(optimizer, 0.8)]),
        get("CosineAnnealingLR")(optimizer, 8)], milestones=[5])


@pytest.mark.parametrize("kind", ["sequential", "chained"])
def test_schedules_of_schedules(kind: str) -> None:
    mine, real = optimizers("SGD")
    schedule, theirs = several(None, mine, kind), several(torch.optim.lr_scheduler, real, kind)
    same(mine, real, "at the start")
    for step in range(14):
        schedule.step()
        theirs.step()
        same(mine, real, f"step {step}")
        assert schedule.get_last_lr() == pytest.approx(theirs.get_last_lr())
    assert schedule.state_dict().keys() == theirs.state_dict().keys()
    second_mine, _ = optimizers("SGD")
    second = several(None, second_mine, kind)
    second.load_state_dict(theirs.state_dict())
    assert second.last_epoch == theirs.last_epoch if kind == "sequential" else True
    assert [s.last_epoch for s in second._schedulers] == [s.last_epoch for s in theirs._schedulers]


BAD = [
    ("ConstantLR", (2,), {}), ("LinearLR", (2.0,), {}), ("LinearLR", (0.5, 3), {}),
    ("CosineAnnealingWarmRestarts", (0,), {}), ("OneCycleLR", (0.1,), {}),
    ("OneCycleLR", (0.1, 10), {"pct_start": 3}), ("OneCycleLR", (0.1, -1), {}),
    ("OneCycleLR", (0.1, 10), {"anneal_strategy": "x"}), ("CyclicLR", (0.1, 0.2), {"mode": "x"}),
    ("OneCycleLR", (0.1,), {"epochs": 0, "steps_per_epoch": 3}),
    ("ReduceLROnPlateau", (), {"mode": "x"}), ("ReduceLROnPlateau", (), {"factor": 1.5}),
    ("ReduceLROnPlateau", (), {"threshold_mode": "u"}), ("LambdaLR", ([half],), {}),
    ("ReduceLROnPlateau", (), {"min_lr": [1.0]}), ("SequentialLR", ([], []), {}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), BAD)
def test_refusals_have_torch_s_words(name: str, arguments: tuple[Any, ...],
                                     options: dict[str, Any]) -> None:
    mine, real = optimizers("SGD")
    with pytest.raises(ValueError, match=r".") as expected:
        getattr(torch.optim.lr_scheduler, name)(real, *arguments, **options)
    with pytest.raises(ValueError, match=r".") as got:
        own(name)(mine, *arguments, **options)
    assert str(got.value).splitlines()[0] == str(expected.value)


def test_every_schedule_is_exported() -> None:
    names = [n for n in torch.optim.lr_scheduler.__all__ if n != "SWALR"]
    assert [n for n in names if not hasattr(optim.lr_scheduler, n)] == []

"""Schedules against their closed formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tricord.optim import SGD
from tricord.optim import lr_scheduler as s
from tricord.optim import schedules as f
from tricord.tensor import Parameter, tensor


def rates(make: object, steps: int = 20, lr: object = 0.1) -> list[float]:
    optimizer = SGD([Parameter(np.zeros(1, np.float32))], lr=lr, momentum=0.9)
    schedule = make(optimizer)  # type: ignore[operator]
    found = []
    for _ in range(steps):
        found.append(float(optimizer.param_groups[0]["lr"]))
        schedule.step()
    return found


@pytest.mark.parametrize(("make", "formula"), [
    (lambda o: s.StepLR(o, 3), lambda t: 0.1 ** (1 + t // 3)),
    (lambda o: s.MultiStepLR(o, [2, 5]), lambda t: 0.1 ** (1 + (t >= 2) + (t >= 5))),
    (lambda o: s.ExponentialLR(o, 0.9), lambda t: 0.1 * 0.9 ** t),
    (lambda o: s.LinearLR(o, 0.5, 1.0, 4), lambda t: 0.1 * (0.5 + 0.5 * min(t, 4) / 4)),
    (lambda o: s.PolynomialLR(o, 30, 2.0), lambda t: 0.1 * (1 - t / 30) ** 2),
    (lambda o: s.CosineAnnealingLR(o, 8), lambda t: 0.05 * (1 + math.cos(math.pi * t / 8))),
    (lambda o: s.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 0.1 / (1 + t)),
    (lambda o: s.ConstantLR(o, 0.5, 3), lambda t: 0.1 * (0.5 if t < 3 else 1.0)),
])
def test_recursion_is_the_closed_formula(make: object, formula: object) -> None:
    np.testing.assert_allclose(rates(make), [formula(t) for t in range(20)], rtol=1e-9, atol=1e-12)  # type: ignore[operator]


def test_a_rate_that_is_a_tensor_stays_that_tensor() -> None:
    lr = tensor(0.1)
    assert rates(lambda o: s.ExponentialLR(o, 0.5), 3, lr) == pytest.approx([0.1, 0.05, 0.025])
    assert lr.item() == pytest.approx(0.0125)


def test_one_cycle_ends_where_it_should_and_refuses_to_go_on() -> None:
    found = rates(lambda o: s.OneCycleLR(o, 1.0, total_steps=20), 20)
    assert found[0] == pytest.approx(1 / 25)
    assert max(found) == pytest.approx(1.0, abs=0.05)
    assert found[-1] == pytest.approx(1 / 25 / 1e4)
    with pytest.raises(ValueError, match="The specified number of total steps is 20"):
        rates(lambda o: s.OneCycleLR(o, 1.0, total_steps=20), 22)


def test_state_resumes_bit_for_bit() -> None:
    optimizer = SGD([Parameter(np.zeros(1, np.float32))], lr=0.1)
    parts = [s.LinearLR(optimizer, 0.1), s.CosineAnnealingLR(optimizer, 9)]
    schedule = s.SequentialLR(optimizer, parts, [5])
    for _ in range(7):
        schedule.step()
    saved = optimizer.state_dict(), schedule.state_dict()
    other = SGD([Parameter(np.zeros(1, np.float32))], lr=0.1)
    again = s.SequentialLR(other, [s.LinearLR(other, 0.1), s.CosineAnnealingLR(other, 9)], [5])
    other.load_state_dict(saved[0])
    again.load_state_dict(saved[1])
    for _ in range(10):
        schedule.step()
        again.step()
        assert optimizer.param_groups[0]["lr"] == other.param_groups[0]["lr"]


def test_functions_of_the_step() -> None:
    assert f.ExponentialDecay(0.1, 10, 0.5)(20) == pytest.approx(0.025)
    assert f.ExponentialDecay(0.1, 10, 0.5, staircase=True)(19) == pytest.approx(0.05)
    steps = f.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.25])
    assert [steps(i) for i in range(6)] == [1.0, 1.0, 1.0, 0.5, 0.5, 0.25]
    assert f.PolynomialDecay(0.1, 10, 0.0)(5) == pytest.approx(0.05)
    assert f.InverseTimeDecay(0.1, 1, 1.0)(3) == pytest.approx(0.025)
    assert f.CosineDecay(0.1, 10)(10) == pytest.approx(0.0)
    assert f.CosineDecay(0.0, 10, warmup_target=0.2, warmup_steps=4)(2) == pytest.approx(0.1)
    assert f.CosineDecayRestarts(0.1, 4, t_mul=1.0)(4) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="boundaries should be 1 less"):
        f.PiecewiseConstantDecay([1], [1.0])
    with pytest.raises(ValueError, match="must be > 0"):
        f.CosineDecay(0.1, 0)

"""LBFGS against torch's, and on functions whose minimum is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tricord.functions.reduction import sum as sum_
from tricord.optim import LBFGS
from tricord.tensor import Parameter, record


def rosenbrock(x: Any, y: Any, total: Any) -> Any:
    return total((1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x))


def ours_total(v: Any) -> Any:
    return record(sum_, (v,), (None, False))


def start() -> list[np.ndarray]:
    return [np.array([-1.2, 0.5]), np.array([1.0, -0.3])]


def run(optimizer: Any, params: list[Any], total: Any, steps: int) -> list[float]:
    def closure() -> Any:
        optimizer.zero_grad()
        loss = rosenbrock(*params, total)
        loss.backward()
        return loss

    return [float(optimizer.step(closure).detach()) for _ in range(steps)]


CASES: list[dict[str, Any]] = [
    {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "history_size": 3},
    {"lr": 1e-3}, {"lr": 1e-3, "max_iter": 7, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 6}]


def test_the_minimum_is_found() -> None:
    params = [Parameter(v) for v in start()]
    losses = run(LBFGS(params, line_search_fn="strong_wolfe"), params, ours_total, 4)
    assert losses[-1] < 1e-10
    np.testing.assert_allclose(params[0].numpy(), 1.0, atol=1e-5)
    assert params[0].requires_grad


@pytest.mark.peers
@pytest.mark.parametrize("options", CASES)
def test_steps_are_those_of_torch(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    mine = [Parameter(v) for v in start()]
    real = [torch.nn.Parameter(torch.tensor(v)) for v in start()]
    ours, theirs = LBFGS(mine, **options), torch.optim.LBFGS(real, **options)
    got = run(ours, mine, ours_total, 3)
    expected = run(theirs, real, torch.sum, 3)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    for p, q in zip(mine, real, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-4)
    own, other = ours.state_dict(), theirs.state_dict()
    assert set(other["state"][0]) - {"al"} == set(own["state"][0])
    assert own["param_groups"] == other["param_groups"]
    for name in ("func_evals", "n_iter"):
        assert own["state"][0][name] == other["state"][0][name]


def test_state_round_trip() -> None:
    params = [Parameter(v) for v in start()]
    optimizer = LBFGS(params, lr=1e-3, max_iter=3)
    run(optimizer, params, ours_total, 2)
    other = [Parameter(p.numpy()) for p in params]
    second = LBFGS(other, lr=1e-3, max_iter=3)
    second.load_state_dict(optimizer.state_dict())
    run(optimizer, params, ours_total, 2)
    run(second, other, ours_total, 2)
    for p, q in zip(params, other, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_what_is_refused() -> None:
    p, q = (Parameter(v) for v in start())
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="only 'strong_wolfe' is supported"):
        LBFGS([p], line_search_fn="armijo")
    with pytest.raises(TypeError, match="closure"):
        LBFGS([p]).step()

"""Random programs give the same values and gradients wherever they are observed in between."""

from __future__ import annotations

import numpy as np
import pytest

from tricord import settings
from tricord.tensor import recording_gradients, tensor

UNARY = [lambda x: x.tanh(), lambda x: x * 0.5, lambda x: x.sigmoid(), lambda x: -x,
         lambda x: x.reshape(-1).reshape(3, 4), lambda x: x.flip(1), lambda x: x[:, [3, 0, 1, 2]],
         lambda x: x.t().contiguous().t(), lambda x: x.cumsum(1) * 0.3, lambda x: x.softmax_like()]
BINARY = [lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x - 0.3 * y,
          lambda x, y: x.maximum(y), lambda x, y: (x @ y.t()) @ y * 0.1]


def softmax_like(x):
    e = (x - x.detach().amax(1, keepdim=True)).exp()
    return e / e.sum(1, keepdim=True)


UNARY[-1] = softmax_like


def program(seed, *, observe, budget=None):
    """A random program over three leaves; ``observe`` says how likely each value is looked at."""
    rng = np.random.default_rng(seed)
    looks = np.random.default_rng(seed + 1)
    leaves = [tensor(rng.standard_normal((3, 4)), requires_grad=True) for _ in range(3)]
    values = list(leaves)
    for _ in range(int(rng.integers(5, 40))):
        kind = rng.random()
        a = values[int(rng.integers(len(values)))]
        if kind < 0.5:
            new = UNARY[int(rng.integers(len(UNARY)))](a)
        elif kind < 0.9:
            b = values[int(rng.integers(len(values)))]
            new = BINARY[int(rng.integers(len(BINARY)))](a, b)
        elif kind < 0.95:
            new = a.detach() * 1.0 + values[-1]
        else:
            new = a * 1.0
            row = values[int(rng.integers(len(values)))][1]
            new[int(rng.integers(3))] = row
        if rng.random() < 0.1:
            with recording_gradients(False):
                new = new + values[0].mean()
        values.append(new)
        if rng.random() < 0.3:
            values.pop(int(rng.integers(len(values))))
            values.append(leaves[int(rng.integers(3))])
        if looks.random() < observe:
            values[int(looks.integers(len(values)))].tolist()
    loss = sum((v * v).mean() for v in values[-4:])
    if looks.random() < observe:
        loss.item()
    return leaves, loss


def results(seed, **how):
    leaves, loss = program(seed, **how)
    if loss.requires_grad:
        loss.backward()
    return [loss.numpy(), *(np.zeros((3, 4)) if p.grad is None else p.grad.numpy()
                            for p in leaves)]


@pytest.mark.parametrize("seed", range(60))
def test_observations_change_nothing(seed):
    expected = results(seed, observe=0.0)
    for share in (0.15, 0.6):
        for got, want in zip(results(seed, observe=share), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(60, 80))
def test_a_small_node_budget_changes_nothing(seed):
    expected = results(seed, observe=0.0)
    with settings.override(node_budget=16):
        for got, want in zip(results(seed, observe=0.1), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)

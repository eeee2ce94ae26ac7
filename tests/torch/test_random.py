"""Random tensors under PyTorch's names: sizes, bounds, moments, seeds."""

from __future__ import annotations

from typing import Any

import pytest

from tricord import torch
from tricord.errors import ArgumentError, DTypeError

MANY = 20_000


@pytest.mark.parametrize(("fill", "mean", "deviation"), [
    (lambda x: x.uniform_(-1, 3), 1.0, 4 / 12 ** 0.5), (lambda x: x.normal_(2.0, 0.5), 2.0, 0.5),
    (lambda x: x.bernoulli_(0.25), 0.25, (0.25 * 0.75) ** 0.5),
    (lambda x: x.exponential_(2.0), 0.5, 0.5), (lambda x: x.random_(0, 10), 4.5, 8.25 ** 0.5),
    (lambda x: x.geometric_(0.5), 2.0, 2 ** 0.5),
    (lambda x: x.log_normal_(0.0, 0.25), 1.0317, 0.2621)])
def test_a_tensor_fills_itself(fill: Any, mean: float, deviation: float) -> None:
    torch.manual_seed(0)
    x = torch.empty(MANY)
    assert fill(x) is x
    assert x.mean().item() == pytest.approx(mean, abs=5 * deviation / MANY ** 0.5)
    assert x.std().item() == pytest.approx(deviation, rel=0.05)


def test_a_view_is_filled_in_its_base() -> None:
    x = torch.zeros(4, 3)
    x[1:3].fill_(0).uniform_(1, 2)
    assert (x[1:3] >= 1).all() and (x[0] == 0).all() and (x[3] == 0).all()


def test_a_leaf_is_filled_under_no_grad_only() -> None:
    w = torch.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        w.normal_()
    with torch.no_grad():
        w.normal_()
    assert w.requires_grad and w.abs().sum().item() > 0


def test_normal_around_tensors() -> None:
    torch.manual_seed(1)
    around = torch.normal(torch.tensor([0.0, 100.0]), torch.tensor([1.0, 0.01]))
    assert abs(around[0].item()) < 6 and abs(around[1].item() - 100) < 0.1
    assert torch.normal(5.0, torch.zeros(3)).tolist() == [5.0] * 3
    assert torch.normal(mean=2.0, std=1.0, size=(2, 3)).shape == (2, 3)


def test_the_forms_of_randint() -> None:
    for made in (torch.randint(5, (7,)), torch.randint(0, 5, (7,)),
                 torch.randint(high=5, size=(7,)), torch.randint(low=0, high=5, size=(7,)),
                 torch.randint_like(torch.zeros(7), 5)):
        assert made.shape == (7,) and ((made >= 0) & (made < 5)).all()
    with pytest.raises(ArgumentError, match="size"):
        torch.randint(0, 5)


def test_a_seed_repeats_and_a_generator_is_independent() -> None:
    torch.manual_seed(3)
    first = torch.rand(4), torch.randn(4), torch.randperm(10), torch.empty(3).uniform_()
    state = torch.get_rng_state()
    own = torch.Generator().manual_seed(3)
    assert torch.equal(torch.rand(4, generator=own), first[0])
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(3)
    again = torch.rand(4), torch.randn(4), torch.randperm(10), torch.empty(3).uniform_()
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_fork_rng_leaves_the_generator_alone() -> None:
    torch.manual_seed(5)
    with torch.random.fork_rng():
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), inside)


def test_random_numbers_are_leaves_that_may_want_a_gradient() -> None:
    x = torch.randn(3, requires_grad=True)
    (x * x).sum().backward()
    assert torch.allclose(x.grad, 2 * x)


@pytest.mark.parametrize(("call", "error"), [
    (lambda: torch.ones(2, dtype=torch.int64).normal_(), DTypeError),
    (lambda: torch.ones(2).uniform_(2, 1), ArgumentError),
    (lambda: torch.ones(2).bernoulli_(q=1), TypeError),
    (lambda: torch.multinomial(torch.ones(2), 3), ArgumentError),
    (lambda: torch.rand(2, -1), ValueError), (lambda: torch.rand(2.5), TypeError)])
def test_mistakes(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()

"""How tensors print: character by character as PyTorch does, apart from the dtype's prefix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.face_oracles.harness import spelled
from tricord import torch


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    torch.set_printoptions(profile="default")


def test_a_few_by_heart() -> None:
    assert str(torch.tensor([1.0, 2.5])) == "tensor([1.0000, 2.5000])"
    assert str(torch.tensor([1.0, 100.0])) == "tensor([  1., 100.])"
    assert str(torch.tensor([[1, 20], [3, 4]])) == "tensor([[ 1, 20],\n        [ 3,  4]])"
    assert str(torch.tensor(3.0, requires_grad=True)) == "tensor(3., requires_grad=True)"
    assert str(torch.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert f"{torch.tensor(7)} {torch.tensor(0.5):.3f} {torch.tensor([1.0])}" == (
        "7 0.500 tensor([1.])")


def test_the_middle_of_a_large_tensor_is_left_out() -> None:
    text = str(torch.arange(2000))
    assert text == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    torch.set_printoptions(threshold=5, edgeitems=1, precision=2)
    assert str(torch.arange(6.0).reshape(2, 3) / 4) == (
        "tensor([[0.00,  ..., 0.50],\n        [0.75,  ..., 1.25]])")


VALUES = [
    [1.0, float("nan"), float("inf")], [-0.0, 0.0], [1e-5, 1.0], [1e9, 1.0], [123456.0, 0.5],
    [0.1234567, 2.0, -33.5], [True, False], [1, -200], [], [[1.5], [float("-inf")]],
    list(range(40)), [i / 7 for i in range(40)], [[[1.0, 2.0]], [[3.0, 4.5]]], [1e-40, 1.0],
    [1 + 2j, -0.5j], 2.5, 7, [1e5, 2e5], [100000.5, 1.0], [float("nan")]]


@pytest.mark.peers("torch")
@pytest.mark.parametrize("value", VALUES, ids=lambda v: str(v)[:30])
def test_small_tensors_print_as_in_pytorch(value: Any) -> None:
    real = pytest.importorskip("torch")
    assert str(torch.tensor(value)) == spelled(real.tensor(value))
    if not isinstance(value, list) or not value:
        return
    assert repr(torch.tensor(value)) == spelled(repr(real.tensor(value)))


@pytest.mark.peers("torch")
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64", "float16", "bfloat16"])
def test_a_dtype_other_than_the_default_is_shown(dtype: str) -> None:
    real = pytest.importorskip("torch")
    ours = torch.tensor([1.5, 2.0]).to(getattr(torch, dtype))
    theirs = real.tensor([1.5, 2.0]).to(getattr(real, dtype))
    assert str(ours) == spelled(theirs)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (30, 40), (5, 300), (2, 2, 2, 2), (1500,)])
def test_random_tensors_print_as_in_pytorch(shape: tuple[int, ...]) -> None:
    real = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    for values in (rng.normal(size=shape), rng.integers(-50, 50, shape), rng.normal(
            size=shape) * 10.0 ** rng.integers(-4, 5, shape)):
        array = values.astype(np.float32) if values.dtype == np.float64 else values
        assert str(torch.tensor(array)) == spelled(real.tensor(array))


@pytest.mark.peers("torch")
@pytest.mark.parametrize("call", [
    lambda t, x: x.max(1), lambda t, x: t.min(x, 0), lambda t, x: x.sort(), lambda t, x: x.topk(1),
    lambda t, x: x.median(1), lambda t, x: x.kthvalue(1), lambda t, x: x.cummax(0),
    lambda t, x: t.mode(x)])
def test_values_and_indices_print_as_in_pytorch(call: Any) -> None:
    real = pytest.importorskip("torch")
    rows = [[1.0, 3.0], [4.0, 2.0]]
    theirs = str(call(real, real.tensor(rows)))
    assert spelled(str(call(torch, torch.tensor(rows)))) == spelled(theirs)

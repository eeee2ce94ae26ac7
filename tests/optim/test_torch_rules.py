"""Each optimizer makes the same steps as PyTorch's, from the same gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tricord.optim as optim
from tricord.tensor import Parameter, wrap

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

SHAPES = [(3, 4), (4,), (2, 3, 2), ()]
CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}), ("AdamW", {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True}),
    ("RMSprop", {}), ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1,
                                  "momentum": 0.5, "centered": True, "maximize": True}),
    ("RMSprop", {"momentum": 0.9}), ("RMSprop", {"centered": True}),
    ("Adagrad", {}), ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.05,
                                  "initial_accumulator_value": 0.1}),
    ("Adadelta", {}), ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.02, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.02}), ("NAdam", {"lr": 0.02, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.02}), ("RAdam", {"lr": 0.02, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Rprop", {"lr": 0.01}), ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (1e-3, 0.2)}),
    ("ASGD", {"lr": 0.05}), ("ASGD", {"lr": 0.05, "t0": 4, "lambd": 0.1, "weight_decay": 0.1}),
    ("Adafactor", {}), ("Adafactor", {"lr": 0.1, "weight_decay": 0.1, "d": 2.0}),
]


def values(seed: int, dtype: str) -> list[np.ndarray]:
    random = np.random.RandomState(seed)
    made = [random.standard_normal(s) for s in SHAPES]
    if dtype == "complex64":
        made = [m + 1j * random.standard_normal(s) for m, s in zip(made, SHAPES, strict=True)]
    return [np.asarray(m, dtype) for m in made]


def compare_states(ours: dict[str, Any], theirs: dict[str, Any], rtol: float) -> None:
    assert list(ours["state"]) == list(theirs["state"])
    for number, own in theirs["state"].items():
        assert list(ours["state"][number]) == list(own)
        for name, tensor in own.items():
            got = ours["state"][number][name].numpy()
            np.testing.assert_allclose(got, tensor.numpy(), rtol=rtol, atol=rtol / 10,
                                       err_msg=f"{number} {name}")
            assert got.dtype == tensor.numpy().dtype, name
    assert ours["param_groups"] == theirs["param_groups"]
    assert [list(g) for g in ours["param_groups"]] == [list(g) for g in theirs["param_groups"]]


def run(name: str, options: dict[str, Any], dtype: str, rtol: float) -> None:
    mine = [Parameter(v) for v in values(0, dtype)]
    real = [torch.nn.Parameter(torch.tensor(v)) for v in values(0, dtype)]
    ours = getattr(optim, name)(mine, **options)
    theirs = getattr(torch.optim, name)(real, **options)
    for step in range(1, 13):
        for p, q, g in zip(mine, real, values(step, dtype), strict=True):
            p.grad, q.grad = wrap(g), torch.tensor(g)
        if step in (4, 5):  # a parameter that misses steps counts its own
            mine[1].grad = real[1].grad = None
        if step == 8:
            ours.param_groups[0]["lr"] *= 0.5
            theirs.param_groups[0]["lr"] *= 0.5
        ours.step()
        theirs.step()
        for p, q in zip(mine, real, strict=True):
            np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=rtol, atol=rtol / 10,
                                       err_msg=f"after step {step}")
    compare_states(ours.state_dict(), theirs.state_dict(), rtol * 10)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_twelve_steps_are_those_of_torch(name: str, options: dict[str, Any]) -> None:
    run(name, options, "float32", 2e-5)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_in_float64_too(name: str, options: dict[str, Any]) -> None:
    # torch keeps mu_product and the like in single precision
    run(name, options, "float64", 1e-6 if name in ("NAdam", "ASGD") else 1e-11)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad"])
def test_complex_parameters_are_two_real_ones(name: str) -> None:
    run(name, {"lr": 0.05}, "complex64", 2e-5)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_state_moves_from_torch_and_back(name: str, options: dict[str, Any]) -> None:
    mine = [Parameter(v) for v in values(0, "float32")]
    real = [torch.nn.Parameter(torch.tensor(v)) for v in values(0, "float32")]
    theirs = getattr(torch.optim, name)(real, **options)
    for step in range(1, 4):
        for q, g in zip(real, values(step, "float32"), strict=True):
            q.grad = torch.tensor(g)
        theirs.step()
    saved = theirs.state_dict()
    plain = {"state": {k: {n: t.numpy().copy() for n, t in own.items()}
                       for k, own in saved["state"].items()}, "param_groups": saved["param_groups"]}
    ours = getattr(optim, name)(mine, **options)
    ours.load_state_dict(plain)
    for p, q in zip(mine, real, strict=True):
        p.data = wrap(q.detach().numpy().copy())
    for step in range(4, 6):
        for p, q, g in zip(mine, real, values(step, "float32"), strict=True):
            p.grad, q.grad = wrap(g), torch.tensor(g)
        ours.step()
        theirs.step()
    for p, q in zip(mine, real, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=2e-5, atol=2e-6)
    compare_states(ours.state_dict(), theirs.state_dict(), 2e-4)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": -1}), ("SGD", {"lr": 0.1, "momentum": -0.5}), ("SGD", {"weight_decay": -1}),
    ("SGD", {"nesterov": True}), ("Adam", {"lr": -1.0}), ("Adam", {"eps": -1}),
    ("Adam", {"betas": (1.0, 0.9)}), ("Adam", {"betas": (0.9, 2)}), ("Adam", {"weight_decay": -1}),
    ("RMSprop", {"alpha": -1}), ("RMSprop", {"momentum": -1}), ("RMSprop", {"eps": -1}),
    ("Adagrad", {"lr_decay": -1}), ("Adagrad", {"initial_accumulator_value": -1}),
    ("Adadelta", {"rho": 2}), ("Adamax", {"betas": (-0.1, 0.9)}),
    ("NAdam", {"momentum_decay": -1}), ("RAdam", {"weight_decay": -1}),
    ("Rprop", {"etas": (1.2, 0.5)}), ("ASGD", {"weight_decay": -1}),
    ("Adafactor", {"d": 0.5}), ("Adafactor", {"beta2_decay": 1}), ("Adafactor", {"eps": (-1, 1)}),
]


@pytest.mark.parametrize(("name", "options"), BAD)
def test_illegal_options_are_refused_in_torch_s_words(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".") as real:
        getattr(torch.optim, name)([torch.nn.Parameter(torch.zeros(2))], **options)
    with pytest.raises(ValueError, match=r".") as mine:
        getattr(optim, name)([Parameter(np.zeros(2, np.float32))], **options)
    assert str(mine.value).splitlines()[0] == str(real.value)

"""The state of an optimizer moves through PyTorch's own files, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tricord import optim
from tricord import torch as face
from tricord.tensor import Parameter, wrap

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"momentum": 0.9}), ("Adam", {"amsgrad": True}), ("NAdam", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}), ("ASGD", {}), ("Adafactor", {})]


def gradients(step: int) -> list[np.ndarray]:
    random = np.random.RandomState(step)
    return [random.standard_normal(s).astype("float32") for s in ((2, 3), (3,))]


def step_both(ours: Any, theirs: Any, mine: list[Any], real: list[Any], steps: range) -> None:
    for step in steps:
        for p, q, g in zip(mine, real, gradients(step), strict=True):
            p.grad, q.grad = wrap(g), torch.tensor(g)
        ours.step()
        theirs.step()
    for p, q in zip(mine, real, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_through_a_file_and_back(kind: str, options: dict[str, Any], tmp_path: Any) -> None:
    def make() -> tuple[Any, Any, list[Any], list[Any]]:
        mine = [Parameter(g) for g in gradients(0)]
        real = [torch.nn.Parameter(torch.tensor(g)) for g in gradients(0)]
        return (getattr(optim, kind)(mine, **options), getattr(torch.optim, kind)(real, **options),
                mine, real)

    ours, theirs, mine, real = make()
    step_both(ours, theirs, mine, real, range(1, 4))
    torch.save(theirs.state_dict(), tmp_path / "theirs.pt")
    face.save(ours.state_dict(), tmp_path / "ours.pt")
    again, other, mine2, real2 = make()
    for p, q, old in zip(mine2, real2, real, strict=True):
        p.data = wrap(old.detach().numpy().copy())
        q.data = old.detach().clone()
    again.load_state_dict(face.load(tmp_path / "theirs.pt"))
    other.load_state_dict(torch.load(tmp_path / "ours.pt", weights_only=True))
    step_both(again, other, mine2, real2, range(4, 7))

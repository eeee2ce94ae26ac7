"""``torch.save`` and ``torch.load``: our files in PyTorch, PyTorch's here, and what is refused."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tricord import torch
from tricord.errors import ArgumentError, FileFormatError, NotSupportedError, UnsafeFileError
from tricord.torch import nn, optim


def again(obj: Any, **options: Any) -> Any:
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return torch.load(file, **options)


def trained() -> tuple[Any, Any]:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.rand(5, 3)).sum().backward()
        optimizer.step()
    return model, optimizer


def test_a_state_dict_comes_back_with_its_order_and_metadata() -> None:
    model, _ = trained()
    state = model.state_dict()
    state._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    found = again(state)
    assert isinstance(found, OrderedDict) and list(found) == list(state)
    assert found._metadata == {"": {"version": 1}}
    for name, value in state.items():
        assert found[name].dtype == value.dtype and torch.equal(found[name], value)
    other = trained()[0]
    assert str(other.load_state_dict(found)) == "<All keys matched successfully>"


def test_a_checkpoint_with_optimizer_and_numbers() -> None:
    model, optimizer = trained()
    found = again({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
                   "loss": 0.5, "history": [1.0, (2, "text", None)], "dtype": torch.float32,
                   "device": torch.device("cpu")})
    assert found["epoch"] == 3 and found["history"] == [1.0, (2, "text", None)]
    assert found["dtype"] is torch.float32 and found["device"] == torch.device("cpu")
    other, fresh = trained()
    other.load_state_dict(found["model"])
    fresh.load_state_dict(found["optimizer"])
    x = torch.rand(5, 3)
    for pair in ((model, optimizer), (other, fresh)):
        pair[1].zero_grad()
        pair[0](x).sum().backward()
        pair[1].step()
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_parameters_and_requires_grad_come_back() -> None:
    parameter, leaf, plain = again((nn.Parameter(torch.ones(2)),
                                    torch.ones(1, requires_grad=True), torch.ones(1)))
    assert isinstance(parameter, nn.Parameter) and parameter.requires_grad
    assert leaf.requires_grad and not plain.requires_grad


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16",
                                   "bfloat16", "float32", "float64", "complex64", "complex128"])
def test_every_dtype_and_odd_shapes(dtype: str) -> None:
    for shape in ((), (0,), (2, 3), (1, 0, 2)):
        value = torch.ones(shape, dtype=getattr(torch, dtype))
        found = again(value)
        assert found.dtype == value.dtype and found.shape == value.shape
        assert torch.equal(found, value)


def test_what_is_pending_is_evaluated_and_a_view_is_saved_by_its_values() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    assert again([x * 2, x.t(), x[:, 1]])[1].tolist() == x.t().tolist()


def test_the_same_tensor_twice_is_one_object() -> None:
    x = torch.ones(3)
    found = again({"a": x, "b": [x]})
    assert found["a"] is found["b"][0]


def test_deep_nesting_needs_no_recursion_of_ours() -> None:
    nested: Any = 1
    for _ in range(150):
        nested = [nested]
    found = again(nested)
    for _ in range(150):
        [found] = found
    assert found == 1


def test_a_container_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ArgumentError, match="holds itself"):
        torch.save(circle, io.BytesIO())


@pytest.mark.parametrize("what", [
    lambda: nn.Linear(1, 1), lambda: {"model": nn.Linear(1, 1)},
    lambda: optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)])
def test_a_module_or_optimizer_itself_is_refused_with_the_way_out(what: Any) -> None:
    with pytest.raises(NotSupportedError, match=r"state_dict\(\)"):
        torch.save(what(), io.BytesIO())


def test_another_object_is_refused_by_its_place() -> None:
    with pytest.raises(ArgumentError, match=r"object\['x'\]\[1\] is a object"):
        torch.save({"x": [1, object()]}, io.BytesIO())


def test_map_location(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(torch.ones(2), path)
    for where in (None, "cpu", torch.device("cpu"), {"cuda:0": "cpu"},
                  lambda storage, location: storage):
        assert torch.load(path, map_location=where, weights_only=True).tolist() == [1.0, 1.0]
    with pytest.raises(NotSupportedError, match="cuda"):
        torch.load(path, map_location="cuda:0")


class Hostile:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("touched"),)


def test_no_code_is_run_whatever_weights_only_says(tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.pt").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises((UnsafeFileError, FileFormatError), match=r"bad\.pt"):
        torch.load("bad.pt", weights_only=False)
    assert not Path("touched").exists()


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(torch.ones(2), path)
    with pytest.raises(ArgumentError):
        torch.save([torch.zeros(2), object()], path)
    assert torch.load(path).tolist() == [1.0, 1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["w.pt"]


WRITE = """
import sys, torch
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(1, 3)).sum().backward()
optimizer.step()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
            "output": model(torch.ones(1, 3)).detach()}, sys.argv[1])
"""

READ = """
import sys, torch
found = torch.load(sys.argv[1], weights_only=True)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
model.load_state_dict(found["model"])
optimizer = torch.optim.Adam(model.parameters())
optimizer.load_state_dict(found["optimizer"])
print(float((model(torch.ones(1, 3)) - found["output"]).abs().max()))
"""


def run_real(script: str, path: Path) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script, str(path)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def small() -> tuple[Any, Any]:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    return model, optim.Adam(model.parameters())


@pytest.mark.peers("torch")
def test_a_checkpoint_of_pytorch_is_loaded_here(tmp_path: Path) -> None:
    run_real(WRITE, tmp_path / "real.pt")
    found = torch.load(tmp_path / "real.pt")
    model, optimizer = small()
    model.load_state_dict(found["model"])
    optimizer.load_state_dict(found["optimizer"])
    np.testing.assert_allclose(model(torch.ones(1, 3)).tolist(), found["output"].tolist(),
                               rtol=1e-5)


@pytest.mark.peers("torch")
def test_a_checkpoint_of_ours_is_loaded_by_pytorch(tmp_path: Path) -> None:
    model, optimizer = small()
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "output": model(torch.ones(1, 3)).detach()}, tmp_path / "ours.pt")
    assert float(run_real(READ, tmp_path / "ours.pt")) < 1e-6

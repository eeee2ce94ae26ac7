"""Unmodified scripts under ``tricord run`` print the losses that the real frameworks print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .transcript import FOLDER, GOLDEN, SCRIPTS, Transcript, read_transcript

ROOT = FOLDER.parents[1]
NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))

Run = Callable[[str], tuple[Transcript, Path]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Run:
    """Run a script once per session; what it printed and the folder it ran in."""
    done: dict[str, tuple[Transcript, Path]] = {}

    def run_once(name: str) -> tuple[Transcript, Path]:
        if name not in done:
            pytest.importorskip("sklearn")  # several scripts take their data from there
            folder = tmp_path_factory.mktemp(name)
            environment = os.environ | {"TRICORD_DATA": str(data_folder), "PYTHONPATH": str(ROOT)}
            finished = subprocess.run(
                [sys.executable, "-m", "tricord.cli", "run", str(SCRIPTS / f"{name}.py")],
                cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
                check=False)
            assert finished.returncode == 0, f"{name}.py failed:\n{finished.stderr[-3000:]}"
            done[name] = read_transcript(finished.stdout), folder
        return done[name]

    return run_once


def golden(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def test_every_script_has_a_golden_and_every_golden_a_script() -> None:
    scripts = {path.stem for path in SCRIPTS.glob("*.py")} - {"mnist_files"}
    assert scripts == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_losses_of_ten_steps_agree(name: str, run: Run) -> None:
    expected = golden(name)["losses"]
    assert len(expected) == 10
    np.testing.assert_allclose(run(name)[0].losses, expected, rtol=1e-4, err_msg=f"{name}.py")


@pytest.mark.parametrize("name", NAMES)
def test_what_the_script_computes_from_the_trained_model_agrees(name: str, run: Run) -> None:
    expected = golden(name)
    got = run(name)[0]
    assert got.values.keys() == expected["values"].keys()
    for key, value in expected["values"].items():
        # An accuracy may differ by one sample at a tie; the rest by ten times the losses' room.
        room = 2e-3 if "accuracy" in key else 1e-6
        np.testing.assert_allclose(got.values[key], value, rtol=1e-3, atol=room, err_msg=key)


@pytest.mark.parametrize("name", [name for name in NAMES if golden(name)["reached"]])
def test_training_with_own_random_numbers_gets_as_far(name: str, run: Run) -> None:
    for key, value in golden(name)["reached"].items():
        assert run(name)[0].reached[key] == pytest.approx(value, abs=0.08), key


TORCH_FILES = {"torch_mlp": "mlp.pt", "torch_linear_regression": "linear_regression.pt",
               "torch_cnn": "cnn.pth", "torch_rnn": "rnn.pt", "torch_classifier": "classifier.pt"}


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", TORCH_FILES)
def test_real_torch_reads_the_state_dict(name: str, run: Run) -> None:
    folder = run(name)[1]
    torch = quiet_import("torch")
    state = torch.load(folder / TORCH_FILES[name], weights_only=True)
    with np.load(folder / "check.npz") as expected:
        assert list(state) == list(expected)
        for key, value in state.items():
            np.testing.assert_array_equal(value.numpy(), expected[key], err_msg=key)


@pytest.mark.peers("torch")
def test_real_torch_reads_the_checkpoint_with_its_optimizer(run: Run) -> None:
    torch = quiet_import("torch")
    checkpoint = torch.load(run("torch_classifier")[1] / "checkpoint.pt", weights_only=True)
    model = torch.nn.Sequential(torch.nn.Linear(64, 48), torch.nn.LayerNorm(48), torch.nn.GELU(),
                                torch.nn.Dropout(), torch.nn.Linear(48, 10))
    model.load_state_dict(checkpoint["model_state_dict"])
    optimizer = torch.optim.AdamW(model.parameters())
    optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
    assert optimizer.param_groups[0]["weight_decay"] == 0.05
    assert set(optimizer.state[model[0].weight]) == {"step", "exp_avg", "exp_avg_sq"}


KERAS_FILES = [
    ("keras_mlp", "mlp.h5"), ("keras_mlp", "mlp.keras"), ("keras_functional", "digits.keras"),
    ("keras_linear_regression", "linear_regression.h5"), ("keras_cnn", "cnn.keras"),
    ("keras_lstm", "lstm.keras"), ("tf_keras_regression", "regression.keras"),
    ("tf_keras_regression", "regression.h5"), ("tf_keras_mlp", "mlp.keras")]


@pytest.mark.peers("torch", "keras")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("name", "file"), KERAS_FILES)
def test_real_keras_reads_the_model_and_predicts_the_same(name: str, file: str, run: Run) -> None:
    folder = run(name)[1]
    keras = quiet_import("keras")
    model = keras.models.load_model(folder / file)
    with np.load(folder / "check.npz") as expected:
        np.testing.assert_allclose(model.predict(expected["x"], verbose=0), expected["y"],
                                   rtol=1e-5, atol=1e-5)


def quiet_import(name: str) -> Any:
    """A peer; its warnings about itself are its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)

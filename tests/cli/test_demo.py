"""The demo trains through all three faces, compares them and writes its files."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from tests.conftest import ROOT
from tricord.cli import demo
from tricord.cli.main import main
from tricord.serialize import load_torch, sniff


def test_all_faces_record_one_graph_and_end_with_the_same_weights(tmp_path, capsys):
    outcomes = demo.run(tmp_path, epochs=1)
    first, *others = outcomes.values()
    for other in others:
        assert other.program == first.program
        for a, b in zip(first.weights, other.weights, strict=True):
            np.testing.assert_array_equal(a, b)
    assert first.accuracies[-1] > 0.5
    text = capsys.readouterr().out
    assert "same graph" in text and "bit for bit" in text
    assert set(load_torch(tmp_path / "model.pt")) == {"w1", "b1", "w2", "b2"}
    assert "keras" in sniff(tmp_path / "model.keras") and (tmp_path / "model.h5").stat().st_size


def test_train_names_the_file_that_is_missing(tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "train-images-idx3-ubyte" in capsys.readouterr().err


def run_script(path):
    # A process of its own: from then on `import torch` means the face.
    return subprocess.run([sys.executable, "-m", "tricord.cli", "run", str(path)], cwd=ROOT,
                          capture_output=True, text=True, check=False)


def test_run_gives_the_scripts_exit_code_and_its_own_line(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import torch\nx = torch.ones(2, 3)\nx @ x\n", encoding="utf-8")
    done = run_script(script)
    assert done.returncode == 1
    assert "matmul" in done.stderr and "line 3" in done.stderr
    assert "recorder.py" not in done.stderr, "frames of tricord's own are left out"
    assert run_script(tmp_path / "none.py").returncode == 2

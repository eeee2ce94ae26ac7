"""Train every program to the end under tricord: minutes, so this is no test of the suite.

    python -m tests.programs.full [NAME ...]

MNIST must reach 97 % on its test set in ten epochs; the others what is written in GOALS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .transcript import FOLDER, SCRIPTS, read_transcript

# What is printed at the end, and the bound it must reach: at least (+) or at most (-).
GOALS = {
    "keras_mlp": ("accuracy", "+", 0.97), "torch_mlp": ("accuracy", "+", 0.97),
    "keras_cnn": ("accuracy", "+", 0.97), "torch_cnn": ("accuracy", "+", 0.975),
    "keras_functional": ("accuracy", "+", 0.9), "torch_classifier": ("accuracy", "+", 0.92),
    "tf_keras_mlp": ("accuracy", "+", 0.95), "tf1_graph": ("accuracy", "+", 0.95),
    "tf2_tape": ("accuracy", "+", 0.9), "tf2_custom_loop": ("accuracy", "+", 0.87),
    "keras_linear_regression": ("mse", "-", 0.33), "torch_linear_regression": ("mse", "-", 0.35),
    "tf_keras_regression": ("mse", "-", 0.33), "tf1_linear_regression": ("half_mse", "-", 0.2),
    "keras_lstm": ("rmse", "-", 0.1), "torch_rnn": ("cross_entropy", "-", 2.6),
}


def main(names: list[str]) -> int:
    data = os.environ.get("TRICORD_DATA", str(FOLDER.parents[2] / "shared" / "data"))
    environment = os.environ | {"TRICORD_DATA": data, "PYTHONPATH": str(FOLDER.parents[1])}
    missed = 0
    for name in names or GOALS:
        key, sign, bound = GOALS[name]
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", "tricord.cli", "run", str(SCRIPTS / f"{name}.py"), "--full"],
                cwd=Path(folder), env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode:
            print(f"{name}: failed\n{done.stderr[-2000:]}")
            missed += 1
            continue
        value = read_transcript(done.stdout).reached[key]
        good = value >= bound if sign == "+" else value <= bound
        missed += not good
        print(f"{name}: {key} {value:.4f}, asked {sign}{bound}, {seconds:.0f} s"
              f"{'' if good else '  MISSED'}", flush=True)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Run the scripts under the real frameworks and write ``golden/*.json``.

    python -m tests.programs.regenerate --peers PYTHON --tensorflow PYTHON [NAME ...]

``--peers`` is an interpreter with torch 2.13.0, keras 3.15.1 and scikit-learn (the extra
``[peers]``), ``--tensorflow`` one with tensorflow-cpu and scikit-learn; both need the data sets
(``TRICORD_DATA`` or ``../shared/data``). A script that names itself ``tf...`` runs under the
second, any other under the first, Keras on the torch backend. The diff of the JSON files is to be
read: a changed loss means that the script or the framework changed.

Two things a real framework of today refuses are replaced in a copy of the script, see REPLACED;
torchvision comes from ``stand_ins/``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .transcript import FOLDER, GOLDEN, SCRIPTS, read_transcript

REPLACED = {
    # Keras 3 has dropped the spelling of Keras 1 and 2.
    "keras_linear_regression": [("SGD(lr=0.01)", "SGD(learning_rate=0.01)")],
    # The loader downloads; the same images come from the files at hand.
    "keras_mnist_loader": [
        ("from keras.datasets import mnist\n", "import mnist_files\n"),
        ("mnist.load_data()", "[((x * 255).round().astype('uint8').reshape(-1, 28, 28), y)"
                              " for x, y in mnist_files.load_mnist()]")],
}

VERSIONS = """
import importlib.metadata as metadata, json, platform
names = ["torch", "keras", "tensorflow_cpu", "numpy", "scikit-learn"]
found = {}
for name in names:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found | {"python": platform.python_version()}))
"""


def run(python: str, name: str, data: Path, *arguments: str) -> str:
    """The output of the script under a real framework, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copy(SCRIPTS / "mnist_files.py", work)
        text = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
        for old, new in REPLACED.get(name, []):
            if old not in text:
                raise SystemExit(f"{name}: {old!r} is no longer in the script")
            text = text.replace(old, new)
        (work / f"{name}.py").write_text(text, encoding="utf-8")
        environment = os.environ | {
            "TRICORD_DATA": str(data), "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1",
            "KERAS_BACKEND": "tensorflow" if name.startswith("tf") else "torch",
            "PYTHONPATH": os.pathsep.join([str(work), str(FOLDER / "stand_ins")])}
        done = subprocess.run([python, f"{name}.py", *arguments], cwd=work, env=environment,
                              capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed under {python}:\n{done.stderr[-3000:]}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", required=True, help="an interpreter with torch and keras")
    parser.add_argument("--tensorflow", help="an interpreter with tensorflow")
    parser.add_argument("names", nargs="*", help="scripts without .py; all if none is given")
    chosen = parser.parse_args()
    data = Path(os.environ.get("TRICORD_DATA", FOLDER.parents[2] / "shared" / "data")).resolve()
    names = chosen.names or sorted(p.stem for p in SCRIPTS.glob("*.py") if p.stem != "mnist_files")
    GOLDEN.mkdir(exist_ok=True)
    for name in names:
        python = chosen.tensorflow if name.startswith("tf") else chosen.peers
        if python is None:
            print(f"{name}: left out, no --tensorflow given")
            continue
        transcript = read_transcript(run(python, name, data)).as_dict()
        versions = json.loads(subprocess.check_output([python, "-c", VERSIONS], text=True))
        record = {"script": f"{name}.py", "made_with": versions} | transcript
        (GOLDEN / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {len(record['losses'])} losses, {len(record['values'])} values")
    return 0


if __name__ == "__main__":
    sys.exit(main())

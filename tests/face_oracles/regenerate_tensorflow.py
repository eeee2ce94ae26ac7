"""Write ``golden/tensorflow.json``: what the real TensorFlow answers to its table.

    PYTHON -m tests.face_oracles.regenerate_tensorflow

with an interpreter that has tensorflow-cpu. Every function is also run in a graph and must give
the same there, or the row is refused.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path
from typing import Any

from .cases import names
from .table_tensorflow import EAGER_ONLY, FUNCTIONS, GRAPHS, NETWORK, PROGRAMS
from .tensorflow_harness import encode, run_eagerly, run_in_a_graph, same_answer

FILE = Path(__file__).parent / "golden" / "tensorflow.json"


def main() -> int:
    tf = importlib.import_module("tensorflow")
    names([*FUNCTIONS, *NETWORK, *PROGRAMS, *GRAPHS])
    answers: dict[str, list[Any]] = {}
    bad = 0
    for case in [*FUNCTIONS, *NETWORK, *PROGRAMS, *GRAPHS]:
        try:
            answers[case.name] = [encode(leaf) for leaf in run_eagerly(tf, case)]
            if case in FUNCTIONS + NETWORK and case.name not in EAGER_ONLY:
                graph = [encode(leaf) for leaf in run_in_a_graph(tf, case)]
                for got, expected in zip(graph, answers[case.name], strict=True):
                    same_answer(got, expected, case.name)
        except Exception:  # noqa: BLE001 - reports every bad row, whatever it raised
            bad += 1
            print(f"--- {case.name}", traceback.format_exc(limit=-2), sep="\n")
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in answers.items()]
    rows = ",\n".join(lines)
    text = f'{{"tensorflow": "{tf.__version__}",\n"answers": {{\n{rows}\n}}}}\n'
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text, encoding="utf-8")
    print(f"{len(answers)} rows written, {bad} bad")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

"""``tricord.tensorflow`` answers as TensorFlow does: eagerly, in a graph, in programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tricord import tensorflow as tf

from .cases import Case, names
from .table_tensorflow import EAGER_ONLY, FUNCTIONS, GRAPHS, NETWORK, PROGRAMS
from .tensorflow_harness import encode, run_eagerly, run_in_a_graph, same_answer

ANSWERS: dict[str, list[Any]] = json.loads(
    (Path(__file__).parent / "golden" / "tensorflow.json").read_text(encoding="utf-8"))["answers"]
ROWS = FUNCTIONS + NETWORK
IN_GRAPHS = [case for case in ROWS if case.name not in EAGER_ONLY]
WHOLE = PROGRAMS + GRAPHS


def compare(case: Case, found: list[Any]) -> None:
    got = json.loads(json.dumps([encode(leaf) for leaf in found]))
    expected = ANSWERS[case.name]
    assert len(got) == len(expected), f"{len(got)} outputs and gradients, not {len(expected)}"
    for place, (ours, theirs) in enumerate(zip(got, expected, strict=True)):
        same_answer(ours, theirs, f"{case.name}, {place}")


@pytest.mark.parametrize("case", ROWS, ids=names(ROWS))
def test_function_agrees(case: Case) -> None:
    compare(case, run_eagerly(tf, case))


@pytest.mark.parametrize("case", IN_GRAPHS, ids=names(IN_GRAPHS))
def test_function_agrees_in_a_graph(case: Case) -> None:
    compare(case, run_in_a_graph(tf, case))


@pytest.mark.parametrize("case", WHOLE, ids=names(WHOLE))
def test_program_agrees(case: Case) -> None:
    compare(case, run_eagerly(tf, case))

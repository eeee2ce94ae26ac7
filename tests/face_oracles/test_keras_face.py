"""``tricord.keras`` answers as Keras 3 does, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from tricord import keras as face

from . import harness
from .cases import Case, names
from .table_keras import TABLES

# The peers warn about their own deprecations.
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default")]

ROWS = [(check, case) for table, check in TABLES for case in table]


#: where Keras' own backends differ from one another, and we follow the others
DIFFERENT = {"AveragePooling2D same": "on PyTorch Keras repeats the border into the average; on "
                                      "TensorFlow and JAX, as here, it is left out"}
MARKED = [pytest.param(check, case, marks=[pytest.mark.xfail(
    strict=True, reason=DIFFERENT[case.name])] if case.name in DIFFERENT else [])
    for check, case in ROWS]


@pytest.mark.parametrize(("check", "case"), MARKED, ids=names([case for _, case in ROWS]))
def test_keras_agrees(check: str, case: Case, real_keras: Any) -> None:
    getattr(harness, check)(face, real_keras, case)

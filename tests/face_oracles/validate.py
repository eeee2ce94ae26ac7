"""Run every table on the real framework against itself: a table with a wrong row is found here.

    python -m tests.face_oracles.validate            # needs torch and keras, not tricord
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from . import (
    harness,
    table_keras,
    table_torch_elementwise,
    table_torch_functional,
    table_torch_shape,
)
from . import table_torch_nn as nn
from .cases import names


def problems(cases: list[Any], check: Callable[..., None], namespace: Any, *rest: Any) -> int:
    found = 0
    names(cases)
    for case in cases:
        try:
            check(namespace, namespace, case, *rest)
        except Exception:  # noqa: BLE001 - reports every bad row, whatever it raised
            found += 1
            print(f"--- {case.name}", traceback.format_exc(limit=-3), sep="\n")
    return found


def main() -> int:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    warnings.simplefilter("ignore")
    torch, keras = importlib.import_module("torch"), importlib.import_module("keras")
    bad = 0
    for table in (table_torch_elementwise.CASES, table_torch_shape.CASES,
                  table_torch_functional.CASES, nn.MACHINERY):
        bad += problems(table, harness.check_torch_case, torch)
    bad += problems(nn.MODULES, harness.check_module, torch, True)
    bad += problems(nn.MODULES + nn.EVALUATION, harness.check_module, torch, False)
    bad += problems(nn.OPTIMIZERS, harness.check_optimizer, torch)
    bad += problems(nn.SCHEDULES, harness.check_scheduler, torch)
    for table, check in table_keras.TABLES:
        bad += problems(table, getattr(harness, check), keras)
    print(f"{bad} rows do not run on the real framework")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

"""``tricord.torch`` answers as PyTorch does, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from tricord import torch as face

from . import table_torch_elementwise, table_torch_functional, table_torch_nn, table_torch_shape
from .cases import Case, names
from .harness import check_module, check_optimizer, check_scheduler, check_torch_case

# The peers warn about their own deprecations.
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default")]

#: Rows that differ by decision, and why; each is marked, so that a row that agrees again is seen.
DIFFERENT = {
    "type promotion of 0-d tensors":
        "one Tensor for all faces: 0-d tensors promote as the array API standard says",
    "from_numpy shares memory":
        "from_numpy copies: recorded operations must not see later writes to the array",
}


def marked(cases: list[Case]) -> list[Any]:
    return [pytest.param(case, id=case.name, marks=pytest.mark.xfail(
        strict=True, reason=DIFFERENT[case.name])) if case.name in DIFFERENT
        else pytest.param(case, id=case.name) for case in cases]


FUNCTIONS = table_torch_elementwise.CASES + table_torch_shape.CASES
FUNCTIONAL = table_torch_functional.CASES
MODULES = table_torch_nn.MODULES
EVALUATION = MODULES + table_torch_nn.EVALUATION
OPTIMIZERS = table_torch_nn.OPTIMIZERS
SCHEDULES = table_torch_nn.SCHEDULES
MACHINERY = table_torch_nn.MACHINERY


def test_what_differs_is_in_the_tables() -> None:
    assert set(DIFFERENT) <= set(names(FUNCTIONS))


@pytest.mark.parametrize("case", marked(FUNCTIONS))
def test_function_agrees(case: Case, real_torch: Any) -> None:
    check_torch_case(face, real_torch, case)


@pytest.mark.parametrize("case", FUNCTIONAL, ids=names(FUNCTIONAL))
def test_functional_agrees(case: Case, real_torch: Any) -> None:
    check_torch_case(face, real_torch, case)


@pytest.mark.parametrize("case", MODULES, ids=names(MODULES))
def test_module_agrees_in_training(case: Case, real_torch: Any) -> None:
    check_module(face, real_torch, case, training=True)


@pytest.mark.parametrize("case", EVALUATION, ids=names(EVALUATION))
def test_module_agrees_in_evaluation(case: Case, real_torch: Any) -> None:
    check_module(face, real_torch, case, training=False)


@pytest.mark.parametrize("case", OPTIMIZERS, ids=names(OPTIMIZERS))
def test_optimizer_takes_the_same_steps(case: Case, real_torch: Any) -> None:
    check_optimizer(face, real_torch, case)


@pytest.mark.parametrize("case", SCHEDULES, ids=names(SCHEDULES))
def test_schedule_gives_the_same_rates(case: Case, real_torch: Any) -> None:
    check_scheduler(face, real_torch, case)


@pytest.mark.parametrize("case", MACHINERY, ids=names(MACHINERY))
def test_machinery_agrees(case: Case, real_torch: Any) -> None:
    check_torch_case(face, real_torch, case)

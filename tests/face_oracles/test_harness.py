"""The helpers notice a face that answers otherwise than the real framework."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from .cases import Case, Draw, materialise, names, normal
from .harness import check_module, check_optimizer, check_torch_case

peers = pytest.mark.peers("torch")
pytestmark = pytest.mark.filterwarnings("default")


class Face(SimpleNamespace):
    """The real torch with some names replaced."""

    def __init__(self, real: Any, **replaced: Any):
        super().__init__(real=real, **replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["real"], name)


RELU = Case("relu", lambda t, x: t.relu(x), normal(3, 4))


@peers
@pytest.mark.parametrize(("wrong", "says"), [
    (lambda t, x: t.relu(x) + 0.01, "relu, output 0"),
    (lambda t, x: t.relu(x).double(), "float64"),
    (lambda t, x: t.relu(x)[:, :3], r"\(3, 3\)"),
    (lambda t, x: t.relu(x).detach(), "requires_grad"),
    (lambda t, x: t.relu(x.detach()) + (x - x.detach()), "gradient of input 0"),
    (lambda t, x: 3.0, "Tensor"),
], ids=["value", "dtype", "shape", "requires_grad", "gradient", "type"])
def test_a_wrong_function_is_noticed(real_torch: Any, wrong: Any, says: str) -> None:
    face = Face(real_torch, relu=lambda x: wrong(real_torch, x))
    check_torch_case(real_torch, real_torch, RELU)
    with pytest.raises(AssertionError, match=says):
        check_torch_case(face, real_torch, RELU)


@peers
def test_a_module_with_another_state_dict_is_noticed(real_torch: Any) -> None:
    nn = real_torch.nn
    case = Case("Linear", lambda t: t.nn.Linear(4, 3), normal(2, 4))
    face = Face(real_torch, nn=Face(nn, Linear=lambda i, o: nn.Linear(i, o, bias=False)))
    check_module(real_torch, real_torch, case, training=True)
    with pytest.raises(AssertionError, match="state_dict"):
        check_module(face, real_torch, case, training=True)


@peers
def test_an_optimizer_with_another_default_is_noticed(real_torch: Any) -> None:
    optim = real_torch.optim
    case = Case("Adam", lambda t, parameters: t.optim.Adam(parameters))
    face = Face(real_torch, optim=Face(optim, Adam=lambda p: optim.Adam(p, eps=1e-3)))
    with pytest.raises(AssertionError, match="Adam: "):
        check_optimizer(face, real_torch, case)


def test_inputs_depend_on_the_name_of_the_case_and_on_their_place_only() -> None:
    draw = normal(3)
    first, second = materialise("a", (draw, draw))
    assert (first != second).all()
    assert (materialise("a", (draw,))[0] == first).all()
    assert (materialise("b", (draw,))[0] != first).all()
    assert materialise("a", (Draw("integers", (50,), 0, 3, "int64"),))[0].max() == 2


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="relu"):
        names([RELU, RELU])

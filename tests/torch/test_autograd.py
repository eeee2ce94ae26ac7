"""autograd.Function, Jacobians, transformations, and what in-place writes do to gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tricord import torch
from tricord.errors import DTypeError, GradientError, NotSupportedError, ShapeError
from tricord.tensor.recorder import state
from tricord.torch import autograd, func
from tricord.torch import nn as nn
from tricord.torch.autograd import Function


class Cube(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * 30 * x ** 2


class SumAndProduct(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, scale: float) -> Any:
        ctx.save_for_backward(x, y)
        ctx.scale = scale
        return (x + y) * scale, x * y

    @staticmethod
    def backward(ctx: Any, of_sum: Any, of_product: Any) -> Any:
        x, y = ctx.saved_tensors
        return of_sum * ctx.scale + of_product * y, of_sum * ctx.scale + of_product * x, None


def leaf(*values: float) -> Any:
    return torch.tensor(values, requires_grad=True)


def test_a_function_has_the_gradient_it_says() -> None:
    x = leaf(1.0, 2.0)
    y = Cube.apply(x)
    y.sum().backward()
    assert y.tolist() == [1.0, 8.0]
    assert x.grad.tolist() == [30.0, 120.0]


def test_a_function_with_two_results_gets_both_gradients() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 5.0)
    total, product = SumAndProduct.apply(x, y, 2.0)
    (total * torch.tensor([1.0, 10.0]) + product).sum().backward()
    assert x.grad.tolist() == [2.0 + 3.0, 20.0 + 5.0]
    assert y.grad.tolist() == [2.0 + 1.0, 20.0 + 2.0]


def test_a_result_that_is_not_used_has_a_gradient_of_zeros() -> None:
    x, y = leaf(1.0), leaf(3.0)
    _, product = SumAndProduct.apply(x, y, 2.0)
    product.sum().backward()
    assert x.grad.tolist() == [3.0]


def test_a_function_is_differentiated_twice() -> None:
    x = leaf(2.0)
    (first,) = autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    assert second.tolist() == [120.0]


def test_a_function_in_a_loop_builds_no_new_programs() -> None:
    x = leaf(1.0, 2.0)

    def step() -> None:
        x.grad = None
        Cube.apply(x).sum().backward()
        assert x.grad.tolist() == [30.0, 120.0]

    step()
    step()
    before = state.programs_built
    for _ in range(5):
        step()
    assert state.programs_built == before


def test_needs_input_grad_tells_which_gradients_are_wanted() -> None:
    seen = []

    class Product(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any, number: int) -> Any:
            seen.append(ctx.needs_input_grad)
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            _, y = ctx.saved_tensors
            return grad * y, None, None

    x = leaf(2.0)
    Product.apply(x, torch.tensor([7.0]), 3).sum().backward()
    assert seen == [(True, False, False)]
    assert x.grad.tolist() == [7.0]


def test_a_backward_pass_may_look_at_values() -> None:
    class Clipped(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad / 2 if float(grad.abs().max()) > 1 else grad

    x = leaf(1.0)
    (Clipped.apply(x) * 4).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_setup_context_is_the_other_way_to_save() -> None:
    class Square(Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * 2 * x

    x = leaf(3.0)
    Square.apply(x).sum().backward()
    assert x.grad.tolist() == [6.0]


def test_results_marked_as_not_differentiable_are_constants() -> None:
    class Sorted(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            values, places = x.sort()
            ctx.mark_non_differentiable(places)
            ctx.save_for_backward(places)
            return values, places

        @staticmethod
        def backward(ctx: Any, grad: Any, _: Any) -> Any:
            (places,) = ctx.saved_tensors
            return torch.zeros_like(grad).index_add(0, places, grad)

    x = leaf(3.0, 1.0, 2.0)
    values, places = Sorted.apply(x)
    (values * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert not places.requires_grad
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


@pytest.mark.parametrize(("result", "error", "says"), [
    (lambda grad: (grad, grad), GradientError, "incorrect number of gradients"),
    (lambda grad: grad[:1], ShapeError, r"got \(1,\) but expected shape \(2,\)"),
    (lambda grad: 3.0, DTypeError, "expected Variable or None"),
])
def test_a_wrong_gradient_is_refused(result: Any, error: type[Exception], says: str) -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return result(grad)

    with pytest.raises(error, match=says):
        Wrong.apply(leaf(1.0, 2.0)).sum().backward()


def test_a_function_without_backward_says_so() -> None:
    class OnlyForward(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

    assert OnlyForward.apply(torch.ones(2)).tolist() == [1.0, 1.0]
    with pytest.raises(NotSupportedError, match="backward"):
        OnlyForward.apply(leaf(1.0)).sum().backward()


# ---- Jacobians and Hessians

def test_a_jacobian_is_the_matrix_of_a_linear_map() -> None:
    a = torch.tensor(np.arange(6, dtype=np.float32).reshape(2, 3))
    found = autograd.functional.jacobian(lambda x: a @ x, torch.ones(3))
    assert found.tolist() == a.tolist()
    assert func.jacrev(lambda x: a @ x)(torch.ones(3)).tolist() == a.tolist()
    assert func.jacfwd(lambda x: a @ x)(torch.ones(3)).tolist() == a.tolist()


def test_jacobians_of_several_inputs_and_outputs_are_nested() -> None:
    x, y = torch.tensor([1.0, 2.0]), torch.tensor(3.0)
    found = autograd.functional.jacobian(lambda x, y: (x * y, x.sum()), (x, y))
    assert [[m.tolist() for m in row] for row in found] == [
        [[[3.0, 0.0], [0.0, 3.0]], [1.0, 2.0]], [[1.0, 1.0], 0.0]]


def test_a_jacobian_of_a_function_that_looks_at_values_goes_row_by_row() -> None:
    def branching(x: Any) -> Any:
        return x * 2 if float(x.sum()) > 0 else x * 3

    assert autograd.functional.jacobian(branching, torch.ones(2)).tolist() == [[2.0, 0.0],
                                                                              [0.0, 2.0]]


def test_a_hessian_of_a_quadratic_form_is_its_matrix() -> None:
    a = np.array([[2.0, 1.0], [1.0, 4.0]], np.float32)
    matrix = torch.tensor(a)

    def form(x: Any) -> Any:
        return 0.5 * x @ matrix @ x

    point = torch.tensor([0.3, -1.0])
    np.testing.assert_allclose(autograd.functional.hessian(form, point).tolist(), a, rtol=1e-6)
    np.testing.assert_allclose(func.hessian(form)(point).tolist(), a, rtol=1e-6)
    _, product = autograd.functional.hvp(form, point, torch.tensor([1.0, 0.0]))
    np.testing.assert_allclose(product.tolist(), a[0], rtol=1e-6)


def test_products_with_a_jacobian() -> None:
    x, v = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    _, back = autograd.functional.vjp(lambda x: x ** 2, x, v)
    _, forth = autograd.functional.jvp(lambda x: x ** 2, x, v)
    assert back.tolist() == forth.tolist() == [6.0, 20.0]


def test_gradcheck_accepts_right_gradients_and_notices_wrong_ones() -> None:
    x = torch.tensor([0.5, -1.5], dtype=torch.float64, requires_grad=True)
    assert autograd.gradcheck(lambda t: (t.sin() * t, t.exp()), (x,))
    assert autograd.gradgradcheck(lambda t: t ** 3, (x,))
    assert not autograd.gradcheck(Cube.apply, (x,), raise_exception=False)
    with pytest.raises(GradientError, match="Jacobian mismatch for output 0"):
        autograd.gradcheck(Cube.apply, (x,))


# ---- torch.func

def test_gradients_of_functions_are_plain_tensors() -> None:
    """Otherwise a loop of gradient steps would keep the graph of all steps before."""
    gradient, value = func.grad_and_value(lambda x: (x ** 2).sum())(torch.arange(3.0))
    assert not gradient.requires_grad and not value.requires_grad
    weight = torch.tensor(2.0, requires_grad=True)
    through = func.grad(lambda x: (x ** 2 * weight).sum())(torch.ones(2))
    through.sum().backward()  # what was used from outside keeps its gradient
    assert weight.grad.item() == 4.0


def test_nested_transformations() -> None:
    third = func.grad(func.grad(func.grad(lambda x: x ** 4)))
    assert third(torch.tensor(2.0)).item() == 48.0
    per_sample = func.vmap(func.grad(lambda w, x: (w * x).sum() ** 2), in_dims=(None, 0))
    got = per_sample(torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    assert got.tolist() == [[2.0, 0.0], [6.0, 6.0]]


def test_functional_call_swaps_parameters_and_puts_them_back() -> None:
    layer = nn.Linear(2, 1)
    own = layer.weight
    given = {"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([10.0])}
    assert func.functional_call(layer, given, torch.tensor([[1.0, 1.0]])).tolist() == [[13.0]]
    assert layer.weight is own
    gradients = func.grad(lambda p: func.functional_call(layer, p, torch.ones(1, 2)).sum())(given)
    assert gradients["weight"].tolist() == [[1.0, 1.0]]
    with pytest.raises(RuntimeError, match="no parameter or buffer 'weigth'"):
        func.functional_call(layer, {"weigth": torch.ones(1, 2)}, torch.ones(1, 2))


def test_an_ensemble_of_stacked_modules() -> None:
    models = [nn.Linear(2, 1) for _ in range(3)]
    parameters, buffers = func.stack_module_state(models)
    x = torch.tensor([[1.0, 2.0]])
    together = func.vmap(lambda p, b, x: func.functional_call(models[0], (p, b), x),
                         in_dims=(0, 0, None))(parameters, buffers, x)
    np.testing.assert_allclose(together.tolist(), [m(x).tolist() for m in models], rtol=1e-6)


# ---- grad() and its refusals

def test_grad_of_an_unused_input() -> None:
    a, b = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        autograd.grad((a * 2).sum(), [a, b])
    (first, second) = autograd.grad((a * 2).sum(), [a, b], allow_unused=True)
    assert first.tolist() == [2.0] and second is None
    (_, zeros) = autograd.grad((a * 2).sum(), [a, b], materialize_grads=True)
    assert zeros.tolist() == [0.0]


def test_grad_wants_inputs_that_require_gradients() -> None:
    with pytest.raises(GradientError, match="does not require grad"):
        autograd.grad(leaf(1.0).sum(), torch.ones(1))


def test_anomaly_mode_names_the_operation() -> None:
    x = leaf(-1.0)
    with autograd.detect_anomaly(), pytest.raises(FloatingPointError):
        x.sqrt().item()


# ---- in-place writes and observation

def test_a_clone_that_was_looked_at_keeps_its_gradient() -> None:
    x = leaf(1.0, 2.0)
    y = x.clone()
    assert y.tolist() == [1.0, 2.0]
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_write_to_a_result_that_was_looked_at_keeps_the_gradient_of_the_rest() -> None:
    x = leaf(1.0, -2.0, 3.0)
    y = x * 2
    assert y.tolist() == [2.0, -4.0, 6.0]
    z = y * 10
    y[y > 0] = 0.5
    (y + z).sum().backward()
    assert x.grad.tolist() == [20.0, 22.0, 20.0]


def test_gradients_that_hooks_and_retain_grad_see_are_plain_tensors() -> None:
    x = leaf(1.0, 2.0)
    y = x ** 2
    seen = []
    y.retain_grad()
    y.register_hook(seen.append)
    (y ** 2).sum().backward()
    assert not y.grad.requires_grad and not seen[0].requires_grad
    assert y.grad.tolist() == [2.0, 8.0]


def test_step_functions_have_a_gradient_of_zero() -> None:
    x = leaf(1.5, -0.5)
    (x.floor() + x.round() + x.trunc() + x.ceil() + x.sign() + x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]

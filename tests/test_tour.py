"""tricord in twenty small cases: the manual that runs. Each is a few lines; all take a second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tricord
from tricord.tensor import tensor
from tricord.tensor.custom_gradients import custom_gradient
from tricord.tensor.transforms import checkpoint, grad, jvp, vmap


def test_a_tensor_is_made_from_numbers_lists_or_arrays():
    assert tensor([[1, 2], [3, 4]]).shape == (2, 2)
    assert tensor(0.5).dtype == "float32"
    assert tensor(np.zeros(3)).dtype == "float64"


def test_arithmetic_is_recorded_and_computed_when_looked_at():
    y = tensor([1.0, 2.0]) * 3 + 1
    assert not y.is_computed
    assert y.tolist() == [4.0, 7.0]
    assert y.is_computed


def test_shapes_broadcast_and_dtypes_promote():
    assert (tensor(np.ones((3, 1))) + tensor(np.ones(2, np.float32))).shape == (3, 2)
    assert (tensor([1]) + tensor([0.5])).dtype == "float32"
    assert (tensor(np.ones(2, np.float16)) * 0.1).dtype == "float16", "Python numbers are weak"


def test_gradients_arrive_in_the_leaves():
    w = tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_looking_at_the_loss_first_changes_nothing():
    w = tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    print(loss)
    loss.backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_no_grad_leaves_no_trace():
    w = tensor(2.0, requires_grad=True)
    with tricord.no_grad():
        assert not (w * w).requires_grad


def test_a_plain_loop_descends():
    w = tensor(0.0, requires_grad=True)
    for _ in range(100):
        w.grad = None
        ((w - 3) * (w - 3)).backward()
        with tricord.no_grad():
            w -= 0.1 * w.grad
    assert abs(w.item() - 3) < 1e-4


def test_python_branches_and_loops_just_work():
    def steps(x):
        n = 0
        while x > 1:
            x, n = x / 2, n + 1
        return n

    assert steps(tensor(10.0)) == 4


def test_grad_of_a_function_and_of_its_gradient():
    cube = lambda x: x * x * x  # noqa: E731
    assert grad(cube)(tensor(2.0)).item() == 12.0
    assert grad(grad(cube))(tensor(2.0)).item() == 12.0


def test_jvp_is_the_derivative_along_a_direction():
    _, slope = jvp(lambda x: x * x, (tensor(3.0),), (tensor(1.0),))
    assert slope.item() == 6.0


def test_vmap_turns_one_example_into_many():
    dot = lambda x, y: (x * y).sum()  # noqa: E731
    out = vmap(dot, in_axes=(0, None))(tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([1.0, 10.0]))
    assert out.tolist() == [21.0, 43.0]


def test_gradients_per_example_are_vmap_of_grad():
    per_example = vmap(grad(lambda w, x: (w * x) * (w * x)), in_axes=(None, 0))
    assert per_example(tensor(2.0), tensor([1.0, 3.0])).tolist() == [4.0, 36.0]


def test_a_function_may_have_a_gradient_of_its_own():
    @custom_gradient
    def straight_through(x):
        return x.round(), lambda upstream: upstream

    x = tensor([0.4, 1.6], requires_grad=True)
    straight_through(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_checkpoint_computes_again_instead_of_keeping():
    x = tensor([1.0, 2.0], requires_grad=True)
    checkpoint(lambda t: (t.exp() * t).sum(), x).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1, 2]) * np.array([2, 3]), rtol=1e-6)


def test_views_share_storage_and_writes_go_through():
    x = tensor(np.zeros((2, 3), np.float32))
    x[0][1:] = 5
    assert x.tolist() == [[0.0, 5.0, 5.0], [0.0, 0.0, 0.0]]


def test_errors_name_the_operation_the_shapes_and_the_line():
    with pytest.raises(ValueError, match=r"(?s)matmul.*\(2, 3\).*\(2, 4\).*test_tour.py:\d+"):
        tensor(np.ones((2, 3))) @ tensor(np.ones((2, 4)))


def test_numpy_and_tensors_exchange_without_ceremony():
    x = tensor([1.0, 4.0])
    assert np.asarray(x).sum() == 5.0
    assert (np.ones(2, np.float32) + x).tolist() == [2.0, 5.0]


def test_the_top_level_follows_the_array_api_standard():
    x = tricord.linspace(0, 1, 5)
    assert x.__array_namespace__().mean(x).item() == 0.5
    assert tricord.argmax(tricord.asarray([3, 9, 1])).item() == 1


def test_a_hundred_thousand_operations_need_no_recursion():
    x = tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * 1
    y.backward()
    assert x.grad.item() == 1.0


def test_the_miniature_in_the_docs_is_true():
    path = Path(__file__).parents[1] / "docs" / "tour" / "miniature.py"
    result = subprocess.run([sys.executable, "-m", "doctest", "-v", str(path)],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "6 passed" in result.stdout, result.stdout

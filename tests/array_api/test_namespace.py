"""The package's top level: what it imports, what it defers, and what it has beyond the standard."""

import subprocess
import sys

import numpy as np
import pytest

import tricord as tc


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True).stdout


def test_importing_the_package_stays_light():
    heavy = ("llvmlite", "h5py", "rich", "safetensors", "torch", "keras", "matplotlib", "PIL",
             "tricord.torch", "tricord.keras", "tricord.tensorflow", "tricord.nn", "tricord.data",
             "tricord.serialize")
    loaded = run("import sys, tricord; print(' '.join(sys.modules))").split()
    assert sorted(set(heavy) & set(loaded)) == []


def test_submodules_are_imported_when_first_used():
    assert run("import tricord; print(tricord.linalg.det(tricord.eye(2)).item(), "
               "tricord.fft.fft(tricord.ones(2)).tolist())") == "1.0 [(2+0j), 0j]\n"
    assert {"linalg", "fft", "nn", "torch", "random"} <= set(dir(tc))


def test_the_function_tensor_is_not_its_package():
    assert tc.tensor([1.0, 2.0]).tolist() == [1.0, 2.0]
    assert isinstance(tc.tensor(1), tc.Tensor)


def test_no_grad_is_a_block_and_a_decorator():
    x = tc.tensor([2.0], requires_grad=True)
    with tc.no_grad():
        assert not (x * x).requires_grad
        assert not tc.gradients_enabled()

    @tc.no_grad()
    def square(value):
        return value * value

    assert not square(x).requires_grad
    assert (x * x).requires_grad


def test_gradients_of_functions_of_the_namespace():
    def energy(w):
        return tc.sum(tc.tanh(w @ w) ** 2)

    w = np.array([[0.1, -0.4], [0.7, 0.2]])
    value, gradient = tc.value_and_grad(energy)(tc.asarray(w))
    step = 1e-6 * np.eye(4).reshape(4, 2, 2)
    numeric = [(energy(tc.asarray(w + s)).item() - energy(tc.asarray(w - s)).item()) / 2e-6
               for s in step]
    np.testing.assert_allclose(gradient.numpy().reshape(-1), numeric, rtol=1e-6)
    assert value.item() == pytest.approx(energy(tc.asarray(w)).item())


def test_numpy_arrays_and_lists_are_taken_for_tensors():
    assert tc.sum([1, 2, 3]).item() == 6
    assert tc.add(np.float64([1.0]), np.float64([2.0])).dtype is tc.float64
    assert tc.concat([np.ones(1, np.float32), tc.ones(1)]).tolist() == [1, 1]
    assert tc.maximum(2, [1, 3]).tolist() == [2, 3]


@pytest.mark.parametrize("call", [
    lambda: tc.sum(tc.ones((2, 3)), axis=2), lambda: tc.reshape(tc.ones(4), (3,)),
    lambda: tc.matmul(tc.ones((2, 3)), tc.ones((2, 3))), lambda: tc.zeros(-1)])
def test_an_error_names_the_users_line(call):
    with pytest.raises(ValueError, match=r"recorded at .*test_namespace\.py"):
        call()
